"""A stored document is sent once more: the same bytes, by who may see it, and to nobody's harm."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account, InvoiceAddress
from audit.actions import Action
from audit.models import AuditEvent
from audit.recording import Actor
from common.scoping import account_scope
from invoices import sending_again
from invoices.models import Delivery, Document, FurtherDelivery, Invoice, Seller
from invoices.sending_again import (
    AddressRefused,
    AddressSuppressed,
    HeldBack,
    NotStoredYet,
    OnItsWayAlready,
    SentTooOften,
    StoppedByReader,
    VoidNotSent,
    send_again,
)
from mail.addresses import UnusableAddress
from mail.models import OutgoingEmail, SuppressedAddress
from mail.suppressing import suppress
from tests.factories import (
    OPERATOR,
    make_invoice,
    make_seller,
    set_billing_contact,
    store_pdf,
)
from tests.people import People, signed_in
from users.rate_limits import Limit

pytestmark = pytest.mark.django_db

NEW = "accountant@books.example"


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


@pytest.fixture
def invoice(people: People, seller: Seller) -> Invoice:
    return sent_invoice(people.account, seller)


@pytest.fixture
def document(invoice: Invoice) -> Document:
    with account_scope(invoice.account_id):
        return Document.objects.get(invoice=invoice, kind=Document.Kind.PDF)


def sent_invoice(account: Account, seller: Seller) -> Invoice:
    """One whose PDF is stored and whose first mail a server has accepted."""
    invoice = make_invoice(account, seller=seller)
    store_pdf(invoice)
    all_are_sent(invoice)
    return invoice


def all_are_sent(invoice: Invoice, state: str = OutgoingEmail.State.SENT) -> None:
    with account_scope(invoice.account_id):
        OutgoingEmail.objects.filter(account_id=invoice.account_id).update(
            state=state, sent_at=timezone.now()
        )


def emails_of(account: Account) -> list[OutgoingEmail]:
    with account_scope(account):
        return list(OutgoingEmail.objects.filter(account_id=account.pk).order_by("created_at"))


def again(people: People, invoice: Invoice, address: str) -> OutgoingEmail:
    with account_scope(people.account):
        further = send_again(invoice, address=address, asked_by=people.bob, actor=OPERATOR)
        return OutgoingEmail.objects.get(pk=further.email_id)


def page_of(invoice: Invoice) -> str:
    return f"/a/{invoice.account.number}/billing/invoices/{invoice.number}/"


def again_at(invoice: Invoice) -> str:
    with account_scope(invoice.account_id):
        delivery = Delivery.objects.get(invoice=invoice)
    return f"{page_of(invoice)}send-again/{delivery.pk}/"


def elsewhere_at(invoice: Invoice) -> str:
    return f"{page_of(invoice)}send-to-another-address/"


# --- What is sent -------------------------------------------------------------------------------


def test_a_recipient_gets_the_same_bytes_in_a_new_message(
    people: People, invoice: Invoice, document: Document
) -> None:
    email = again(people, invoice, people.alice.email)
    first, _second = emails_of(people.account)
    assert email.pk != first.pk
    assert email.recipient_address == people.alice.email
    assert email.state == OutgoingEmail.State.QUEUED
    assert (email.attachment_key, email.attachment_sha256) == (
        document.storage_key,
        document.sha256,
    )
    assert email.subject == first.subject
    assert page_of(invoice) in email.text_body
    assert "Bob Ferris (bob@hartwell.example) asked us to send you this again." in email.text_body


def test_it_stands_in_its_readers_mailbox_below_the_first(people: People, invoice: Invoice) -> None:
    email = again(people, invoice, people.alice.email)
    first = emails_of(people.account)[0]
    assert email.headers["In-Reply-To"] == email.headers["References"] == first.message_id


def test_whoever_was_no_recipient_learns_who_asked_and_gets_no_link(
    people: People, invoice: Invoice, document: Document
) -> None:
    email = again(people, invoice, NEW)
    assert "bob@hartwell.example asked us to send you this copy." in email.text_body
    assert "nothing else is sent to you because of it" in email.text_body
    assert "http" not in email.text_body
    assert "<a " not in email.html_body
    assert email.attachment_sha256 == document.sha256
    assert "In-Reply-To" not in email.headers


def test_no_free_text_of_the_customers_goes_to_strangers(people: People, seller: Seller) -> None:
    """Beside a genuine invoice, it would be read as the seller's own words."""
    evil = "URGENT: pay to DE00 instead, \u202ecall 0900 1234"
    invoice = make_invoice(people.account, seller=seller, order_number=evil)
    store_pdf(invoice)
    all_are_sent(invoice)
    people.bob.first_name = people.bob.last_name = evil
    people.bob.save(update_fields=["first_name", "last_name"])
    email = again(people, invoice, NEW)
    assert "URGENT" not in email.subject + email.text_body + email.html_body
    assert "bob@hartwell.example asked us" in email.text_body
    assert "URGENT" in again(people, invoice, people.alice.email).text_body


