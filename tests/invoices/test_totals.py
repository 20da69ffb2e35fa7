"""Amounts of a document by the business rules of EN 16931-1. Nothing here needs a database."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import exponent, round_money
from invoices.totals import TaxedAmount, TaxKey, Totals, line_net, total

STANDARD = TaxKey("S", Decimal(20))
REDUCED = TaxKey("S", Decimal(5))
ZERO_RATED = TaxKey("Z", Decimal(0))
OUTSIDE = TaxKey("O", Decimal(0))
REVERSE_CHARGE = TaxKey("AE", Decimal(0))
EXPORT = TaxKey("G", Decimal(0))


def taxed(net: str, tax: TaxKey = STANDARD) -> TaxedAmount:
    return TaxedAmount(Decimal(net), tax)


def exempt(net: str, reason: str, code: str = "", tax: TaxKey = OUTSIDE) -> TaxedAmount:
    return TaxedAmount(Decimal(net), tax, code, reason)


def by_rate(totals: Totals) -> dict[TaxKey, tuple[Decimal, Decimal]]:
    return {
        subtotal.tax: (subtotal.taxable_amount, subtotal.tax_amount)
        for subtotal in totals.subtotals
    }


def opposite(amounts: Sequence[TaxedAmount]) -> list[TaxedAmount]:
    return [
        TaxedAmount(-amount.net, amount.tax, amount.exemption_code, amount.exemption_reason)
        for amount in amounts
    ]


# --- A line -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "unit_price", "currency", "net"),
    [
        ("3", "2.55", "GBP", "7.65"),
        ("1", "1.005", "GBP", "1.01"),
        ("-1", "1.005", "GBP", "-1.01"),
        ("0.5", "0.01", "GBP", "0.01"),
        ("7", "0.3333", "GBP", "2.33"),
        ("1.5", "333", "JPY", "500"),
        ("3", "0.0335", "KWD", "0.101"),
        ("0", "99.99", "GBP", "0.00"),
    ],
)
def test_a_line_is_rounded_once_to_its_currency(
    quantity: str, unit_price: str, currency: str, net: str
) -> None:
    found = line_net(quantity=Decimal(quantity), unit_price=Decimal(unit_price), currency=currency)
    assert found == Decimal(net)


def test_a_price_can_be_for_more_than_one_piece() -> None:
    """BT-149: 4.20 for a thousand; dividing first and rounding that would give 12.50."""
    found = line_net(
        quantity=Decimal(2990),
        unit_price=Decimal("4.20"),
        base_quantity=Decimal(1000),
        currency="EUR",
    )
    assert found == Decimal("12.56")


def test_allowances_and_charges_of_a_line_are_inside_the_one_rounding() -> None:
    found = line_net(
        quantity=Decimal(1),
        unit_price=Decimal("10.004"),
        allowances=Decimal("1.002"),
        charges=Decimal("0.003"),
        currency="EUR",
    )
    assert found == Decimal("9.01")


quantities = st.decimals(-(10**5), 10**5, places=8)
prices = st.decimals(0, 10**6, places=8)
bases = st.sampled_from([Decimal(1), Decimal(3), Decimal(12), Decimal(100), Decimal("0.5")])
currencies = st.sampled_from(["EUR", "JPY", "KWD"])


@given(quantities, prices, bases, currencies)
def test_a_line_is_the_exact_product_rounded_half_away_from_zero(
    quantity: Decimal, unit_price: Decimal, base: Decimal, currency: str
) -> None:
    exact = Fraction(quantity) * Fraction(unit_price) / Fraction(base)
    units = floor(abs(exact) * 10 ** exponent(currency) + Fraction(1, 2))
    found = line_net(
        quantity=quantity, unit_price=unit_price, base_quantity=base, currency=currency
    )
    assert abs(Fraction(found)) == Fraction(units, 10 ** exponent(currency))
    assert exact * Fraction(found) >= 0


# --- A document ---------------------------------------------------------------------------------


def test_the_sum_of_the_lines_is_the_first_total() -> None:
    """BR-CO-10."""
    assert total([taxed("10.01"), taxed("-3.00"), taxed("0.99")], currency="GBP").lines == 8


def test_allowances_come_off_and_charges_come_on() -> None:
    """BR-CO-11, BR-CO-12 and BR-CO-13."""
    totals = total(
        [taxed("100.00")],
        allowances=[taxed("10.00"), taxed("5.00")],
        charges=[taxed("2.50")],
        currency="GBP",
    )
    assert (totals.allowances, totals.charges) == (15, Decimal("2.50"))
    assert totals.net == Decimal("87.50")
    assert (totals.tax, totals.gross) == (Decimal("17.50"), Decimal("105.00"))


def test_the_gross_is_net_and_tax() -> None:
    """BR-CO-14 and BR-CO-15."""
    totals = total([taxed("10.00"), taxed("10.00", REDUCED)], currency="GBP")
    assert totals.tax == Decimal("2.50")
    assert totals.gross == Decimal("22.50")


def test_what_is_due_is_the_gross_less_what_was_prepaid_and_rounded() -> None:
    """BR-CO-16."""
    totals = total(
        [taxed("10.00")], prepaid=Decimal("5.00"), rounding=Decimal("-0.02"), currency="CHF"
    )
    assert (totals.gross, totals.due) == (12, Decimal("6.98"))


def test_each_rate_has_its_own_subtotal_in_the_order_of_the_lines() -> None:
    """BR-CO-18."""
    totals = total(
        [
            taxed("10.00", REDUCED),
            taxed("1.00"),
            taxed("30.00", ZERO_RATED),
            taxed("2.00"),
        ],
        currency="GBP",
    )
    assert list(by_rate(totals).items()) == [
        (REDUCED, (Decimal("10.00"), Decimal("0.50"))),
        (STANDARD, (Decimal("3.00"), Decimal("0.60"))),
        (ZERO_RATED, (Decimal("30.00"), Decimal("0.00"))),
    ]


def test_tax_is_rounded_once_for_each_rate_and_not_for_each_line() -> None:
    """BR-CO-17: three times 0.006 is 0.02, not 0.03."""
    totals = total([taxed("0.03")] * 3, currency="GBP")
    assert totals.tax == Decimal("0.02")
    assert sum(round_money(Decimal("0.03") / 5, currency="GBP") for _ in range(3)) == Decimal(
        "0.03"
    )


def test_half_a_penny_of_tax_is_rounded_away_from_zero_on_both_sides() -> None:
    rate = TaxKey("S", Decimal("17.5"))
    owed = total([taxed("1.00", rate)], currency="GBP")
    returned = total([taxed("-1.00", rate)], currency="GBP")
    assert (owed.tax, returned.tax) == (Decimal("0.18"), Decimal("-0.18"))


@pytest.mark.parametrize(("currency", "tax"), [("JPY", "33"), ("KWD", "33.333"), ("EUR", "33.33")])
def test_tax_has_the_decimals_of_its_currency(currency: str, tax: str) -> None:
    net = {"JPY": "333", "KWD": "333.333", "EUR": "333.33"}[currency]
    totals = total([taxed(net, TaxKey("S", Decimal(10)))], currency=currency)
    assert str(totals.tax) == tax


def test_an_allowance_is_taxed_at_the_rate_it_belongs_to() -> None:
    """BR-S-08 and BR-Z-08: it comes off the lines of its own rate alone."""
    totals = total(
        [taxed("100.00"), taxed("50.00", ZERO_RATED)],
        allowances=[taxed("20.00", ZERO_RATED)],
        charges=[taxed("5.00", REDUCED)],
        currency="GBP",
    )
    assert by_rate(totals) == {
        STANDARD: (Decimal("100.00"), Decimal("20.00")),
        ZERO_RATED: (Decimal("30.00"), Decimal("0.00")),
        REDUCED: (Decimal("5.00"), Decimal("0.25")),
    }


def test_a_rate_whose_lines_cancel_out_stays_on_the_document() -> None:
    totals = total([taxed("5.00"), taxed("-5.00"), taxed("1.00", REDUCED)], currency="GBP")
    assert by_rate(totals)[STANDARD] == (0, 0)
    assert totals.gross == Decimal("1.05")


def test_the_gross_can_be_below_zero_while_the_net_is_not() -> None:
    """At mixed rates, which is why the gross decides what kind of document it is."""
    totals = total([taxed("100.00", ZERO_RATED), taxed("-90.00")], currency="GBP")
    assert (totals.net, totals.tax, totals.gross) == (10, -18, -8)


# --- Why there is no tax ------------------------------------------------------------------------


def test_every_reason_is_told_once_in_its_order() -> None:
    """BT-120 has one text for each category and rate, whatever the number of reasons."""
    totals = total(
        [
            exempt("1.00", "supplied abroad", "VATEX-EU-O"),
            exempt("2.00", "not a supply", "VATEX-EU-O"),
            exempt("3.00", "supplied abroad", "VATEX-EU-O"),
        ],
        currency="GBP",
    )
    [subtotal] = totals.subtotals
    assert subtotal.exemption_reason == "supplied abroad. not a supply"
    assert subtotal.exemption_code == "VATEX-EU-O"


def test_reasons_with_different_codes_leave_the_code_out() -> None:
    """BT-121 has room for one: any of them would be untrue of the other lines."""
    [subtotal] = total(
        [
            exempt("1.00", "export of goods", "VATEX-EU-G", EXPORT),
            exempt("2.00", "export of services", "", EXPORT),
        ],
        currency="EUR",
    ).subtotals
    assert subtotal.exemption_code == ""
    assert subtotal.exemption_reason == "export of goods. export of services"


def test_a_single_reason_keeps_its_code() -> None:
    [subtotal] = total(
        [exempt("1.00", "reverse charge", "VATEX-EU-AE", REVERSE_CHARGE)], currency="EUR"
    ).subtotals
    assert (subtotal.exemption_code, subtotal.exemption_reason) == (
        "VATEX-EU-AE",
        "reverse charge",
    )


def test_an_allowance_that_gives_no_reason_leaves_that_of_the_lines_as_it_is() -> None:
    [subtotal] = total(
        [exempt("10.00", "reverse charge", "VATEX-EU-AE", REVERSE_CHARGE)],
        allowances=[TaxedAmount(Decimal("1.00"), REVERSE_CHARGE)],
        currency="EUR",
    ).subtotals
    assert (subtotal.exemption_code, subtotal.exemption_reason) == (
        "VATEX-EU-AE",
        "reverse charge",
    )


def test_taxed_amounts_need_no_reason() -> None:
    """BR-S-10 and BR-Z-10."""
    totals = total([taxed("1.00"), taxed("1.00", ZERO_RATED)], currency="GBP")
    assert {(each.exemption_code, each.exemption_reason) for each in totals.subtotals} == {("", "")}


# --- What always holds --------------------------------------------------------------------------

keys = st.sampled_from([STANDARD, REDUCED, ZERO_RATED, TaxKey("S", Decimal("17.5"))])
lines = st.lists(
    st.builds(TaxedAmount, st.decimals(-(10**9), 10**9, places=2), keys), min_size=1, max_size=8
)
adjustments = st.lists(st.builds(TaxedAmount, st.decimals(0, 10**6, places=2), keys), max_size=3)
small = st.decimals(0, 10**6, places=2)


@given(lines, adjustments, adjustments, small, small)
def test_totals_add_up(
    lines: list[TaxedAmount],
    allowances: list[TaxedAmount],
    charges: list[TaxedAmount],
    prepaid: Decimal,
    rounding: Decimal,
) -> None:
    found = total(
        lines,
        allowances=allowances,
        charges=charges,
        prepaid=prepaid,
        rounding=rounding,
        currency="GBP",
    )
    assert found.lines == sum(line.net for line in lines)
    assert found.net == found.lines - found.allowances + found.charges
    assert found.net == sum(subtotal.taxable_amount for subtotal in found.subtotals)
    assert found.tax == sum(subtotal.tax_amount for subtotal in found.subtotals)
    assert found.gross == found.net + found.tax
    assert found.due == found.gross - prepaid + rounding
    assert len({subtotal.tax for subtotal in found.subtotals}) == len(found.subtotals)
    for subtotal in found.subtotals:
        exact = Fraction(subtotal.taxable_amount) * Fraction(subtotal.tax.rate) / 100
        assert abs(Fraction(subtotal.tax_amount) - exact) <= Fraction(1, 200)


@given(lines)
def test_a_document_turned_round_is_the_exact_opposite(lines: list[TaxedAmount]) -> None:
    found, turned = total(lines, currency="GBP"), total(opposite(lines), currency="GBP")
    assert (turned.net, turned.tax, turned.gross) == (-found.net, -found.tax, -found.gross)


@given(st.data(), lines)
def test_the_order_of_the_lines_changes_no_amount(
    data: st.DataObject, lines: list[TaxedAmount]
) -> None:
    shuffled = data.draw(st.permutations(lines))
    found, again = total(lines, currency="GBP"), total(shuffled, currency="GBP")
    assert (found.net, found.tax, found.gross) == (again.net, again.tax, again.gross)
    assert by_rate(found) == by_rate(again)
