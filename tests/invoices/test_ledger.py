"""What the delivery ledger leaves out, it counts."""

import pytest

from common.scoping import account_scope
from invoices import ledger
from invoices.ledger import ledger_of
from invoices.models import Invoice
from invoices.sending_again import send_again
from tests.factories import OPERATOR, make_invoice, make_seller, store_pdf
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(people: People) -> Invoice:
    invoice = make_invoice(people.account, seller=make_seller())
    store_pdf(invoice)
    with account_scope(people.account):
        for serial in range(3):
            address = f"reader-{serial}@books.example"
            send_again(invoice, address=address, asked_by=people.bob, actor=OPERATOR)
    return invoice


def page_of(people: People, invoice: Invoice) -> str:
    address = f"/a/{people.account.number}/billing/invoices/{invoice.number}/"
    return " ".join(signed_in(people.alice).get(address).content.decode().split())


def test_what_fits_is_all_shown(people: People, invoice: Invoice) -> None:
    with account_scope(people.account):
        shown = ledger_of(invoice)
    assert [line.address for line in shown.lines][-3:] == [
        "reader-0@books.example",
        "reader-1@books.example",
        "reader-2@books.example",
    ]
    assert shown.left_out == 0
    assert "shown here" not in page_of(people, invoice)


@pytest.mark.parametrize(
    ("most", "said"),
    [
        (2, "1 earlier email that was sent once more is not shown here."),
        (1, "2 earlier emails that were sent once more are not shown here."),
    ],
)
def test_the_oldest_that_are_left_out_are_counted(
    people: People, invoice: Invoice, monkeypatch: pytest.MonkeyPatch, most: int, said: str
) -> None:
    monkeypatch.setattr(ledger, "MOST_FURTHER", most)
    with account_scope(people.account):
        shown = ledger_of(invoice)
    assert shown.left_out == 3 - most
    assert shown.lines[-1].address == "reader-2@books.example"
    assert not [line for line in shown.lines if line.address == "reader-0@books.example"]
    page = page_of(people, invoice)
    assert said in page
    assert "reader-0@books.example" not in page
