"""Charges become drafts: what stands on one document, of which kind, and with which words."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from common.money import ZERO
from common.scoping import account_scope
from invoices.drafting import Charge, DraftPlan, plan_drafts
from invoices.models import Invoice, InvoiceLine, InvoiceTaxLine, Seller
from invoices.models.sellers import DocumentKind
from invoices.taxation import TaxContext
from taxes.parties import BuyerTaxStatus, SellerTaxStatus
from taxes.refusals import ReducedRateAbroad
from taxes.vocabulary import Exemption, ProductCategory, Scheme
from tests.factories import charge, make_account, make_draft, make_seller
from tests.scenes import a_seller
from tests.taxes.sellers_and_buyers import RATES, TODAY, business, consumer, registration, seller

_keys = count(1)


def a_charge(
    amount: str, category: ProductCategory = ProductCategory.GOODS, **columns: Any
) -> Charge:
    """One piece at ``amount``, or, where that is negative, one piece taken back."""
    given_amount = Decimal(amount)
    wanted: dict[str, Any] = {
        "key": next(_keys),
        "description": "Ware",
        "quantity": Decimal(-1) if given_amount < 0 else Decimal(1),
        "unit_price": abs(given_amount),
        "product_category": category,
        "tax_point": TODAY,
        **columns,
    }
    return Charge(**wanted)


def plans(
    *charges: Charge,
    by: SellerTaxStatus | None = None,
    to: BuyerTaxStatus | None = None,
    currency: str = "GBP",
    locale: str = "en",
) -> list[DraftPlan]:
    """What is drafted for ``charges``: British at home unless said otherwise."""
    return plan_drafts(
        charges,
        seller=Seller(code="northwind", accounting_currency="GBP"),
        currency=currency,
        order_number="",
        taxes=TaxContext(
            seller=by or seller("GB"), buyer=to or consumer("GB"), rates=RATES, locale=locale
        ),
    )


def plan(*charges: Charge, **parties: Any) -> DraftPlan:
    [only] = plans(*charges, **parties)
    return only


# --- Invoice or credit note ---------------------------------------------------------------------


def test_more_given_back_than_sold_is_a_credit_note_with_the_signs_turned_round() -> None:
    note = plan(a_charge("30.00"), a_charge("-100.00"))
    assert note.kind == DocumentKind.CREDIT_NOTE
    assert [(line.charge.quantity, line.net) for line in note.lines] == [(-1, -30), (1, 100)]
    assert (note.totals.net, note.totals.tax, note.totals.gross) == (70, 14, 84)
    assert note.signed_gross == -84


def test_what_is_owed_with_tax_decides_the_kind_of_a_document() -> None:
    """Zero-rated books for 100 and goods at 20 % returned for 90: eight are owed to the buyer."""
    note = plan(a_charge("100.00", ProductCategory.BOOK), a_charge("-90.00"))
    assert note.kind == DocumentKind.CREDIT_NOTE
    assert (note.totals.net, note.totals.tax, note.totals.gross) == (-10, 18, 8)
    assert note.signed_gross == -8


def test_returned_books_can_leave_an_invoice_whose_net_is_below_zero() -> None:
    invoice = plan(a_charge("-100.00", ProductCategory.BOOK), a_charge("90.00"))
    assert invoice.kind == DocumentKind.INVOICE
    assert (invoice.totals.net, invoice.totals.tax, invoice.totals.gross) == (-10, 18, 8)


@pytest.mark.parametrize("returned", ["-10.00", "-12.00"])
def test_nothing_owed_either_way_is_an_invoice(returned: str) -> None:
    category = ProductCategory.BOOK if returned == "-12.00" else ProductCategory.GOODS
    invoice = plan(a_charge("10.00"), a_charge(returned, category))
    assert (invoice.kind, invoice.totals.gross) == (DocumentKind.INVOICE, 0)


charges = st.lists(
    st.builds(
        lambda amount, category: a_charge(str(amount), category),
        st.decimals(-(10**6), 10**6, places=2),
        st.sampled_from(
            [
                ProductCategory.GOODS,
                ProductCategory.BOOK,
                ProductCategory.REDUCED_GOODS,
                ProductCategory.OUTSIDE_SCOPE,
            ]
        ),
    ),
    min_size=1,
    max_size=6,
)


@given(charges)
def test_every_charge_is_on_one_document_and_no_document_is_below_zero(
    given_charges: list[Charge],
) -> None:
    found = plans(*given_charges)
    keys = sorted(line.charge.key for each in found for line in each.lines)
    assert keys == sorted(each.key for each in given_charges)
    assert all(each.totals.gross >= 0 for each in found)
    for each in found:
        sign = -1 if each.kind == DocumentKind.CREDIT_NOTE else 1
        assert sign * each.totals.net == sum(
            (
                before.quantity * before.unit_price
                for before in given_charges
                if before.key in {line.charge.key for line in each.lines}
            ),
            ZERO,
        )


# --- What stands together -----------------------------------------------------------------------


def test_what_is_outside_the_scope_of_tax_stands_on_a_document_of_its_own() -> None:
    """BR-O-11 to BR-O-14; each has a sign of its own as well."""
    found = plans(
        a_charge("10.00"),
        a_charge("-4.00", ProductCategory.OUTSIDE_SCOPE),
        a_charge("1.00", ProductCategory.BOOK),
    )
    assert [(each.tax_group, each.kind, each.totals.gross) for each in found] == [
        ("outside_scope", DocumentKind.CREDIT_NOTE, 4),
        ("taxed", DocumentKind.INVOICE, 13),
    ]


def test_supplies_under_another_tax_number_stand_apart() -> None:
    """BT-31 has room for one: a One Stop Shop's beside the one at home."""
    shop = registration("IE", Scheme.OSS_NON_UNION, number="EU372000041")
    found = plans(
        a_charge("10.00"),
        a_charge("5.00", ProductCategory.ELECTRONIC_SERVICE),
        by=seller("GB", shop),
        to=consumer("DE"),
        currency="EUR",
    )
    assert sorted(
        (line.tax.seller_tax_number, line.net) for each in found for line in each.lines
    ) == [
        ("EU372000041", 5),
        ("GB980780684", 10),
    ]
    assert len(found) == 2


