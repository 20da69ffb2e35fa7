"""By what mail programs thread, file and stop the mails that carry documents."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import InvoiceAddress
from common.scoping import account_scope
from invoices.crediting import credit_invoice
from invoices.models import Delivery, Invoice, Seller
from mail.assembly import assemble, encode_attachment
from mail.links import put_in
from mail.models import OutgoingEmail
from tests.factories import OPERATOR, make_invoice, make_seller, store_pdf
from tests.people import People

pytestmark = pytest.mark.django_db

READER = "archive@hartwell.example"


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


def mail_of(invoice: Invoice, address: str) -> OutgoingEmail:
    with account_scope(invoice.account_id):
        delivery = Delivery.objects.select_related("email").get(invoice=invoice, address=address)
    assert delivery.email is not None
    return delivery.email


def add_confirmed_address(people: People) -> InvoiceAddress:
    now = timezone.now()
    with account_scope(people.account):
        return InvoiceAddress.objects.create(
            account=people.account,
            email=READER,
            added_by=people.alice,
            sent_at=now,
            expires_at=now + timedelta(days=10),
            confirmed_at=now,
        )


def test_an_invoice_is_filed_by_its_number_account_and_day(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    assert mail_of(invoice, people.alice.email).headers == {
        "X-Invoice-Number": invoice.number,
        "X-Invoice-Type": "invoice",
        "X-Invoice-Account": str(people.account.number),
        "X-Invoice-Due": f"{invoice.due_date}",
    }


def test_a_credit_note_stands_below_the_invoice_in_each_readers_mailbox(
    people: People, seller: Seller
) -> None:
    """M8: it goes to the original's recipients, as an answer to what each of them got."""
    add_confirmed_address(people)
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    note = credit_invoice(invoice, actor=OPERATOR)
    store_pdf(note)
    for address in (people.alice.email, READER):
        original, credit = mail_of(invoice, address), mail_of(note, address)
        assert credit.headers["In-Reply-To"] == original.message_id
        assert credit.headers["References"] == original.message_id
        assert credit.headers["X-Invoice-Type"] == "credit-note"
        assert credit.headers["X-Invoice-Corrects"] == invoice.number
        assert "X-Invoice-Due" not in credit.headers


def test_an_extra_address_is_stopped_by_the_mail_programs_own_button(
    people: People, seller: Seller
) -> None:
    """No token is stored: the header has it only in the bytes that leave."""
    row = add_confirmed_address(people)
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    email = mail_of(invoice, READER)
    stored = str(email.headers)
    put_in(email)
    header = email.headers["List-Unsubscribe"]
    assert header.startswith("<http")
    assert f"/{row.pk}/" in header
    assert header.strip("<>") in email.text_body
    assert header.strip("<>") not in stored
    sent = assemble(email, encoded_attachment=encode_attachment(b"%PDF"))
    assert b"\r\nList-Unsubscribe:" in sent
    # One click needs an address that acts on a request from anywhere: there is none.
    assert b"List-Unsubscribe-Post" not in sent


def test_who_gets_it_for_another_reason_has_no_such_button(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    assert "List-Unsubscribe" not in mail_of(invoice, people.alice.email).headers
