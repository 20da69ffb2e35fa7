import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.scoping import account_scope
from invoices.crediting import credit_invoice
from invoices.in_words import xml_in_words
from invoices.models import Document, Invoice, Seller
from invoices.views.pages import LINES_A_PAGE
from taxes.vocabulary import ProductCategory
from tests.factories import (
    OPERATOR,
    charge,
    make_draft,
    make_invoice,
    make_seller,
    store_pdf,
)
from tests.invoices.files import store_xml
from tests.invoices.invoice_pages import address_of, page_of, settle, words
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


def test_it_answers_how_much_and_by_when(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller, charges=[charge("1000")])
    read = words(page_of(people, invoice))
    assert f"Invoice {invoice.number} Open" in read
    assert f"Amount due £1,200.00 to be paid by {invoice.due_date:%-d %B %Y}" in read
    assert f"Date {invoice.issue_date:%-d %B %Y}" in read


def test_it_shows_both_parties_as_they_were_frozen(people: People, seller: Seller) -> None:
    """Row U3."""
    invoice = make_invoice(people.account, seller=seller)
    Seller.objects.filter(pk=seller.pk).update(legal_name="Renamed Ltd")
    people.account.name = "Renamed too"
    people.account.save(update_fields=["name"])
    read = words(page_of(people, invoice))
    assert "From Northwind Hosting Ltd 20 Quay Street Bristol BS1 4QA United Kingdom" in read
    assert "To Hartwell &amp; Sons 1 High Street Ludlow SY8 1AA United Kingdom" in read


def test_it_shows_every_line_and_the_tax_by_rate(people: People, seller: Seller) -> None:
    charges = [
        charge("3.4567", description="Traffic, GB", quantity="120.5"),
        charge("10", description="A book", category=ProductCategory.BOOK),
    ]
    read = words(page_of(people, make_invoice(people.account, seller=seller, charges=charges)))
    assert "Traffic, GB 120.5 3.4567 20% £416.53" in read
    assert "A book 1 10.00 0% £10.00" in read
    assert "Tax 20% on £416.53 £83.31" in read
    assert "Tax 0% on £10.00 £0.00" in read
    assert "Net £426.53" in read
    assert "Total £509.84" in read


def test_what_a_line_says_is_text(people: People, seller: Seller) -> None:
    hostile = "<img src=x onerror=alert(1)> {{ 1|add:1 }}"
    invoice = make_invoice(
        people.account, seller=seller, charges=[charge(description=hostile)], order_number=hostile
    )
    page = page_of(people, invoice)
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt; {{ 1|add:1 }}") == 2


