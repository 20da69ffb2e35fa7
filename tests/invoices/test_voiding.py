"""M4: void only what is unpaid and what no recipient's server has accepted; the number stays."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from audit.wording import sentence_for
from backups.refusals import DatabaseBehind
from billing.models import BillingEntry
from common.claims import begin_in_scope, claim
from common.exceptions import DomainError
from common.scoping import account_scope, all_accounts_scope
from common.storage import StoredDocument
from invoices.crediting import credit_invoice
from invoices.delivery import queue_emails
from invoices.documents import document_of
from invoices.models import Document, Invoice, Settlement
from invoices.voiding import (
    CreditedAlready,
    MailAccepted,
    MailMayHaveArrived,
    MailUnderWay,
    NotIssuedYet,
    ReasonMissing,
    SettledAlready,
    VoidAlready,
    consequences_of_voiding,
    obstacle_to_voiding,
    void_invoice,
)
from mail.models import OutgoingEmail
from mail.outbox import EmailCalledOff, release, retry, withhold
from mail.queue import EMAIL_QUEUE
from tests.factories import make_draft, make_invoice, store_pdf
from tests.invoices.sealed import rehash
from tests.scenes import ACTOR, a_charge, a_seller, an_account, bill, documents_of

pytestmark = pytest.mark.django_db

State = OutgoingEmail.State


@pytest.fixture
def invoice() -> Invoice:
    """Issued, stored, its one mail queued."""
    issued = make_invoice(an_account(), seller=a_seller())
    store_pdf(issued)
    return issued


def void(invoice: Invoice, reason: str = "made twice") -> Invoice:
    return void_invoice(invoice, reason=reason, actor=ACTOR)


def mail_of(invoice: Invoice) -> OutgoingEmail:
    with account_scope(invoice.account_id):
        return OutgoingEmail.objects.get(invoice_delivery__invoice=invoice)


def set_mail(invoice: Invoice, **columns: Any) -> None:
    with account_scope(invoice.account_id):
        OutgoingEmail.objects.filter(pk=mail_of(invoice).pk).update(**columns)


def events() -> list[AuditEvent]:
    with all_accounts_scope("looking at the log"):
        return list(AuditEvent.objects.filter(action=Action.INVOICE_VOIDED))


def state_of(invoice: Invoice) -> str:
    with account_scope(invoice.account_id):
        return Invoice.objects.get(pk=invoice.pk).state


# --- What is voided -------------------------------------------------------------------------------


def test_a_void_invoice_keeps_its_number_and_says_what_it_said(invoice: Invoice) -> None:
    voided = void(invoice, "  made\n twice ")
    assert (voided.state, voided.number, voided.void_reason) == (
        Invoice.State.VOID,
        "INV-000001",
        "made twice",
    )
    assert rehash(invoice) == invoice.content_hash
    (event,) = events()
    assert (event.subject, event.account_id) == ("invoice INV-000001", invoice.account_id)
    assert event.details["reason"] == "made twice"
    assert sentence_for(event.action, event.subject) == "Voided invoice INV-000001"


def test_its_mail_never_leaves(invoice: Invoice) -> None:
    void(invoice)
    email = mail_of(invoice)
    assert email.state == State.FAILED
    assert email.last_error == "INV-000001 was voided: made twice"
    assert claim(EMAIL_QUEUE) == []


def test_nobody_can_send_its_mail_by_hand(invoice: Invoice) -> None:
    void(invoice)
    with account_scope(invoice.account_id), pytest.raises(EmailCalledOff, match="is void"):
        retry(mail_of(invoice), actor=ACTOR)
    assert mail_of(invoice).state == State.FAILED


def test_mail_that_was_held_back_is_not_released_with_its_run() -> None:
    account, seller = an_account(), a_seller()
    a_charge(account, seller)
    run = bill()
    (issued,) = documents_of(account)
    store_pdf(issued)
    withhold(run.pk)
    assert mail_of(issued).state == State.WITHHELD
    void(issued)
    assert release(run.pk) == 0
    assert mail_of(issued).state == State.FAILED


def test_a_document_that_waits_for_its_pdf_is_voided_and_mails_nobody() -> None:
    issued = make_invoice(an_account(), seller=a_seller())
    voided = void(issued)
    store_pdf(voided)
    with account_scope(issued.account_id):
        assert Document.objects.get(invoice=issued).state == Document.State.STORED
        assert not OutgoingEmail.objects.exists()


def test_a_void_credit_note_credits_nothing(invoice: Invoice) -> None:
    note = credit_invoice(invoice, actor=ACTOR)
    with account_scope(note.account_id):
        note = Invoice.objects.select_related("preceding").get(pk=note.pk)
        assert consequences_of_voiding(note) == ["INV-000001 is no longer credited by it."]
    void(note)
    with account_scope(invoice.account_id):
        assert Settlement.objects.get(invoice=invoice).credited == 0
    assert credit_invoice(invoice, actor=ACTOR).number == "CN-000002"


# --- Charges --------------------------------------------------------------------------------------


def test_charges_of_a_void_invoice_are_billed_again() -> None:
    """Otherwise voiding would lose money without anybody saying so."""
    account, seller = an_account(), a_seller()
    entries = [a_charge(account, seller), a_charge(account, seller)]
    bill()
    (first,) = documents_of(account)
    with account_scope(account):
        (said,) = consequences_of_voiding(first)
    assert said == "2 charges become due again and are billed by the next run."
    void(first)
    assert events()[0].details["followed"] == [said]
    bill()
    _, second = documents_of(account)
    assert (second.state, second.gross_total) == (Invoice.State.ISSUED, first.gross_total)
    with account_scope(account):
        consumed = BillingEntry.objects.filter(invoice_line__invoice=second)
        assert set(consumed) == set(entries)


def test_charges_stay_with_an_invoice_that_is_not_voided() -> None:
    account, seller = an_account(), a_seller()
    a_charge(account, seller)
    bill()
    (issued,) = documents_of(account)
    store_pdf(issued)
    set_mail(issued, state=State.SENT, sent_at=timezone.now())
    with pytest.raises(MailAccepted):
        void(issued)
    bill()
    assert documents_of(account) == [issued]


# --- What is refused ------------------------------------------------------------------------------


def test_a_reason_is_required(invoice: Invoice) -> None:
    with pytest.raises(ReasonMissing):
        void(invoice, " \n ")
    assert state_of(invoice) == Invoice.State.ISSUED


def test_a_draft_is_discarded_instead() -> None:
    draft = make_draft(an_account(), seller=a_seller())
    with pytest.raises(NotIssuedYet, match="discard it instead"):
        void(draft)
    assert state_of(draft) == Invoice.State.DRAFT


def test_a_second_click_says_so_and_does_nothing(invoice: Invoice) -> None:
    void(invoice)
    with pytest.raises(VoidAlready, match="INV-000001 is void already"):
        void(invoice, "again")
    assert len(events()) == 1


@pytest.mark.parametrize("column", ["allocated", "credit_applied", "written_off"])
def test_what_money_was_settled_against_is_credited_instead(invoice: Invoice, column: str) -> None:
    with account_scope(invoice.account_id):
        Settlement.objects.filter(invoice=invoice).update(**{column: Decimal("0.01")})
    _is_refused(invoice, SettledAlready, "by a credit note")


def test_what_has_a_credit_note_is_not_voided(invoice: Invoice) -> None:
    credit_invoice(invoice, actor=ACTOR)
    _is_refused(invoice, CreditedAlready, "void the credit note first")


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        ({"state": State.SENT, "sent_at": timezone.now()}, MailAccepted),
        ({"state": State.BOUNCED, "sent_at": timezone.now()}, MailAccepted),
        # Sent, returned, and queued again by hand.
        ({"state": State.QUEUED, "sent_at": timezone.now()}, MailAccepted),
        ({"state": State.UNCERTAIN}, MailMayHaveArrived),
        ({"state": State.DEFERRED, "may_have_arrived": True}, MailMayHaveArrived),
        ({"state": State.FAILED, "may_have_arrived": True}, MailMayHaveArrived),
        # A worker was killed over it.
        ({"state": State.QUEUED, "attempts": 1}, MailMayHaveArrived),
        (
            {
                "state": State.SENDING,
                "lease_token": "00000000-0000-0000-0000-000000000001",
                "leased_until": timezone.now(),
            },
            MailUnderWay,
        ),
    ],
)
def test_what_has_left_or_may_have_is_not_voided(
    invoice: Invoice, columns: dict[str, Any], refusal: type[DomainError]
) -> None:
    set_mail(invoice, **columns)
    before = mail_of(invoice)
    _is_refused(invoice, refusal, before.recipient_address)
    after = mail_of(invoice)
    assert (after.state, after.last_error) == (before.state, before.last_error)


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.WITHHELD, State.FAILED])
def test_what_has_not_left_is_stopped(invoice: Invoice, state: str) -> None:
    set_mail(invoice, state=state)
    void(invoice)
    assert mail_of(invoice).state == State.FAILED


def test_a_database_that_was_set_back_does_not_know_what_was_mailed(
    invoice: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def behind() -> None:
        raise DatabaseBehind("this database is older than what has left")

    monkeypatch.setattr("backups.witness.require_current", behind)
    with pytest.raises(DatabaseBehind):
        void(invoice)
    assert state_of(invoice) == Invoice.State.ISSUED


def test_what_may_have_been_mailed_before_a_restore_is_not_voided() -> None:
    issued = make_invoice(an_account(), seller=a_seller())
    with account_scope(issued.account_id):
        Document.objects.filter(invoice=issued).update(
            state=Document.State.PARKED,
            last_error="It may have been mailed before the database was set back.",
        )
    _is_refused(issued, MailMayHaveArrived, "before the database was set back")


def _is_refused(invoice: Invoice, refusal: type[DomainError], words: str) -> None:
    with account_scope(invoice.account_id):
        assert words in obstacle_to_voiding(invoice)
    with pytest.raises(refusal, match=words):
        void(invoice)
    assert state_of(invoice) == Invoice.State.ISSUED
    assert events() == []


# --- At the same moment ---------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_voiding_and_a_mail_worker_never_both_win() -> None:
    """Thirty times: either the message goes and the invoice stays, or the other way."""
    seller = a_seller()
    outcomes = {_race(make_invoice(an_account(), seller=seller)) for _ in range(30)}
    assert outcomes <= {("issued", "sending"), ("void", "failed")}


def _race(invoice: Invoice) -> tuple[str, str]:
    store_pdf(invoice)
    start = Barrier(2)

    def send() -> None:
        start.wait()
        for claimed in claim(EMAIL_QUEUE):
            with all_accounts_scope("beginning"):
                begin_in_scope(EMAIL_QUEUE, claimed)

    def cancel() -> None:
        start.wait()
        with suppress(MailUnderWay):
            void(invoice)

    _together(send, cancel)
    return state_of(invoice), mail_of(invoice).state


@pytest.mark.django_db(transaction=True)
def test_voiding_waits_for_a_worker_that_is_storing_the_document() -> None:
    """The worker queues the mail under the document's lock: it is stopped, or never made."""
    seller = a_seller()
    for _ in range(10):
        issued = make_invoice(an_account(), seller=seller)

        _together(partial(_finish, issued), partial(void, issued))
        with account_scope(issued.account_id):
            states = set(OutgoingEmail.objects.values_list("state", flat=True))
        assert states <= {State.FAILED}
        assert state_of(issued) == Invoice.State.VOID


@pytest.mark.django_db(transaction=True)
def test_two_people_who_void_at_once_void_once() -> None:
    issued = make_invoice(an_account(), seller=a_seller())
    refused: list[DomainError] = []

    def cancel() -> None:
        try:
            void(issued)
        except VoidAlready as refusal:
            refused.append(refusal)

    _together(cancel, cancel)
    assert len(refused) == 1
    assert len(events()) == 1


def _finish(issued: Invoice) -> None:
    """As a render worker does it: the document's row is locked, then its mail is made."""
    with account_scope(issued.account_id):
        rows = Invoice.objects.select_for_update(no_key=True, of=("self",))
        held = rows.select_related("account", "preceding", "seller").get(pk=issued.pk)
        queue_emails(held, document_of(held), StoredDocument("ab/x.pdf", "0" * 64, 1))


def _together(*works: Callable[[], object]) -> None:
    failures: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
