"""Two-factor authentication: methods, challenge, and who is required to have it."""
