"""Account Details: who buys, in which language and time zone, and under which rules.

New invoices show a change; issued ones never do (row U2).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model

from accounts.access import AccountClosed
from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from users.models import User

# What was confirmed of a tax number is not true of another one, nor of it in another country.
_TAX_COLUMNS = {"tax_number", "country"}


def lock_account(account: Account) -> Account:
    """The account as it is now, to be changed by nobody else until this transaction ends.

    Raises AccountClosed: it may have been closed while the lock was waited for.
    """
    locked = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if locked.status == Account.Status.CLOSED:
        raise AccountClosed
    return locked


def change_account(account: Account, *, values: Mapping[str, Any], actor: Actor) -> bool:
    """Store ``values`` by column; False when nothing differs. ``account`` is locked."""
    wanted = dict(values)
    if any(
        getattr(account, name) != wanted.get(name, getattr(account, name)) for name in _TAX_COLUMNS
    ):
        wanted["tax_number_status"] = Account.TaxNumberStatus.UNCHECKED
    changes = apply_changes(account, wanted)
    if changes:
        record(
            Action.ACCOUNT_CHANGED,
            actor=actor,
            account_id=account.pk,
            subject=f"account {account.number}",
            details=changes,
        )
    return bool(changes)


def change_owners_names(owner: User, *, first_name: str, last_name: str, actor: Actor) -> bool:
    """The owner's own profile, which all their accounts share; False when nothing differs.

    ``owner`` is locked.
    """
    changes = apply_changes(owner, {"first_name": first_name, "last_name": last_name})
    if changes:
        record(
            Action.USER_PROFILE_CHANGED,
            actor=actor,
            subject=f"user {owner.email}",
            details={
                side: {name: change[value] for name, change in changes.items()}
                for side, value in (("from", "old"), ("to", "new"))
            },
        )
    return bool(changes)


def apply_changes(row: Model, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Set and save what differs on ``row``; the old and the new value by column, for the log."""
    changes = {
        name: {"old": getattr(row, name), "new": value}
        for name, value in values.items()
        if getattr(row, name) != value
    }
    for name, change in changes.items():
        setattr(row, name, change["new"])
    if changes:
        row.save(update_fields=list(changes))
    return changes


def values_of(row: Model, columns: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in columns}
