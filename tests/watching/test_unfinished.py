"""Work that is older than its limit (invariant I8), in each of the four queues."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model
from django.db.models.functions import Now

from billing.billing_run import start_run
from billing.models import BillingRunItem
from common.claims import Queue, begin, claim
from common.scoping import all_accounts_scope
from invoices.models import Document
from mail.models import OutgoingEmail
from tests.factories import make_account, make_invoice, make_seller
from tests.mail.steps import queue as queue_mail
from tests.scenes import A_DAY, ACTOR, a_charge, a_seller, an_account
from tests.watching.steps import (
    DAY,
    HOUR,
    MINUTE,
    a_message_made,
    alarms,
    change,
    hear_everybody,
    start_todays_run,
)
from watching.alarms import Code
from watching.looks import unfinished

pytestmark = pytest.mark.django_db

Work = tuple[type[Model], Any]
DEFERRED = {"state": OutgoingEmail.State.DEFERRED, "server_response": "451 not now"}


@pytest.fixture(autouse=True)
def in_order() -> None:
    hear_everybody()


def an_item_to_draft() -> Work:
    a_charge(an_account(), a_seller())
    start_todays_run()
    run = start_run(as_of=A_DAY, actor=ACTOR)
    with all_accounts_scope("a test"):
        BillingRunItem.objects.exclude(run=run).delete()
        return BillingRunItem, BillingRunItem.objects.get(run=run).pk


def an_item_to_issue() -> Work:
    model, pk = an_item_to_draft()
    change(model, pk, state=BillingRunItem.State.APPROVED)
    return model, pk


def a_document() -> Work:
    invoice = make_invoice(make_account(), seller=make_seller())
    start_todays_run()
    with all_accounts_scope("a test"):
        return Document, Document.objects.get(invoice=invoice).pk


def a_message() -> Work:
    (pk,) = queue_mail(1)
    return OutgoingEmail, pk


QUEUES: list[tuple[Callable[[], Work], Code]] = [
    (an_item_to_draft, Code.DRAFTING_OVERDUE),
    (an_item_to_issue, Code.ISSUING_OVERDUE),
    (a_document, Code.DOCUMENTS_OVERDUE),
    (a_message, Code.MAIL_OVERDUE),
]
queues = pytest.mark.parametrize(("make", "code"), QUEUES)


def queue_of(code: Code) -> Queue:
    return next(each.queue for each in unfinished.WATCHED if each.code is code)


@queues
def test_work_that_nobody_takes_up_for_ten_minutes_is_overdue(
    make: Callable[[], Work], code: Code
) -> None:
    model, pk = make()
    change(model, pk, next_attempt_at=Now() - 9 * MINUTE)
    assert not alarms()
    change(model, pk, next_attempt_at=Now() - 11 * MINUTE)
    assert set(alarms()) == {code}
    alarm = alarms()[code]
    assert alarm.count == 1
    assert alarm.says.startswith("1 ")
    assert alarm.says.endswith("for more than 10 minutes; no worker has any in hand.")
    with all_accounts_scope("a test"):
        due = model._default_manager.filter(pk=pk).values_list("next_attempt_at", flat=True)
        assert list(due) == [alarm.since]


@queues
def test_work_that_waits_for_its_next_attempt_is_not(make: Callable[[], Work], code: Code) -> None:
    model, pk = make()
    change(model, pk, next_attempt_at=Now() + 10 * MINUTE, attempts=4)
    assert not alarms()


@queues
def test_work_in_hand_is_not(make: Callable[[], Work], code: Code) -> None:
    model, pk = make()
    change(model, pk, next_attempt_at=Now() - 11 * MINUTE)
    (claimed,) = claim(queue_of(code))
    assert begin(queue_of(code), claimed)
    assert not alarms()


@queues
@pytest.mark.parametrize("attempts", [0, 2])
def test_work_whose_worker_is_gone_and_that_nobody_takes_over_is_overdue(
    make: Callable[[], Work], code: Code, attempts: int
) -> None:
    model, pk = make()
    claim(queue_of(code))
    change(model, pk, leased_until=Now() - 9 * MINUTE, attempts=attempts)
    assert not alarms()
    change(model, pk, leased_until=Now() - 11 * MINUTE)
    assert set(alarms()) == {code}


def test_a_queue_that_is_worked_may_be_behind_for_an_hour() -> None:
    in_hand, waiting = queue_mail(1, 2)
    change(OutgoingEmail, in_hand, next_attempt_at=Now() - 61 * MINUTE)
    change(OutgoingEmail, waiting, next_attempt_at=Now() - 59 * MINUTE)
    claim(queue_of(Code.MAIL_OVERDUE), limit=1)
    assert not alarms()
    change(OutgoingEmail, waiting, next_attempt_at=Now() - 61 * MINUTE)
    assert alarms()[Code.MAIL_OVERDUE].says.endswith("1 hour; workers are at it, but behind.")


def test_the_oldest_of_many_says_since_when() -> None:
    keys = queue_mail(*range(5))
    for number, pk in enumerate(keys):
        change(OutgoingEmail, pk, next_attempt_at=Now() - (20 + number) * MINUTE)
    alarm = alarms()[Code.MAIL_OVERDUE]
    assert alarm.count == 5
    assert alarm.says.startswith("5 messages have been due to be sent")
    with all_accounts_scope("a test"):
        assert alarm.since == OutgoingEmail.objects.get(pk=keys[-1]).next_attempt_at


# --- Put off without being counted --------------------------------------------------------------


def test_a_document_is_finished_within_an_hour_whatever_puts_it_off() -> None:
    model, pk = a_document()
    change(model, pk, created_at=Now() - 59 * MINUTE, next_attempt_at=Now() + MINUTE)
    assert not alarms()
    change(model, pk, created_at=Now() - 61 * MINUTE)
    assert alarms()[Code.DOCUMENTS_OVERDUE].subject == "put off"


def test_messages_that_go_back_untried_are_told() -> None:
    a_message_made(9 * MINUTE, next_attempt_at=Now() + MINUTE)
    assert not alarms()
    a_message_made(11 * MINUTE, next_attempt_at=Now() + MINUTE)
    assert alarms()[Code.MAIL_OVERDUE].subject == "put off"
    assert alarms()[Code.MAIL_OVERDUE].count == 1


def test_messages_that_no_server_answered_for_are_told() -> None:
    a_message_made(9 * MINUTE, **DEFERRED)
    assert not alarms()
    a_message_made(11 * MINUTE, **DEFERRED)
    assert set(alarms()) == {Code.MAIL_SERVER_AWAY}


def test_messages_that_a_server_deferred_are_everyday_business_for_three_days() -> None:
    deferred = {**DEFERRED, "deferrals": 9, "next_attempt_at": Now() + 2 * HOUR}
    a_message_made(3 * DAY, **deferred)
    assert not alarms()
    a_message_made(4 * DAY + MINUTE, **deferred)
    assert set(alarms()) == {Code.MAIL_LATE}


@pytest.mark.parametrize("state", ["sent", "withheld"])
def test_what_is_done_with_is_of_no_concern(state: str) -> None:
    a_message_made(30 * DAY, state=state, sent_at=Now(), next_attempt_at=Now() - 30 * DAY)
    assert not alarms()
