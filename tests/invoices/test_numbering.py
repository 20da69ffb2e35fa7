"""One series after the other, while documents are being issued."""

from datetime import UTC, datetime
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from audit.recording import Actor
from invoices.models.sellers import DocumentKind
from invoices.numbering import lock_next_number, start_series
from tests.factories import make_seller

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_for_a_number_gets_one_of_the_series_that_was_just_started() -> None:
    seller = make_seller()
    current = seller.series.get(kind=DocumentKind.INVOICE)
    process: list[int] = []
    asking, numbers = Event(), []

    def ask() -> None:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    process.append(cursor.fetchone()[0])
                asking.set()
                numbers.append(lock_next_number(seller, kind=DocumentKind.INVOICE, now=NOW).number)
        finally:
            connection.close()

    with transaction.atomic():
        start_series(current, prefix="INV-2027-", actor=Actor.system("a test"))
        issuing = Thread(target=ask)
        issuing.start()
        assert asking.wait(10)
        wait_until_blocked(process[0])
    issuing.join(10)
    assert numbers == ["INV-2027-000001"]


def wait_until_blocked(process: int) -> None:
    """Until the database says that ``process`` waits for a lock of somebody else."""
    stop_at = datetime.now(UTC).timestamp() + 10
    with connection.cursor() as cursor:
        while datetime.now(UTC).timestamp() < stop_at:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)), pg_sleep(0.02)", [process])
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waited")
