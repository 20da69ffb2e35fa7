"""Who did what, when and from where: rows that are added and never changed."""
