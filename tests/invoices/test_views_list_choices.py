"""The list by state, kind and days; what the chosen documents come to, and as a file."""

import csv
import gzip
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from http import HTTPStatus
from io import StringIO
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from common.scoping import account_scope
from invoices.listing import PAGE_LENGTH, Wanted, documents_found
from invoices.models import Invoice, Seller
from invoices.standing import Standing, standing_of
from tests.factories import charge, make_invoice, make_seller
from tests.invoices.invoice_pages import settle
from tests.invoices.list_pages import address_of, issue, numbers_in, page_of
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


@pytest.fixture
def one_of_each(people: People, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An invoice or credit note in every state, in the reader's account, by state."""
    now = timezone.now()
    with monkeypatch.context() as earlier:
        earlier.setattr(timezone, "now", lambda: now - timedelta(days=90))
        by_name = {"overdue": make_invoice(people.account, seller=seller)}
    for name in ("open", "paid", "credited", "void", "part"):
        by_name[name] = make_invoice(people.account, seller=seller)
    credit = make_invoice(people.account, seller=seller, charges=[charge("10", quantity="-1")])
    with account_scope(people.account):
        Invoice.objects.filter(pk=by_name["void"].pk).update(
            state=Invoice.State.VOID, voided_at=timezone.now()
        )
    settle(by_name["paid"], allocated=Decimal(120))
    settle(by_name["credited"], credited=Decimal(120))
    settle(by_name["part"], credited=Decimal(20))
    return {name: str(each.number) for name, each in {**by_name, "note": credit}.items()}


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("unpaid", {"open", "overdue", "part"}),
        ("open", {"open", "part"}),
        ("overdue", {"overdue"}),
        ("nothing_to_pay", {"paid"}),
        ("credited", {"credited", "note"}),
        ("void", {"void"}),
        ("", {"open", "overdue", "paid", "credited", "void", "part", "note"}),
        ("nonsense", set()),
    ],
)
def test_the_list_shows_one_state_at_wish(
    people: People, one_of_each: dict[str, str], state: str, found: set[str]
) -> None:
    shown = numbers_in(page_of(people, state=state))
    assert sorted(shown) == sorted(one_of_each[name] for name in found)


def test_every_document_stands_in_exactly_one_state_and_sql_and_python_agree(
    people: People, one_of_each: dict[str, str]
) -> None:
    today = timezone.localdate()
    with account_scope(people.account):
        everything = documents_found(people.account, Wanted(), today=today)
        expected = {
            (invoice.number, standing_of(invoice, invoice.settlement, today=today))
            for invoice in everything
        }
        found = [
            (invoice.number, standing)
            for standing in Standing
            for invoice in documents_found(
                people.account, Wanted(standings=(standing,)), today=today
            )
        ]
    assert len(found) == len(one_of_each)
    assert set(found) == expected


def test_the_list_shows_one_kind_at_wish(people: People, one_of_each: dict[str, str]) -> None:
    assert numbers_in(page_of(people, kind="credit_note")) == [one_of_each["note"]]
    assert one_of_each["note"] not in numbers_in(page_of(people, kind="invoice"))


def test_the_list_shows_a_span_of_days_with_both_ends(
    people: People, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first] = issue(people.account, seller, 1)
    today = timezone.localdate()
    later = timezone.now() + timedelta(days=3)
    monkeypatch.setattr(timezone, "now", lambda: later)
    [second] = issue(people.account, seller, 1)
    day, last = today.isoformat(), (today + timedelta(days=3)).isoformat()
    assert numbers_in(page_of(people, since=day, until=day)) == [first]
    assert numbers_in(page_of(people, since=day, until=last)) == [second, first]
    assert numbers_in(page_of(people, since=last)) == [second]


def test_days_that_make_no_span_are_told_and_find_nothing(people: People, seller: Seller) -> None:
    issue(people.account, seller, 1)
    backwards = {"since": "2026-11-02", "until": "2026-11-01"}
    page = page_of(people, **backwards)
    assert "Choose a day that is not before the first one." in page
    assert numbers_in(page) == []
    assert numbers_in(page_of(people, since="yesterday")) == []
    answer = signed_in(people.alice).get(f"{address_of(people.account)}csv", backwards)
    assert answer.status_code == HTTPStatus.FOUND
    assert "until=2026-11-01" in answer["Location"]


def test_further_pages_keep_what_was_chosen(people: People, seller: Seller) -> None:
    newest_first = issue(people.account, seller, PAGE_LENGTH + 2)[::-1]
    make_invoice(people.account, seller=seller, charges=[charge("5", quantity="-1")])
    page = page_of(people, kind="invoice", number="INV-")
    match = re.search(r'rel="next" href="\?([^"]+)"', page)
    assert match
    query = dict(parse_qsl(unescape(match[1])))
    assert query == {"number": "INV-", "kind": "invoice", "before": newest_first[PAGE_LENGTH - 1]}
    assert numbers_in(page_of(people, **query)) == newest_first[PAGE_LENGTH:]


