"""Codes by text message: numbers, limits, codes, messages, gateways."""