def test_it_tells_how_to_pay_while_something_is_due(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    read = words(page_of(people, invoice))
    assert "How to pay" in read
    assert "IBAN GB33BUKB20201555555555" in read
    assert f"Payment reference {invoice.number}" in read
    credit = make_invoice(people.account, seller=seller, charges=[charge("1", quantity="-1")])
    assert "How to pay" not in page_of(people, credit)


def test_a_credit_note_names_what_it_credits(people: People, seller: Seller) -> None:
    credit = make_invoice(people.account, seller=seller, charges=[charge("10", quantity="-2")])
    read = words(page_of(people, credit))
    assert f"Credit note {credit.number} Credited" in read
    assert "Credited to you £24.00" in read
    assert "to be paid by" not in read


def test_a_void_invoice_says_since_when_and_why(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    now = timezone.now()
    with account_scope(people.account):
        Invoice.objects.filter(pk=invoice.pk).update(
            state=Invoice.State.VOID, voided_at=now, void_reason="Issued twice."
        )
    read = words(page_of(people, invoice))
    assert f"declared void on {now:%-d %B %Y}" in read
    assert "Issued twice." in read
    assert "Amount due £0.00" in read


# --- The PDF ------------------------------------------------------------------------------------


def test_it_says_that_the_pdf_is_being_prepared_and_then_what_it_is(
    people: People, seller: Seller
) -> None:
    invoice = make_invoice(people.account, seller=seller)
    waiting = page_of(people, invoice)
    assert "Being prepared" in waiting
    assert "Download PDF" not in waiting
    document = store_pdf(invoice, b"%PDF" + b"x" * 2044)
    ready = page_of(people, invoice)
    assert f'href="{address_of(invoice)}pdf"' in ready
    assert document.sha256 in ready
    assert "2.0\N{NO-BREAK SPACE}KB" in ready


def test_it_says_that_the_e_invoice_is_inside_where_there_is_one(
    people: People, seller: Seller
) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    said = "The e-invoice factur-x.xml is inside."
    assert said not in words(page_of(people, invoice))
    store_xml(invoice, b"<Invoice/>")
    assert said in words(page_of(people, invoice))


def test_a_pdf_that_cannot_be_made_is_owned_up_to(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    with account_scope(people.account):
        Document.objects.filter(invoice=invoice).update(state=Document.State.PARKED)
    assert "Could not be prepared; our staff have been told" in page_of(people, invoice)


# --- Long ones ----------------------------------------------------------------------------------


def test_a_long_invoice_is_read_in_pages_of_lines(people: People, seller: Seller) -> None:
    count = 2 * LINES_A_PAGE + 1
    charges = [charge("1", description=f"Item {serial:04}") for serial in range(count)]
    invoice = make_invoice(people.account, seller=seller, charges=charges)
    seen: list[str] = []
    query = ""
    while True:
        page = page_of(people, invoice, query)
        seen += re.findall(r"Item \d{4}", page)
        if not (match := re.search(r'rel="next" href="(\?from=\d+)#lines"', page)):
            break
        query = match[1]
    assert seen == [f"Item {serial:04}" for serial in range(count)]
    assert f'rel="prev" href="?from={LINES_A_PAGE + 1}#lines"' in page


@pytest.mark.parametrize("start", ["0", "-5", "x", "9" * 30, "²", ""])
def test_a_start_that_is_none_shows_the_first_lines_or_nothing(
    people: People, seller: Seller, start: str
) -> None:
    page = page_of(people, make_invoice(people.account, seller=seller), f"?from={start}")
    assert "Virtual server" in page


def test_the_page_asks_the_database_as_often_whatever_its_length(
    people: People, seller: Seller
) -> None:
    short = make_invoice(people.account, seller=seller)
    long = make_invoice(
        people.account, seller=seller, charges=[charge("1") for _ in range(LINES_A_PAGE)]
    )
    browser = signed_in(people.alice)

    def queries(invoice: Invoice) -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(address_of(invoice))
        return len(asked)

    assert queries(short) == queries(long) <= 17


# --- What is not there --------------------------------------------------------------------------


def test_a_number_of_another_account_is_not_there(people: People, seller: Seller) -> None:
    foreign = make_invoice(people.charlies_account, seller=seller)
    browser = signed_in(people.alice)
    here = f"/a/{people.account.number}/billing/invoices"
    assert browser.get(f"{here}/{foreign.number}/").status_code == 404
    assert browser.get(f"{here}/INV-999999/").status_code == 404
    assert browser.get(f"{here}/{foreign.number}/pdf").status_code == 404


def test_a_draft_is_not_there(people: People, seller: Seller) -> None:
    draft = make_draft(people.account, seller=seller)
    browser = signed_in(people.alice)
    for name in (draft.public_id, draft.public_id.upper()):
        address = f"/a/{people.account.number}/billing/invoices/{name}/"
        assert browser.get(address).status_code == 404


# --- Response -----------------------------------------------------------------------------------


def test_response_says_what_is_awaited(people: People, seller: Seller) -> None:
    """Row U1."""
    invoice = make_invoice(people.account, seller=seller)
    read = words(page_of(people, invoice))
    assert f"Response Awaiting bank transfer, due {invoice.due_date:%-d %b %Y} From" in read


def test_response_of_what_is_late_says_since_when(
    people: People, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = make_invoice(people.account, seller=seller)
    assert invoice.due_date is not None
    monkeypatch.setattr(timezone, "localdate", lambda: invoice.due_date + timedelta(days=1))
    read = words(page_of(people, invoice))
    assert f"Awaiting bank transfer, overdue since {invoice.due_date:%-d %b %Y}" in read


def test_response_says_what_has_been_settled_and_what_is_left(
    people: People, seller: Seller
) -> None:
    invoice = make_invoice(people.account, seller=seller)
    settle(invoice, credited=Decimal(20), allocated=Decimal(70))
    read = words(page_of(people, invoice))
    assert "Credited £20.00 Paid £70.00 Still to be paid £30.00" in read


def test_response_names_the_credit_note_that_takes_all_back(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    note = credit_invoice(invoice, actor=OPERATOR)
    read = words(page_of(people, invoice))
    assert f"Response Credited in full by {note.number}" in read
    assert f"Corrected by Credit note {note.number}" in read
    assert f"Corrects invoice {invoice.number}" in words(page_of(people, note))
    assert f"Response Taken off invoice {invoice.number}" in words(page_of(people, note))


def test_response_says_of_credit_for_no_invoice_that_it_waits(
    people: People, seller: Seller
) -> None:
    credit = make_invoice(people.account, seller=seller, charges=[charge("10", quantity="-2")])
    read = words(page_of(people, credit))
    assert "Response To your credit; it has not been set off yet." in read


def test_what_is_still_due_is_what_has_not_been_settled(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    with account_scope(people.account):
        type(invoice.settlement).objects.filter(invoice=invoice).update(
            allocated=Decimal(30), written_off=Decimal(1)
        )
    assert "Amount due £89.00" in words(page_of(people, invoice))


# --- Files --------------------------------------------------------------------------------------


def test_hashes_stand_where_an_auditor_looks(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    document = store_pdf(invoice)
    xml = store_xml(invoice, b"<Invoice/>")
    read = words(page_of(people, invoice))
    assert f"SHA-256 of the PDF {document.sha256}" in read
    assert f"SHA-256 of the XML {xml.sha256}" in read
    assert invoice.content_hash in read
    assert "A copy is genuine if its SHA-256" in read


def test_the_page_says_when_there_is_no_xml(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    store_pdf(invoice)
    page = page_of(people, invoice)
    assert "There is no XML for this document." in page
    assert f'href="{address_of(invoice)}xml"' not in page
    store_xml(invoice, b"<Invoice/>")
    page = page_of(people, invoice)
    assert "There is no XML" not in page
    assert f'href="{address_of(invoice)}xml"' in page


def test_a_currency_with_three_decimals_is_why_there_is_no_xml() -> None:
    said = xml_in_words(None, Invoice(currency="KWD"))
    assert "three decimals, as KWD has" in said