def test_a_charge_that_cannot_be_taxed_drafts_nothing() -> None:
    shop = registration("DE", Scheme.OSS_UNION)
    with pytest.raises(ReducedRateAbroad):
        plans(
            a_charge("10.00"),
            a_charge("10.00", ProductCategory.REDUCED_GOODS),
            by=seller("DE", shop),
            to=consumer("FR"),
        )


def test_tax_follows_the_day_of_each_line() -> None:
    found = plan(
        a_charge("100.00", tax_point=date(2010, 12, 31)),
        a_charge("100.00", tax_point=date(2011, 1, 4)),
    )
    assert [line.tax.rate for line in found.lines] == [Decimal("17.5"), 20]
    assert [subtotal.tax_amount for subtotal in found.totals.subtotals] == [Decimal("17.50"), 20]


def test_amounts_have_the_decimals_of_the_currency() -> None:
    found = plan(a_charge("333.5"), currency="JPY")
    assert (found.totals.net, found.totals.tax) == (334, 67)


# --- Why there is no tax ------------------------------------------------------------------------


def outside_the_scope(locale: str = "en") -> DraftPlan:
    """A service whose customer accounts for the tax, a fine, and another service."""
    return plan(
        a_charge("10.00", ProductCategory.SERVICE),
        a_charge("5.00", ProductCategory.OUTSIDE_SCOPE),
        a_charge("1.00", ProductCategory.SERVICE),
        to=business("US"),
        locale=locale,
    )


def test_different_reasons_for_no_tax_are_all_printed() -> None:
    [subtotal] = outside_the_scope().totals.subtotals
    customer_accounts = str(Exemption.CUSTOMER_ACCOUNTS.label)
    not_a_supply = str(Exemption.NOT_A_SUPPLY.label)
    assert subtotal.exemption_reason == f"{customer_accounts}. {not_a_supply}"
    assert subtotal.exemption_code == "VATEX-EU-O"


