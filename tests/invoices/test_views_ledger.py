"""What an invoice's page says of its mails: to whom, why, and what became of each."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.scoping import account_scope
from invoices.models import Delivery, Invoice, Seller
from invoices.sending_again import send_again
from invoices.voiding import void_invoice
from mail.models import OutgoingEmail, SuppressedAddress
from tests.factories import (
    OPERATOR,
    add_member,
    make_invoice,
    make_seller,
    make_user,
    set_billing_contact,
    store_pdf,
)
from tests.invoices.invoice_pages import address_of, page_of, words
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


def queue_state(invoice: Invoice, address: str, state: OutgoingEmail.State) -> None:
    with account_scope(invoice.account_id):
        delivery = Delivery.objects.get(invoice=invoice, address=address)
        email = OutgoingEmail.objects.filter(invoice_delivery=delivery)
        email.update(state=state, sent_at=timezone.now())


def change_email(invoice: Invoice, **columns: object) -> None:
    with account_scope(invoice.account_id):
        OutgoingEmail.objects.filter(invoice_delivery__invoice=invoice).update(**columns)


def test_it_says_to_whom_it_goes_and_why(people: People, seller: Seller) -> None:
    """Row U6: designated recipients beside the billing contact, each once."""
    set_billing_contact(people.account, email="books@hartwell.example")
    reader = make_user("erin@hartwell.example")
    add_member(people.account, reader, receives_invoices=True)
    invoice = make_invoice(people.account, seller=seller)
    read = words(page_of(people, invoice))
    assert "books@hartwell.example Billing contact Waits for the PDF" in read
    assert "erin@hartwell.example Designated recipient Waits for the PDF" in read
    assert "alice@hartwell.example Account owner" not in read


def test_the_owner_gets_it_for_want_of_a_billing_contact(people: People, seller: Seller) -> None:
    read = words(page_of(people, make_invoice(people.account, seller=seller)))
    assert "alice@hartwell.example Account owner, as there is no billing contact" in read


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (OutgoingEmail.State.QUEUED, "About to be sent"),
        (OutgoingEmail.State.WITHHELD, "Held back by our staff"),
        (OutgoingEmail.State.SENT, "Sent"),
        (OutgoingEmail.State.DEFERRED, "Delayed, will be tried again"),
        (OutgoingEmail.State.UNCERTAIN, "Connection lost, will be sent again"),
        (OutgoingEmail.State.FAILED, "Could not be delivered"),
        (OutgoingEmail.State.BOUNCED, "Returned by the mail server"),
    ],
)
def test_it_says_what_became_of_each_mail(
    people: People, seller: Seller, state: OutgoingEmail.State, said: str
) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    queue_state(invoice, people.alice.email, state)
    assert said in words(page_of(people, invoice))


def test_the_ledger_tells_what_the_server_said_and_what_was_attached(
    people: People, seller: Seller
) -> None:
    invoice = make_invoice(people.account, seller=seller)
    document = store_pdf(invoice)
    change_email(
        invoice,
        state=OutgoingEmail.State.SENT,
        sent_at=timezone.now(),
        server_response="250 2.0.0 Ok: queued as 4bXyZ",
    )
    read = words(page_of(people, invoice))
    assert "Sent accepted by the mail server" in read
    assert "The mail server said 250 2.0.0 Ok: queued as 4bXyZ" in read
    assert f"SHA-256 of what was attached {document.sha256}" in read


def test_the_ledger_tells_when_delayed_mail_is_tried_next(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    change_email(
        invoice, state=OutgoingEmail.State.DEFERRED, server_response="451 4.7.1 Greylisted"
    )
    read = words(page_of(people, invoice))
    assert "Delayed, will be tried again next try" in read
    assert "The mail server said 451 4.7.1 Greylisted" in read


def test_the_ledger_tells_why_mail_came_back(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    change_email(
        invoice,
        state=OutgoingEmail.State.BOUNCED,
        sent_at=timezone.now(),
        returned_at=timezone.now(),
        returned_status="5.1.1",
        returned_words="550 no such user <script>",
    )
    page = page_of(people, invoice)
    read = words(page)
    assert "Returned by the mail server The mail server says that there is no such mailbox." in read
    assert "The returning server said 550 no such user" in read
    assert "<script>" not in page.partition("Sent to</h2>")[2].partition("</section>")[0]


def test_the_page_asks_as_often_for_many_further_deliveries_as_for_none(
    people: People, seller: Seller
) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    browser = signed_in(people.alice)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(address_of(invoice))
        return len(asked)

    before = queries()
    for serial in range(7):
        with account_scope(people.account):
            address = f"reader-{serial}@books.example"
            send_again(invoice, address=address, asked_by=people.bob, actor=OPERATOR)
    assert queries() == before
    assert words(page_of(people, invoice)).count("Asked for by Bob Ferris") == 7


def test_mail_of_a_void_document_was_not_sent(people: People, seller: Seller) -> None:
    """Nothing failed: staff stopped it for good."""
    waiting = make_invoice(people.account, seller=seller)
    stopped = make_invoice(people.account, seller=seller)
    store_pdf(stopped)
    for invoice in (waiting, stopped):
        void_invoice(invoice, reason="made twice", actor=OPERATOR)
        read = words(page_of(people, invoice))
        assert "Not sent: the document is void" in read
        assert "Could not be delivered" not in read
        assert "Waits for the PDF" not in read


def test_why_a_strangers_address_gets_no_mail_is_not_told(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    with account_scope(people.account):
        send_again(invoice, address="x@books.example", asked_by=people.bob, actor=OPERATOR)
    SuppressedAddress.objects.create(
        address="x@books.example", kind=SuppressedAddress.Kind.COMPLAINT
    )
    assert "spam" not in page_of(people, invoice)
    SuppressedAddress.objects.create(
        address=people.alice.email, kind=SuppressedAddress.Kind.COMPLAINT
    )
    assert "spam" in page_of(people, invoice)
