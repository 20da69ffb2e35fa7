"""Forms on accounts: those of staff, and those of each subject of the settings."""
