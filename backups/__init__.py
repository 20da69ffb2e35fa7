"""Copies of all that the database and the archive hold, and noticing a database that is older."""
