"""Charges in, billing runs out: what turns chargeable things into invoices."""
