"""What waits for a person: told until somebody has seen to it, and no longer."""

import uuid

import pytest
from django.db.models.functions import Now

from billing.billing_run import (
    approve_run,
    discard_item,
    resume_run,
    retry_item,
    start_run,
    stop_run,
)
from billing.models import BillingRun, BillingRunItem
from billing.working import work_run
from common.scoping import account_scope, all_accounts_scope
from invoices.models import Document, NumberSeries
from invoices.retrying import retry_document
from mail.models import HeldBatch, OutgoingEmail
from mail.outbox import release, retry, withhold
from taxes.models import TaxRegistration
from tests.factories import OPERATOR, make_account, make_invoice, make_seller
from tests.mail.steps import queue as queue_mail
from tests.mail.steps import stored
from tests.scenes import A_DAY, a_charge, a_seller, an_account, bill
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
from watching.alarms import Code, Severity

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_order() -> None:
    hear_everybody()


# --- Accounts that could not be billed ----------------------------------------------------------


def a_parked_account() -> BillingRunItem:
    """Refused at drafting: the seller has no tax registration on the day."""
    seller, account = a_seller(), an_account()
    TaxRegistration.objects.update(valid_from="2030-01-01")
    a_charge(account, seller)
    run = bill()
    start_todays_run()
    work_all()
    with all_accounts_scope("a test"):
        BillingRunItem.objects.exclude(run=run).delete()
        return BillingRunItem.objects.get(run=run, state=BillingRunItem.State.PARKED)


def work_all() -> None:
    for run in BillingRun.objects.exclude(state=BillingRun.State.FINISHED):
        work_run(run)


def let_it_be_billed() -> None:
    TaxRegistration.objects.update(valid_from="2000-01-01")


def test_an_account_that_could_not_be_billed_is_an_alarm_until_it_is() -> None:
    item = a_parked_account()
    alarm = alarms()[Code.ACCOUNTS_PARKED]
    assert alarm.says == "1 account could not be billed."
    assert alarm.page == "/admin/billing/billingrunitem/?state__exact=parked"
    let_it_be_billed()
    retry_item(item, actor=OPERATOR)
    assert Code.ACCOUNTS_PARKED not in alarms()


def test_or_until_its_charges_are_left_to_the_next_run() -> None:
    discard_item(a_parked_account(), actor=OPERATOR)
    assert Code.ACCOUNTS_PARKED not in alarms()


def test_or_until_a_later_run_has_billed_what_was_due() -> None:
    a_parked_account()
    bill()
    assert alarms()[Code.ACCOUNTS_PARKED].says == "1 account could not be billed."
    let_it_be_billed()
    bill()
    assert Code.ACCOUNTS_PARKED not in alarms()


def test_a_later_run_bills_nothing_of_drafts_that_could_not_be_issued() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    run = work_run(start_run(as_of=A_DAY, actor=OPERATOR))
    NumberSeries.objects.filter(seller=seller).update(is_current=False)
    approve_run(run, actor=OPERATOR)
    work_run(run)
    NumberSeries.objects.filter(seller=seller).update(is_current=True)
    a_charge(account, seller)
    bill()
    assert alarms()[Code.ACCOUNTS_PARKED].count == 1


# --- Documents and mail -------------------------------------------------------------------------


def test_a_document_that_could_not_be_rendered_is_an_alarm_until_it_is_tried_again() -> None:
    invoice = make_invoice(make_account(), seller=make_seller())
    start_todays_run()
    with account_scope(invoice.account_id):
        document = Document.objects.get(invoice=invoice)
    change(Document, document.pk, state=Document.State.PARKED, last_error="ran out of memory")
    assert set(alarms()) == {Code.DOCUMENTS_PARKED}
    retry_document(document, actor=OPERATOR)
    assert not alarms()


def test_mail_that_was_refused_waits_for_somebody_for_two_weeks() -> None:
    failed = {"state": OutgoingEmail.State.FAILED, "server_response": "550 no such user"}
    a_message_made(15 * DAY, **failed)
    assert not alarms()
    pk = a_message_made(13 * DAY, **failed)
    alarm = alarms()[Code.MAIL_FAILED]
    assert alarm.count == 1
    assert alarm.kind.severity is Severity.ATTENTION
    email = stored(pk)
    with account_scope(1):
        retry(email, actor=OPERATOR)
    assert Code.MAIL_FAILED not in alarms()


def test_mail_of_a_stopped_run_is_not_forgotten() -> None:
    batch = uuid.uuid4()
    queue_mail(1, batch_id=batch)
    withhold(batch)
    change(HeldBatch, batch, held_since=Now() - 3 * DAY + MINUTE)
    assert not alarms()
    change(HeldBatch, batch, held_since=Now() - 3 * DAY - MINUTE)
    assert set(alarms()) == {Code.MAIL_HELD}
    release(batch)
    assert not alarms()


def test_a_stopped_run_without_mail_needs_nobody() -> None:
    batch = uuid.uuid4()
    withhold(batch)
    change(HeldBatch, batch, held_since=Now() - 30 * DAY)
    assert not alarms()


# --- Runs that wait -----------------------------------------------------------------------------


def a_waiting_run() -> BillingRun:
    a_charge(an_account(), a_seller())
    run = work_run(start_run(as_of=A_DAY, actor=OPERATOR))
    assert run.state == BillingRun.State.WAITING
    start_todays_run()
    work_all()
    return run


def test_a_run_that_was_stopped_with_accounts_left_is_told_until_it_is_resumed() -> None:
    run = a_waiting_run()
    stop_run(run, actor=OPERATOR)
    assert set(alarms()) == {Code.RUN_STOPPED}
    assert alarms()[Code.RUN_STOPPED].says == (
        "1 billing run was stopped before every account was billed."
    )
    resume_run(run, actor=OPERATOR)
    assert Code.RUN_STOPPED not in alarms()


def test_a_run_waits_for_approval_and_is_forgotten_after_three_days() -> None:
    run = a_waiting_run()
    assert set(alarms()) == {Code.RUN_WAITING}
    assert alarms()[Code.RUN_WAITING].kind.severity is Severity.ATTENTION
    change(BillingRun, run.pk, created_at=Now() - 3 * DAY - HOUR)
    assert set(alarms()) == {Code.RUN_FORGOTTEN}
    assert alarms()[Code.RUN_FORGOTTEN].says == "1 billing run waits for approval."
    approve_run(run, actor=OPERATOR)
    assert not alarms()
