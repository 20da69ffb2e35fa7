"""Pages that cross the packages: home, an account's overview, errors, the mailbox."""