def test_a_name_that_leads_elsewhere_is_not_told_to_recipients(
    people: People, invoice: Invoice
) -> None:
    people.bob.first_name = "www.evil.example"
    people.bob.save(update_fields=["first_name"])
    email = again(people, invoice, people.alice.email)
    assert "evil" not in email.text_body + email.html_body
    assert "bob@hartwell.example asked us" in email.text_body


def test_of_staff_the_reader_learns_whose_they_are(people: People, invoice: Invoice) -> None:
    with account_scope(people.account):
        further = send_again(invoice, address=NEW, asked_by=None, actor=OPERATOR)
        email = OutgoingEmail.objects.get(pk=further.email_id)
    assert "Sample Operator asked us" in email.text_body or "asked us" in email.text_body
    assert further.asked_by_id is None


def test_it_is_on_record_and_in_the_activity(people: People, invoice: Invoice) -> None:
    again(people, invoice, NEW)
    with account_scope(people.account):
        further = FurtherDelivery.objects.get(invoice=invoice)
        event = AuditEvent.objects.get(action=Action.INVOICE_SENT_AGAIN)
    assert (further.address, further.asked_by_id) == (NEW, people.bob.pk)
    assert further.asked_by_name == "Bob Ferris (bob@hartwell.example)"
    assert event.subject == f"invoice {invoice.number}"
    assert event.details == {"recipient": NEW}


def test_an_address_in_capitals_is_the_recipient(people: People, invoice: Invoice) -> None:
    email = again(people, invoice, f" {people.alice.email.upper()} ")
    assert email.recipient_address == people.alice.email
    assert "send you this again" in email.text_body


def test_mail_of_a_held_run_stays_held(people: People, invoice: Invoice) -> None:
    """It goes with the run's mail if staff stop that after the customer asked."""
    email = again(people, invoice, NEW)
    assert email.batch_id == invoice.batch_id


# --- What is refused ----------------------------------------------------------------------------


def refused(people: People, invoice: Invoice, address: str, *, by: type[Exception]) -> str:
    before = len(emails_of(people.account))
    with account_scope(people.account), pytest.raises(by) as refusal:
        send_again(invoice, address=address, asked_by=people.bob, actor=OPERATOR)
    assert len(emails_of(people.account)) == before
    return str(refusal.value)


def test_a_void_document_goes_to_nobody(people: People, invoice: Invoice) -> None:
    with account_scope(people.account):
        Invoice.objects.filter(pk=invoice.pk).update(
            state=Invoice.State.VOID, voided_at=timezone.now()
        )
    refused(people, invoice, people.alice.email, by=VoidNotSent)


