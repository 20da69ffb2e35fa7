"""Opening the accounts that a file names and that are not there: for trying the program out."""

import hashlib
import re

from accounts.models import Account
from accounts.opening import NewAccount, open_accounts
from audit.recording import Actor
from billing.charges import judging
from billing.charges.judging import AccountToOpen

# A label of a host name (RFC 1035) holds 63 characters; "customer-" and a hash take some of them.
_PLAIN_REFERENCE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
_HASH_CHARACTERS = 12


def open_missing_accounts(*, actor: Actor) -> int:
    """Open every missing account that has a good row with a country; returns how many.

    They are organisations without a tax number, owned by a user ID at a domain that is reserved for
    examples (RFC 2606), to which no mail can be delivered.
    """
    opened = 0
    for wanted in judging.accounts_to_open():
        opened += len(open_accounts([_new_account(one) for one in wanted], actor=actor))
    return opened


def owner_address(reference: str) -> str:
    """``owner@customer-17850.example``, a different one for every reference."""
    if _PLAIN_REFERENCE.fullmatch(reference):
        return f"owner@customer-{reference}.example"
    digest = hashlib.sha256(reference.encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"owner@customer-x-{digest}.example"


def _new_account(wanted: AccountToOpen) -> NewAccount:
    return NewAccount(
        kind=Account.Kind.ORGANISATION,
        name=wanted.name or f"Customer {wanted.reference}",
        country=wanted.country,
        currency=wanted.currency,
        owner_email=owner_address(wanted.reference),
        external_reference=wanted.reference,
    )
