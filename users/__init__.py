"""User IDs: the people who sign in, each tied to one email address."""
