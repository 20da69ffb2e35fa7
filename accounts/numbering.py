"""Account numbers: digits only, from 100001 up, never reused."""

from django.db import connection


def next_account_numbers(count: int = 1) -> list[int]:
    """``count`` new numbers, ascending. A rolled-back account leaves a gap, which is allowed here.

    From a PostgreSQL sequence (``account_number_sequence``), so that a number is never given twice,
    not even after its account was never committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval('account_number_sequence') FROM generate_series(1, %s)", [count]
        )
        return sorted(number for (number,) in cursor.fetchall())
