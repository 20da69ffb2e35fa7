"""What is looked at, one file for each kind of trouble. ``watching.looking`` has the list."""
