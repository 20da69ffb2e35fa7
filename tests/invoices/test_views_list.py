import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from common.scoping import account_scope
from invoices.listing import PAGE_LENGTH
from invoices.models import Invoice, Seller
from tests.factories import charge, make_draft, make_invoice, make_seller
from tests.invoices.invoice_pages import settle
from tests.invoices.list_pages import address_of, found_in, issue, numbers_in, page_of
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


def test_every_invoice_of_the_account_newest_first(people: People, seller: Seller) -> None:
    """Row U1."""
    numbers = issue(people.account, seller, 3)
    assert numbers_in(page_of(people)) == numbers[::-1]


def test_the_issue_date_comes_before_the_number(
    people: People, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two series: what was issued later stands first, whichever series counts higher."""
    [first] = issue(people.account, seller, 1)
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    credit = make_invoice(people.account, seller=seller, charges=[charge("5", quantity="-1")])
    assert numbers_in(page_of(people)) == [credit.number, first]


def test_an_invoice_shows_number_kind_total_amount_due_and_state(
    people: People, seller: Seller
) -> None:
    invoice = make_invoice(people.account, seller=seller, charges=[charge("1000")])
    page = page_of(people)
    assert f'href="{address_of(people.account)}{invoice.number}/"' in page
    for shown in ("Invoice</td>", "£1,200.00", "Open", f"{invoice.due_date:%-d %b %Y}"):
        assert shown in page, shown


def test_a_credit_note_says_so_and_asks_for_nothing(people: People, seller: Seller) -> None:
    make_invoice(people.account, seller=seller, charges=[charge("10", quantity="-1")])
    page = page_of(people)
    assert "Credit note</td>" in page
    assert "\N{MINUS SIGN}£12.00" in page
    assert "£0.00" in page
    assert "Credited" in found_in(page)


def test_what_has_been_settled_is_no_longer_due(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    settle(invoice, credited=Decimal(20))
    assert "£100.00" in page_of(people)
    settle(invoice, credited=Decimal(20), allocated=Decimal(100))
    assert "Nothing to pay" in found_in(page_of(people))


def test_what_was_due_yesterday_is_overdue_and_what_is_due_today_is_not(
    people: People, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = make_invoice(people.account, seller=seller)
    assert invoice.due_date is not None
    monkeypatch.setattr(timezone, "localdate", lambda: invoice.due_date)
    assert "Overdue" not in found_in(page_of(people))
    monkeypatch.setattr(timezone, "localdate", lambda: invoice.due_date + timedelta(days=1))
    assert "Overdue" in found_in(page_of(people))


def test_a_void_invoice_stays_and_says_so(people: People, seller: Seller) -> None:
    invoice = make_invoice(people.account, seller=seller)
    with account_scope(people.account):
        Invoice.objects.filter(pk=invoice.pk).update(
            state=Invoice.State.VOID, voided_at=timezone.now(), void_reason="Issued twice"
        )
    page = page_of(people)
    assert numbers_in(page) == [invoice.number]
    assert "Void" in found_in(page)


def test_a_draft_is_not_shown(people: People, seller: Seller) -> None:
    draft = make_draft(people.account, seller=seller)
    page = page_of(people)
    assert "There are no invoices yet" in page
    assert draft.public_id not in page


def test_invoices_of_other_accounts_are_not_shown(people: People, seller: Seller) -> None:
    issue(people.charlies_account, seller, 1)
    [own] = issue(people.account, seller, 1)
    assert numbers_in(page_of(people)) == [own]


def test_an_account_without_invoices_says_when_there_will_be_one(people: People) -> None:
    page = page_of(people)
    assert "There are no invoices yet" in page
    assert "The first one appears here when it is issued" in page


# --- Pages --------------------------------------------------------------------------------------


def test_pages_follow_each_other_without_gap_or_repetition(people: People, seller: Seller) -> None:
    newest_first = issue(people.account, seller, 2 * PAGE_LENGTH + 3)[::-1]
    seen: list[str] = []
    page = page_of(people)
    while match := re.search(r'rel="next" href="\?before=([A-Z0-9-]+)"', page):
        seen += numbers_in(page)
        page = page_of(people, before=match[1])
    assert seen + numbers_in(page) == newest_first
    assert len(numbers_in(page)) == 3


def test_the_way_back_shows_the_same_pages(people: People, seller: Seller) -> None:
    newest_first = issue(people.account, seller, 2 * PAGE_LENGTH + 3)[::-1]
    last = page_of(people, before=newest_first[2 * PAGE_LENGTH - 1])
    match = re.search(r'rel="prev" href="\?after=([A-Z0-9-]+)"', last)
    assert match
    middle = page_of(people, after=match[1])
    assert numbers_in(middle) == newest_first[PAGE_LENGTH : 2 * PAGE_LENGTH]
    match = re.search(r'rel="prev" href="\?after=([A-Z0-9-]+)"', middle)
    assert match
    first = page_of(people, after=match[1])
    assert numbers_in(first) == newest_first[:PAGE_LENGTH]
    assert 'rel="prev"' not in first


def test_a_full_page_has_no_next_one_when_nothing_follows(people: People, seller: Seller) -> None:
    issue(people.account, seller, PAGE_LENGTH)
    page = page_of(people)
    assert len(numbers_in(page)) == PAGE_LENGTH
    assert 'rel="next"' not in page


def test_a_page_cannot_be_asked_for_by_anothers_invoice(people: People, seller: Seller) -> None:
    [foreign] = issue(people.charlies_account, seller, 1)
    browser = signed_in(people.alice)
    for key in ("before", "after"):
        answers = [
            browser.get(address_of(people.account), {key: number})
            for number in (foreign, "INV-999999", "'; DROP TABLE", "\N{BOMB}")
        ]
        assert {answer.status_code for answer in answers} == {404}


def test_the_list_asks_the_database_as_often_for_sixty_invoices_as_for_three(
    people: People, seller: Seller
) -> None:
    browser = signed_in(people.alice)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(address_of(people.account))
        return len(asked)

    issue(people.account, seller, 3)
    with_three = queries()
    issue(people.account, seller, 57)
    assert queries() == with_three <= 10


# --- Search -------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["{}", " {} ", "lower"])
def test_an_exact_number_leads_to_its_invoice(
    people: People, seller: Seller, spelling: str
) -> None:
    [number] = issue(people.account, seller, 1)
    typed = number.lower() if spelling == "lower" else spelling.format(number)
    answer = signed_in(people.alice).get(address_of(people.account), {"number": typed})
    assert answer.status_code == 302
    assert answer["Location"] == f"{address_of(people.account)}{number}/"


def test_a_script_that_exchanges_the_list_is_led_to_the_invoice_too(
    people: People, seller: Seller
) -> None:
    [number] = issue(people.account, seller, 1)
    browser = signed_in(people.alice)
    answer = browser.get(address_of(people.account), {"number": number}, HTTP_HX_REQUEST="true")
    assert answer.status_code == 200
    assert answer["HX-Redirect"] == f"{address_of(people.account)}{number}/"


def test_a_part_of_a_number_offers_those_that_begin_with_it(people: People, seller: Seller) -> None:
    numbers = issue(people.account, seller, 3)
    make_invoice(people.account, seller=seller, charges=[charge("5", quantity="-1")])
    issue(people.charlies_account, seller, 1)
    assert numbers_in(page_of(people, number="inv-0")) == numbers[::-1]
    assert numbers_in(page_of(people, number=numbers[1][:-1])) == numbers[::-1]
    assert numbers_in(page_of(people, number="NV-0")) == []


def test_digits_alone_find_what_counts_so_much_in_its_series(
    people: People, seller: Seller
) -> None:
    first, second = issue(people.account, seller, 2)
    credit = make_invoice(people.account, seller=seller, charges=[charge("5", quantity="-1")])
    assert set(numbers_in(page_of(people, number="1"))) == {first, credit.number}
    assert numbers_in(page_of(people, number="000002")) == [second]
    for none in ("0", "99999999999999999999", "\N{SUPERSCRIPT TWO}", "\U0010ffff", "%", "_"):
        assert numbers_in(page_of(people, number=none)) == []


def test_a_number_that_is_not_there_is_told_and_kept_in_the_field(
    people: People, seller: Seller
) -> None:
    [foreign] = issue(people.charlies_account, seller, 1)
    for number in (foreign, "INV-9", "<b>"):
        page = page_of(people, number=number)
        assert "No invoice fits" in page
        assert "Enter the beginning of a number" in page
        assert f'value="{escape(number)}"' in page
        assert "<b>" not in page
        assert f'href="{address_of(people.account)}">Show all invoices</a>' in page
