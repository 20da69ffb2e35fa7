"""Who of an account's members needs two-factor authentication, and what becomes of it."""
