"""The run of every day: once, whoever asks and however late."""

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from unittest.mock import patch

import pytest
from django.db import connection
from django.utils import timezone

from audit.recording import Actor
from billing.billing_run import start_daily_run
from billing.models import BillingEntry, BillingRun
from billing.tasks import bill_due_entries, work_billing_runs
from billing.working import work_run
from common.scoping import all_accounts_scope
from tests.scenes import a_charge, a_seller, an_account, documents_of

ACTOR = Actor.system("daily billing")

pytestmark = pytest.mark.django_db


def at(moment: datetime) -> BillingRun | None:
    """Whether a scheduler that asks at ``moment`` starts a run."""
    with patch.object(timezone, "now", return_value=moment):
        return start_daily_run(actor=ACTOR)


def days_of_runs() -> list[date]:
    return list(BillingRun.objects.order_by("created_at").values_list("as_of", flat=True))


def test_scheduler_bills_what_has_become_due() -> None:
    seller, account = a_seller(), an_account()
    today = timezone.localdate()
    a_charge(account, seller, due_on=today - timedelta(days=2))
    a_charge(account, seller, due_on=today + timedelta(days=2))
    bill_due_entries()
    work_billing_runs()
    assert [document.state for document in documents_of(account)] == ["draft"]
    with all_accounts_scope("counting entries"):
        assert BillingEntry.objects.filter(invoice_line__isnull=True).count() == 1


def test_a_day_has_one_daily_run_however_often_schedulers_ask() -> None:
    a_seller()
    morning = datetime(2026, 3, 15, 4, tzinfo=UTC)
    assert at(morning) is not None
    assert at(morning) is None
    assert at(morning + timedelta(hours=12)) is None
    assert at(morning + timedelta(days=1)) is not None
    assert days_of_runs() == [date(2026, 3, 15), date(2026, 3, 16)]


def test_daily_run_waits_for_the_small_hours_of_the_last_sellers_zone() -> None:
    a_seller(timezone="America/Los_Angeles")
    # 01:00 in Los Angeles: the day before is the newest that has had time to be told.
    before = at(datetime(2026, 3, 15, 8, tzinfo=UTC))
    after = at(datetime(2026, 3, 15, 11, tzinfo=UTC))
    assert before is not None
    assert after is not None
    assert (before.as_of, after.as_of) == (date(2026, 3, 14), date(2026, 3, 15))


def test_scheduler_that_was_away_over_a_months_end_bills_each_charge_once() -> None:
    seller, account = a_seller(), an_account()
    due = [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    for day in due:
        a_charge(account, seller, due_on=day)
    assert at(datetime(2026, 2, 26, 4, tzinfo=UTC)) is not None
    late = at(datetime(2026, 3, 1, 22, tzinfo=UTC))
    assert late is not None
    work_run(late)
    assert days_of_runs() == [date(2026, 2, 26), date(2026, 3, 1)]
    with all_accounts_scope("looking at entries"):
        entries = BillingEntry.objects.order_by("invoice_line__position").select_related(
            "invoice_line"
        )
        assert [entry.due_on for entry in entries] == due
        assert {entry.invoice_line.invoice_id for entry in entries if entry.invoice_line} == {
            document.pk for document in documents_of(account)
        }


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_in_the_same_second_start_one_run() -> None:
    account = an_account()
    a_charge(account, a_seller(), due_on=timezone.localdate() - timedelta(days=2))
    together = Barrier(2)
    started: list[BillingRun | None] = []

    def ask() -> None:
        together.wait()
        try:
            started.append(start_daily_run(actor=ACTOR))
        finally:
            connection.close()

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run is None for run in started) == [False, True]
    assert BillingRun.objects.count() == 1
