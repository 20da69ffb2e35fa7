"""Wall 2: which account's rows this transaction may see and write.

Every table with an ``account_id`` carries a row-level security policy (``common.tenancy``) that
compares it with the transaction-local setting ``counterfoil.scope``. Code that opens no scope sees
empty tables. The setting is put back as the *last line* of the block rather than in ``finally``: on
an error the savepoint restores it, and a statement in ``finally`` would run in an aborted
transaction and hide the real exception.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Model

ALL_ACCOUNTS = "all"
_NO_SCOPE = ""


class ScopeViolation(RuntimeError):
    """Code inside one account's scope reached for another account, or for all: a bug."""


@contextmanager
def account_scope(account: Model | int) -> Iterator[None]:
    """Rows of ``account`` (the object or its primary key) and of no other, in one transaction.

    Raises ScopeViolation inside the scope of a different account. Inside ``all_accounts_scope`` it
    narrows, and widens again at the end of the block. Callbacks of ``on_commit`` run outside.
    """
    account_pk = account if isinstance(account, int) else account.pk
    with _scope(str(account_pk)):
        yield


@contextmanager
def all_accounts_scope(reason: str) -> Iterator[None]:
    """Rows of every account, in one transaction; ``reason`` says why to whoever reads the code.

    Raises ScopeViolation inside one account's scope: narrowing is allowed, widening is not.
    """
    if not reason:
        raise ValueError("a scope over all accounts needs a reason")
    with _scope(ALL_ACCOUNTS):
        yield


def current_scope() -> str:
    """An account's primary key as text, ``all``, or the empty string."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('counterfoil.scope', true), '')")
        return str(cursor.fetchone()[0])


@contextmanager
def _scope(wanted: str) -> Iterator[None]:
    # The end of a transaction ends the setting too, and saves a round trip.
    ends_transaction = not connection.in_atomic_block
    with transaction.atomic():
        former = _exchange(wanted)
        if former not in (_NO_SCOPE, ALL_ACCOUNTS, wanted):
            raise ScopeViolation(f"scope {former} is open: {wanted} cannot be opened inside it")
        yield
        if not ends_transaction:
            _exchange(former)


def _exchange(wanted: str) -> str:
    """Set the scope and return the former one, in one round trip.

    The subquery is materialised so that the former value is read before the new one is set.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH former AS MATERIALIZED"
            " (SELECT coalesce(current_setting('counterfoil.scope', true), '') AS scope)"
            " SELECT scope, set_config('counterfoil.scope', %s, true) FROM former",
            [wanted],
        )
        return str(cursor.fetchone()[0])
