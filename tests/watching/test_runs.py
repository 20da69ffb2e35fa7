"""Billing runs that do not start or do not go on."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from billing.billing_run import start_run
from billing.models import BillingRun, BillingRunItem
from common.scoping import all_accounts_scope
from tests.factories import make_seller
from tests.scenes import A_DAY, ACTOR, a_charge, a_seller, an_account
from tests.watching.steps import (
    HOUR,
    MINUTE,
    alarms,
    change,
    give_sign_ago,
    hear_everybody,
    start_todays_run,
)
from watching.alarms import Code
from watching.looks.runs import daily_run
from watching.models import SignOfLife
from watching.signs import BEAT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_order() -> None:
    hear_everybody()


def test_a_day_without_its_run_is_told_once_there_is_somebody_to_bill_for() -> None:
    assert not alarms()
    make_seller()
    assert set(alarms()) == {Code.DAILY_RUN_MISSING}
    start_todays_run()
    assert not alarms()


def test_the_run_has_until_the_day_is_five_hours_old() -> None:
    make_seller(timezone="Europe/London")
    SignOfLife.objects.filter(name=BEAT).update(steady_since="2026-03-01T00:00:00Z")
    BillingRun.objects.create(as_of="2026-03-14", daily_for="2026-03-14", started_by="beat")
    assert not list(daily_run(datetime(2026, 3, 15, 4, 59, tzinfo=UTC)))
    (alarm,) = daily_run(datetime(2026, 3, 15, 5, 1, tzinfo=UTC))
    assert alarm.says == "The billing run of 2026-03-15 has not been started."
    BillingRun.objects.create(as_of="2026-03-15", daily_for="2026-03-15", started_by="beat")
    assert not list(daily_run(datetime(2026, 3, 15, 5, 1, tzinfo=UTC)))


def test_a_beat_that_was_just_started_gets_time_to_ask() -> None:
    make_seller()
    give_sign_ago(timedelta(), BEAT, steady=19 * MINUTE)
    assert not alarms()
    give_sign_ago(timedelta(), BEAT, steady=21 * MINUTE)
    assert set(alarms()) == {Code.DAILY_RUN_MISSING}


def a_run_whose_accounts_are_through(state: BillingRunItem.State) -> BillingRun:
    a_charge(an_account(), a_seller())
    run = start_run(as_of=A_DAY, actor=ACTOR)
    start_todays_run()
    with all_accounts_scope("a test"):
        BillingRun.objects.exclude(pk=run.pk).update(state=BillingRun.State.FINISHED)
        BillingRunItem.objects.update(state=state)
    return run


@pytest.mark.parametrize("state", ["drafted", "issued"])
def test_a_run_that_nobody_moves_on_is_stuck(state: BillingRunItem.State) -> None:
    run = a_run_whose_accounts_are_through(state)
    assert not alarms()
    change(BillingRun, run.pk, created_at=Now() - 11 * MINUTE)
    assert set(alarms()) == {Code.RUN_STUCK}


def test_a_run_that_is_worked_on_is_not_however_long_it_takes() -> None:
    run = a_run_whose_accounts_are_through(BillingRunItem.State.PENDING)
    change(BillingRun, run.pk, created_at=Now() - 5 * HOUR)
    assert not alarms()