def test_reasons_are_in_the_language_of_the_document_whoever_runs_the_billing() -> None:
    with override("fr"):
        [subtotal] = outside_the_scope("de").totals.subtotals
    with override("de"):
        assert str(Exemption.NOT_A_SUPPLY.label) in subtotal.exemption_reason


def test_exports_of_goods_and_services_are_both_told() -> None:
    found = plan(
        a_charge("10.00"),
        a_charge("5.00", ProductCategory.SERVICE),
        by=seller("NO"),
        to=business("US"),
        currency="NOK",
    )
    [subtotal] = found.totals.subtotals
    assert subtotal.tax.category == "G"
    for exemption in (Exemption.EXPORT, Exemption.EXPORT_OF_SERVICES):
        assert str(exemption.label) in subtotal.exemption_reason


@pytest.mark.django_db
def test_every_reason_is_stored_with_its_tax_line() -> None:
    account = make_account(country="US", currency="GBP")
    draft = make_draft(
        account,
        seller=a_seller(),
        charges=[
            charge("10.00", category=ProductCategory.SERVICE),
            charge("5.00", category=ProductCategory.OUTSIDE_SCOPE),
        ],
    )
    with account_scope(account):
        [tax_line] = InvoiceTaxLine.objects.filter(invoice=draft)
        reasons = list(
            InvoiceLine.objects.filter(invoice=draft).values_list("exemption_reason", flat=True)
        )
    assert len(set(reasons)) == 2
    assert tax_line.exemption_reason == ". ".join(reasons)
    assert (tax_line.taxable_amount, tax_line.tax_amount) == (15, 0)


# --- Saving -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_draft_says_what_its_plan_says() -> None:
    account = make_account()
    draft = make_draft(
        account,
        seller=make_seller(),
        charges=[
            charge("10.00", quantity="3", tax_point=date(2026, 2, 3)),
            charge("0.005", quantity="1", tax_point=date(2026, 2, 9)),
        ],
        order_number="PO-7",
    )
    assert (draft.state, draft.kind, draft.number, draft.content_hash) == (
        "draft",
        "invoice",
        None,
        "",
    )
    assert (draft.line_total, draft.net_total) == (Decimal("30.01"), Decimal("30.01"))
    assert (draft.tax_total, draft.gross_total) == (6, Decimal("36.01"))
    assert draft.amount_due == draft.gross_total
    assert draft.order_number == "PO-7"
    assert (draft.period_start, draft.period_end) == (date(2026, 2, 3), date(2026, 2, 10))
    assert draft.tax_point_date is None
    with account_scope(account):
        lines = list(InvoiceLine.objects.filter(invoice=draft))
    assert [(line.position, line.net_amount) for line in lines] == [
        (1, 30),
        (2, Decimal("0.01")),
    ]


@pytest.mark.django_db
def test_one_tax_point_for_all_lines_is_the_documents() -> None:
    day = date(2026, 2, 3)
    draft = make_draft(
        make_account(),
        seller=make_seller(),
        charges=[charge(tax_point=day), charge(tax_point=day)],
    )
    assert draft.tax_point_date == day


@pytest.mark.django_db
def test_many_lines_are_saved_in_as_many_statements_as_one() -> None:
    seller_row, counted = make_seller(), []
    for number in (1, 40):
        account, wanted = make_account(), [charge() for _ in range(number)]
        with CaptureQueriesContext(connection) as captured:
            make_draft(account, seller=seller_row, charges=wanted)
        counted.append(len(captured))
    assert counted[0] == counted[1]


@pytest.mark.django_db
def test_a_credit_note_is_saved_with_positive_amounts() -> None:
    account = make_account()
    draft = make_draft(
        account,
        seller=a_seller(),
        charges=[
            charge("100.00", category=ProductCategory.BOOK),
            charge("90.00", quantity="-1", category=ProductCategory.GOODS),
        ],
    )
    assert (draft.kind, draft.gross_total) == (Invoice.Kind.CREDIT_NOTE, 8)
    with account_scope(account):
        stored = InvoiceTaxLine.objects.filter(invoice=draft).values_list(
            "category", "taxable_amount", "tax_amount"
        )
        assert sorted(stored) == [("S", 90, 18), ("Z", -100, 0)]
