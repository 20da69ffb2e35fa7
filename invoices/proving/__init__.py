"""Proving that issued documents are what they were: recomputed from rows, files and noted heads."""
