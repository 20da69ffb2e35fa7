"""The menu at the top right: the account in use, the person's others, and what else they may do."""

from dataclasses import dataclass

from accounts.access import Access
from accounts.models import Account
from users.models import User

# How many of a person's accounts the menu lists; the chooser has them all.
_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Switcher:
    """``in_use`` is None on pages that belong to no account."""

    in_use: Account | None
    others: list[Account]


def switcher_for(user: User, access: Access | None) -> Switcher:
    """The first accounts by name; the chooser has them all."""
    accounts = Account.objects.filter(memberships__user=user).order_by("name", "number")
    if access is not None:
        accounts = accounts.exclude(pk=access.account.pk)
    return Switcher(access.account if access else None, list(accounts[:_LENGTH]))
