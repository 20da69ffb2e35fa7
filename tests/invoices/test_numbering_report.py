"""M8: every number with its state, and why each is void."""

import csv
import io
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from common.scoping import all_accounts_scope
from invoices.models import Invoice, NumberSeries
from invoices.numbering_report import MISSING, Row, rows_of
from invoices.voiding import void_invoice
from tests.admin_pages import act
from tests.factories import make_draft, make_invoice
from tests.invoices.forging import run, without_guards
from tests.people import signed_in
from tests.scenes import ACTOR, a_seller, an_account
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued() -> list[Invoice]:
    """Three numbers; the second is void, and why looks like a formula."""
    seller, account = a_seller(), an_account()
    found = [make_invoice(account, seller=seller) for _ in range(3)]
    make_draft(account, seller=seller)
    void_invoice(found[1], reason="=1+1, made twice", actor=ACTOR)
    return found


def report(*arguments: str) -> tuple[str, str]:
    told, besides = io.StringIO(), io.StringIO()
    call_command("numbering_report", *arguments, stdout=told, stderr=besides)
    return told.getvalue(), besides.getvalue()


def test_each_number_is_listed_with_its_state(issued: list[Invoice]) -> None:
    told, _ = report("--series", "INV-")
    account = issued[0].account.number
    day = issued[0].issue_date
    assert told.splitlines() == [
        "INV- of Northwind Hosting Ltd, invoices",
        f"  INV-000001  issued  {day}  {account}          120.00 GBP",
        f"  INV-000002  void    {day}  {account}          120.00 GBP  {day}: '=1+1, made twice",
        f"  INV-000003  issued  {day}  {account}          120.00 GBP",
        "  issued: 2, 240.00 GBP",
        "  void: 1, 120.00 GBP",
    ]


def test_a_spreadsheet_gets_every_series_and_no_formula(issued: list[Invoice]) -> None:
    told, besides = report("--csv")
    header, *rows = csv.reader(io.StringIO(told))
    assert header[:3] == ["number", "state", "date"]
    assert [row[1] for row in rows] == ["issued", "void", "issued"]
    assert rows[1][-1] == "'=1+1, made twice"
    assert "void: 1, 120.00 GBP" in besides


@pytest.mark.django_db(transaction=True)
def test_it_was_voided_on_the_day_of_the_seller(issued: list[Invoice]) -> None:
    """At half past midnight in Tokyo, as days of issue are the seller's as well."""
    voided_at = datetime(2026, 3, 1, 0, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    with without_guards():
        run("UPDATE invoices_invoice SET voided_at = %s WHERE id = %s", voided_at, issued[1].pk)
    series = NumberSeries.objects.select_related("seller").get(prefix="INV-")
    series.seller.timezone = "Asia/Tokyo"
    with all_accounts_scope("a test"):
        (void,) = (row for row in rows_of(series) if row.state == Invoice.State.VOID)
    assert void.voided_on == date(2026, 3, 1)


def test_a_prefix_that_looks_like_a_formula_is_text() -> None:
    assert Row("=INV-000001", MISSING).cells()[0] == "'=INV-000001"


def test_a_series_that_is_not_there_is_a_wrong_call() -> None:
    with pytest.raises(CommandError) as refused:
        report("--series", "XYZ-")
    assert refused.value.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_a_missing_number_is_named(issued: list[Invoice]) -> None:
    with without_guards():
        for table in ("delivery", "document", "settlement", "invoicetaxline", "invoiceline"):
            run(f"DELETE FROM invoices_{table} WHERE invoice_id = %s", issued[1].pk)
        run("DELETE FROM invoices_invoice WHERE id = %s", issued[1].pk)
        run("UPDATE invoices_numberseries SET last_sequence = 4 WHERE prefix = 'INV-'")
    told = io.StringIO()
    with pytest.raises(CommandError, match="2 numbers are missing") as refused:
        call_command("numbering_report", stdout=told, stderr=io.StringIO())
    assert refused.value.returncode == 1
    assert "  INV-000002  MISSING\n" in told.getvalue()
    assert "  INV-000004  MISSING\n" in told.getvalue()


def test_staff_download_it_where_they_look_at_series(issued: list[Invoice], staff: User) -> None:
    series = NumberSeries.objects.get(prefix="INV-")
    browser: Client = signed_in(staff)
    page = act(browser, "admin:invoices_numberseries", "download_report", series.pk)
    _, *rows = csv.reader(io.StringIO(page.removeprefix("\ufeff")))
    assert [row[0] for row in rows] == ["INV-000001", "INV-000002", "INV-000003"]
    assert rows[1][-1] == "'=1+1, made twice"