# --- Sums ---------------------------------------------------------------------------------------


def test_sums_deduct_credit_notes_and_leave_void_documents_out(
    people: People, one_of_each: dict[str, str]
) -> None:
    page = unescape(page_of(people)).replace("\N{NO-BREAK SPACE}", " ")
    # Five invoices of 120 each that stand, less a credit note of 12; 120 + 120 + 100 are unpaid.
    assert "<strong>GBP</strong> 7 documents, total £588.00, amount due £340.00" in page
    page = unescape(page_of(people, state="overdue"))
    assert "1 document, total £120.00, amount due £120.00" in page


def test_sums_are_told_for_each_currency(people: People, seller: Seller) -> None:
    make_invoice(people.account, seller=seller)
    euro = make_seller("harbour", prefix="H-", accounting_currency="EUR")
    Account.objects.filter(pk=people.account.pk).update(currency="EUR")
    people.account.refresh_from_db()
    make_invoice(people.account, seller=euro)
    page = unescape(page_of(people))
    assert "<strong>GBP</strong> 1 document, total £120.00" in page
    assert "<strong>EUR</strong> 1 document, total €120.00" in page


def test_too_many_documents_are_not_summed_but_said(
    people: People, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(people.account, seller, 3)
    monkeypatch.setattr("invoices.listing.MOST_SUMMED", 2)
    page = page_of(people)
    assert "Choose dates to see what they come to" in page
    assert "amount due £" not in page


def test_sums_and_choices_cost_no_more_with_sixty_invoices_than_with_three(
    people: People, seller: Seller
) -> None:
    browser = signed_in(people.alice)
    chosen = {"number": "INV-0", "kind": "invoice", "state": "open", "since": "2000-01-01"}

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(address_of(people.account), chosen)
        return len(asked)

    issue(people.account, seller, 3)
    with_three = queries()
    issue(people.account, seller, 57)
    assert queries() == with_three <= 11


def test_a_full_page_is_small(people: People, seller: Seller) -> None:
    issue(people.account, seller, PAGE_LENGTH)
    assert len(gzip.compress(page_of(people).encode())) < 30_000


# --- The file -----------------------------------------------------------------------------------


def file_of(people: People, **query: str) -> list[dict[str, str]]:
    answer = signed_in(people.bob).get(f"{address_of(people.account)}csv", query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert f"invoices-{people.account.number}.csv" in answer["Content-Disposition"]
    return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))


def test_the_file_has_a_line_for_each_document_with_all_that_is_booked(
    people: People, seller: Seller
) -> None:
    invoice = make_invoice(people.account, seller=seller, order_number="PO-1")
    settle(invoice, allocated=Decimal(20))
    credit = make_invoice(people.account, seller=seller, charges=[charge("10", quantity="-1")])
    issue(people.charlies_account, seller, 1)
    second, first = file_of(people)
    assert first == {
        "Number": str(invoice.number),
        "Kind": "Invoice",
        "Date": f"{invoice.issue_date}",
        "Due by": f"{invoice.due_date}",
        "Period from": first["Period from"],
        "Period to": first["Period to"],
        "Net": "100.00",
        "Tax": "20.00",
        "Total": "120.00",
        "Currency": "GBP",
        "Amount due": "100.00",
        "State": "Open",
        "Corrects invoice": "",
        "Order number": "PO-1",
        "Your reference": "",
        "Payment reference": str(invoice.number),
    }
    assert second["Number"] == credit.number
    assert (second["Net"], second["Tax"], second["Total"]) == ("-10.00", "-2.00", "-12.00")
    assert second["Amount due"] == "0.00"


def test_the_file_holds_what_the_list_shows_with_the_same_choices(
    people: People, one_of_each: dict[str, str]
) -> None:
    assert [row["Number"] for row in file_of(people, state="overdue")] == [one_of_each["overdue"]]
    page = unescape(page_of(people, state="overdue"))
    assert f'href="{address_of(people.account)}csv?state=overdue"' in page


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_of_the_file_is_a_formula(people: People, seller: Seller, start: str) -> None:
    """ASVS 1.2.10."""
    make_invoice(people.account, seller=seller, order_number=f'{start}HYPERLINK("x")')
    [row] = file_of(people)
    assert row["Order number"] == f'\'{start}HYPERLINK("x")'


def test_a_file_that_would_leave_documents_out_is_not_made(
    people: People, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(people.account, seller, 3)
    monkeypatch.setattr("invoices.list_file.MOST_ROWS", 2)
    answer = signed_in(people.bob).get(
        f"{address_of(people.account)}csv", {"kind": "invoice"}, follow=True
    )
    assert answer.redirect_chain == [(f"{address_of(people.account)}?kind=invoice", 302)]
    assert "More than 2 documents fit. Choose dates" in answer.content.decode()


def test_who_may_have_the_file(people: People, seller: Seller) -> None:
    address = f"{address_of(people.account)}csv"
    assert signed_in(people.dora).get(address).status_code == 403
    assert signed_in(people.charlie).get(address).status_code == 404
