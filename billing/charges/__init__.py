"""Charges from files: read, checked whole, taken once. docs/importing-charges.md is the manual."""
