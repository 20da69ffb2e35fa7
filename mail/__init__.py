"""Outgoing email: rows with a state, put together the same to the byte each time they are sent."""
