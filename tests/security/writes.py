"""What a stretch of code wrote, from PostgreSQL's own count of this transaction's rows."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# Keeping count of who is signed in, and of who was refused: no change of anything (ASVS 31, 41).
BOOKKEEPING = frozenset({"users_usersession", "users_ratehit", "audit_auditevent"})


@contextmanager
def undone() -> Iterator[None]:
    """A stretch whose writes are rolled back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def written() -> Iterator[Counter[str]]:
    """Counts, at the end of the block, the rows that were inserted, changed or deleted by table."""
    found: Counter[str] = Counter()
    before = _so_far()
    yield found
    found.update(_so_far() - before)


def _so_far() -> Counter[str]:
    """Includes what a savepoint has undone since: it was written all the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return Counter(dict(cursor.fetchall()))
