"""Invoices and credit notes: drafted, numbered and frozen, rendered, delivered."""
