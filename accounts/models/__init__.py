"""Accounts, and what hangs on them."""

from accounts.models.accounts import ADDRESS_LENGTH, NAME_LENGTH, Account
from accounts.models.contacts import Contact, InvoiceAddress
from accounts.models.memberships import Invitation, Membership
from accounts.models.ownership import AccountOffer, OwnershipChange

__all__ = [
    "ADDRESS_LENGTH",
    "NAME_LENGTH",
    "Account",
    "AccountOffer",
    "Contact",
    "Invitation",
    "InvoiceAddress",
    "Membership",
    "OwnershipChange",
]
