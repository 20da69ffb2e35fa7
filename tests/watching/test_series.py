"""Number series that give no numbers."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction

from common.roles import as_owner
from invoices.models import NumberSeries, Seller
from tests.factories import make_account, make_invoice, make_seller
from tests.scenes import a_charge, a_seller, an_account
from tests.watching.steps import MINUTE, alarms, change, hear_everybody, start_todays_run
from watching.alarms import Alarm, Code
from watching.looking import look
from watching.memory import remember
from watching.models import RaisedAlarm


@contextmanager
def series_held(series: NumberSeries) -> Iterator[int]:
    """Another session has the row locked and does not end; gives its process in PostgreSQL."""
    is_held, is_over = Event(), Event()
    processes: list[int] = []

    def hold() -> None:
        # Its session may be ended meanwhile.
        with suppress(OperationalError, InterfaceError), transaction.atomic():
            NumberSeries.objects.select_for_update(no_key=True).get(pk=series.pk)
            processes.append(connection.connection.info.backend_pid)
            is_held.set()
            is_over.wait()
        connection.close()

    holder = Thread(target=hold)
    holder.start()
    is_held.wait()
    try:
        yield processes[0]
    finally:
        is_over.set()
        holder.join()


def blocked() -> list[Alarm]:
    return [alarm for alarm in look().alarms if alarm.code is Code.SERIES_BLOCKED]


def let_pass(minutes: int) -> None:
    for row in RaisedAlarm.objects.all():
        row.first_seen_at -= minutes * MINUTE
        row.save()


@pytest.fixture
def series(transactional_db: None) -> NumberSeries:
    a_seller()
    start_todays_run()
    hear_everybody()
    return NumberSeries.objects.get(prefix="INV-")


def test_a_series_that_is_held_is_blocked_once_the_watchman_has_seen_it_for_a_minute(
    series: NumberSeries,
) -> None:
    with series_held(series):
        remember(look())
        assert blocked() == []
        let_pass(1)
        (alarm,) = blocked()
        assert alarm.subject == "INV- after 0"
        assert alarm.says.startswith("The number series INV-… of Northwind Hosting Ltd is held")
        assert alarm.since == RaisedAlarm.objects.get().first_seen_at
    assert blocked() == []


def test_a_series_that_gives_numbers_is_not_blocked_however_often_it_is_held(
    series: NumberSeries,
) -> None:
    with series_held(series):
        remember(look())
    let_pass(1)
    make_invoice(make_account(), seller=series.seller)
    with series_held(series):
        assert blocked() == []
        assert [alarm.subject for alarm in look().seen] == ["INV- after 1"]


def test_the_docs_show_how_to_find_who_holds_it(series: NumberSeries) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "watching.md").read_text()
    query = page.partition("```sql\n")[2].partition("```")[0].replace("1 minute", "0 minutes")
    with series_held(series) as holder, as_owner(), connection.cursor() as cursor:
        cursor.execute(query)
        assert [row[0] for row in cursor.fetchall()] == [holder]
        cursor.execute("SELECT pg_terminate_backend(%s)", [holder])
    assert blocked() == []


def test_a_look_leaves_every_series_free(series: NumberSeries) -> None:
    look()
    with transaction.atomic():
        free = NumberSeries.objects.select_for_update(nowait=True).values_list("pk", flat=True)
        assert len(free) == 2


@pytest.mark.django_db
def test_a_seller_with_charges_that_are_due_needs_a_series() -> None:
    hear_everybody()
    seller = make_seller()
    start_todays_run()
    current = NumberSeries.objects.get(prefix="INV-")
    change(NumberSeries, current.pk, is_current=False)
    assert not alarms()
    a_charge(an_account(), seller, due_on="2030-01-01")
    assert not alarms()
    a_charge(an_account(), seller)
    alarm = alarms()[Code.SERIES_MISSING]
    assert alarm.subject == Seller.objects.get().code
    change(NumberSeries, current.pk, is_current=True)
    assert not alarms()