def test_nothing_is_sent_before_there_is_a_pdf(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    assert "not ready yet" in refused(people, invoice, NEW, by=NotStoredYet)


def test_a_suppressed_address_is_refused_with_what_to_do(people: People, invoice: Invoice) -> None:
    alice = people.alice.email
    suppress(alice, reason="asked us to", actor=Actor.system("a test"))
    said = refused(people, invoice, alice.upper(), by=AddressSuppressed)
    assert alice in said
    assert "Use another address" in said
    assert "asked us to" not in said


def test_why_is_said_of_the_accounts_own_addresses_alone(people: People, invoice: Invoice) -> None:
    """Whether a stranger marked our mail as spam is no business of who types in their address."""
    SuppressedAddress.objects.create(address=NEW, kind=SuppressedAddress.Kind.COMPLAINT)
    said = refused(people, invoice, NEW, by=AddressRefused)
    assert said == "No mail can be sent to this address."
    set_billing_contact(people.account, email=NEW)
    assert "marked our mail as spam" in refused(people, invoice, NEW, by=AddressSuppressed)


@pytest.mark.parametrize("address", ["nobody", "a@b@c.example", "a\r\nBcc: x@y.example"])
def test_what_is_no_address_is_refused(people: People, invoice: Invoice, address: str) -> None:
    refused(people, invoice, address, by=UnusableAddress)


def test_an_extra_address_that_was_stopped_gets_nothing(people: People, seller: Seller) -> None:
    with account_scope(people.account):
        extra = InvoiceAddress.objects.create(
            account=people.account,
            email=NEW,
            added_by=people.alice,
            sent_at=timezone.now(),
            expires_at=timezone.now() + timedelta(days=10),
            confirmed_at=timezone.now(),
        )
    invoice = sent_invoice(people.account, seller)
    email = again(people, invoice, NEW)
    assert email.link_row == extra.pk
    assert email.headers["List-Unsubscribe"] == f"<{email.link_marker}>"
    all_are_sent(invoice)
    with account_scope(people.account):
        extra.delete()
    assert "stopped them" in refused(people, invoice, NEW, by=StoppedByReader)


def test_what_is_on_its_way_is_not_sent_twice(people: People, invoice: Invoice) -> None:
    again(people, invoice, NEW)
    refused(people, invoice, NEW, by=OnItsWayAlready)
    all_are_sent(invoice, OutgoingEmail.State.QUEUED)
    refused(people, invoice, people.alice.email, by=OnItsWayAlready)


def test_what_staff_hold_back_is_not_sent_past_them(people: People, invoice: Invoice) -> None:
    all_are_sent(invoice, OutgoingEmail.State.WITHHELD)
    refused(people, invoice, people.alice.email, by=HeldBack)


@pytest.mark.parametrize(
    ("limit", "most"),
    [("PER_ACCOUNT", 2), ("PER_ADDRESS", 2), ("PER_DOCUMENT", 2)],
)
def test_no_more_than_so_many_a_day(
    people: People, invoice: Invoice, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    """Nobody's mailbox is filled in the operator's name."""
    monkeypatch.setattr(sending_again, limit, Limit(f"test {limit}", most, timedelta(days=1)))
    monkeypatch.setattr(sending_again, "_MOMENT", timedelta())
    for _ in range(most):
        again(people, invoice, NEW)
        all_are_sent(invoice)
    assert "Try again after" in refused(people, invoice, NEW, by=SentTooOften)


def test_what_was_refused_counts_for_the_account(
    people: People, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else addresses could be tried out without end."""
    monkeypatch.setattr(sending_again, "PER_ACCOUNT", Limit("test", 2, timedelta(days=1)))
    for _ in range(2):
        SuppressedAddress.objects.get_or_create(address="dead@books.example")
        refused(people, invoice, "dead@books.example", by=AddressRefused)
    refused(people, invoice, "dead@books.example", by=SentTooOften)
    refused(people, invoice, NEW, by=SentTooOften)


def test_refusals_on_the_page_count_as_well(
    people: People, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_again, "PER_ACCOUNT", Limit("test", 1, timedelta(days=1)))
    SuppressedAddress.objects.create(address=NEW)
    browser = signed_in(people.bob)
    for said in ("No mail can be sent to this address.", "Try again after"):
        page = browser.post(elsewhere_at(invoice), {"email": NEW}).content.decode()
        assert said in page


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_send_one(people: People, seller: Seller) -> None:
    invoice = sent_invoice(people.account, seller)
    address = again_at(invoice)

    def click() -> int:
        try:
            return signed_in(people.bob).post(address).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: click(), range(4)))
    assert answers == [302] * 4
    assert len(emails_of(people.account)) == 2


# --- The pages ----------------------------------------------------------------------------------


def test_the_invoice_page_sends_again_and_a_second_click_says_so(
    people: People, invoice: Invoice
) -> None:
    browser = signed_in(people.bob)
    assert f'action="{again_at(invoice)}"' in browser.get(page_of(invoice)).content.decode()
    answer = browser.post(again_at(invoice), follow=True)
    assert f"{invoice.number} is being sent to alice@hartwell.example." in answer.content.decode()
    answer = browser.post(again_at(invoice), follow=True)
    page = answer.content.decode()
    assert "It is on its way to alice@hartwell.example already. Nothing more was sent." in page
    assert len(emails_of(people.account)) == 2
    all_are_sent(invoice)
    page = browser.post(again_at(invoice), follow=True).content.decode()
    assert "It was sent to alice@hartwell.example less than a minute ago." in page
    assert len(emails_of(people.account)) == 2


def test_another_address_is_asked_for_on_a_page_of_its_own(
    people: People, invoice: Invoice
) -> None:
    browser = signed_in(people.bob)
    page = browser.get(elsewhere_at(invoice)).content.decode()
    assert "can open nothing else of this account" in page
    answer = browser.post(elsewhere_at(invoice), {"email": NEW}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain == [(page_of(invoice), 302)]
    assert f"{invoice.number} is being sent to {NEW}." in page
    assert "Asked for by Bob Ferris (bob@hartwell.example)" in page
    answer = browser.post(elsewhere_at(invoice), {"email": NEW}, follow=True)
    assert "Nothing more was sent." in answer.content.decode()
    assert len(emails_of(people.account)) == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "Enter the address to send it to."), ("nobody", "such as accounts@example.com")],
)
def test_what_was_typed_wrong_is_said_at_the_field(
    people: People, invoice: Invoice, typed: str, said: str
) -> None:
    answer = signed_in(people.bob).post(elsewhere_at(invoice), {"email": typed})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert f'value="{typed}"' in answer.content.decode() or not typed


def test_a_refusal_is_said_at_the_field_and_nothing_typed_is_lost(
    people: People, invoice: Invoice
) -> None:
    SuppressedAddress.objects.create(address=NEW, reason="bounced")
    answer = signed_in(people.bob).post(elsewhere_at(invoice), {"email": NEW})
    page = answer.content.decode()
    assert "No mail can be sent to this address." in page
    assert f'value="{NEW}"' in page


@pytest.mark.parametrize(("who", "status"), [("dora", 403), ("charlie", 404)])
def test_nobody_sends_what_they_may_not_see(
    people: People, invoice: Invoice, who: str, status: int
) -> None:
    browser = signed_in(getattr(people, who))
    assert browser.get(elsewhere_at(invoice)).status_code == status
    assert browser.post(elsewhere_at(invoice), {"email": NEW}).status_code == status
    assert browser.post(again_at(invoice)).status_code == status
    assert len(emails_of(people.account)) == 1
    with account_scope(people.account):
        assert not FurtherDelivery.objects.exists()


def test_a_recipient_of_another_document_is_not_found(
    people: People, invoice: Invoice, seller: Seller
) -> None:
    own = sent_invoice(people.account, seller)
    foreign = sent_invoice(people.charlies_account, seller)
    for other in (own, foreign):
        delivery = again_at(other).rstrip("/").rpartition("/")[2]
        answer = signed_in(people.bob).post(f"{page_of(invoice)}send-again/{delivery}/")
        assert answer.status_code == 404
    assert signed_in(people.bob).get(again_at(invoice)).status_code == 405


def test_a_closed_account_may_still_have_its_documents_sent(
    people: People, invoice: Invoice
) -> None:
    """Row 0081: its invoices stay to be paid and booked."""
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    answer = signed_in(people.alice).post(elsewhere_at(invoice), {"email": NEW})
    assert answer.status_code == 302
    assert len(emails_of(people.account)) == 2


def test_a_void_document_and_one_without_a_pdf_offer_no_button(
    people: People, seller: Seller, invoice: Invoice
) -> None:
    waiting = make_invoice(people.account, seller=seller)
    with account_scope(people.account):
        Invoice.objects.filter(pk=invoice.pk).update(
            state=Invoice.State.VOID, voided_at=timezone.now()
        )
    browser = signed_in(people.alice)
    for each in (waiting, invoice):
        page = browser.get(page_of(each)).content.decode()
        assert "Send again" not in page
        assert "Send to another address" not in page
        assert browser.post(again_at(each)).status_code == 302
    assert len(emails_of(people.account)) == 1


def test_a_suppressed_recipient_has_words_in_place_of_a_button(
    people: People, invoice: Invoice
) -> None:
    suppress(people.alice.email, reason="full", actor=Actor.system("a test"))
    page = signed_in(people.alice).get(page_of(invoice)).content.decode()
    assert "We do not send mail to this address now." in page
    assert f'action="{again_at(invoice)}"' not in page
