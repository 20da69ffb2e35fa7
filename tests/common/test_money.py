"""Decimals of every currency in use, and the one way of rounding."""

from decimal import Decimal
from fractions import Fraction

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from common.money import exponent, in_figures, quantum, round_money

# ISO 4217, table A.1: every other currency in use has two decimals.
# fmt: off
WITHOUT_DECIMALS = {
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
}
# fmt: on
WITH_THREE_DECIMALS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
CURRENCIES = frozenset(
    code
    for periods in get_global("territory_currencies").values()
    for code, _, ended, is_tender in periods
    if is_tender and ended is None
)

currencies = st.sampled_from(["EUR", "GBP", "JPY", "KWD", "HUF"])
amounts = st.decimals(-(10**12), 10**12, places=8)


def exact_half_away_from_zero(amount: Decimal, *, currency: str) -> Fraction:
    """The same rounding in whole numbers, without any library's."""
    units = abs(Fraction(amount)) * 10 ** exponent(currency)
    whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return Fraction(whole if amount > 0 else -whole, 10 ** exponent(currency))


def test_every_currency_in_use_has_its_decimals_of_iso_4217() -> None:
    assert len(CURRENCIES) > 150
    expected = {
        code: 0 if code in WITHOUT_DECIMALS else 3 if code in WITH_THREE_DECIMALS else 2
        for code in CURRENCIES
    }
    assert {code: exponent(code) for code in CURRENCIES} == expected


@pytest.mark.parametrize(
    ("currency", "smallest"),
    [("EUR", "0.01"), ("JPY", "1"), ("KWD", "0.001"), ("HUF", "0.01"), ("CLF", "0.0001")],
)
def test_the_smallest_amount_follows_from_the_decimals(currency: str, smallest: str) -> None:
    assert str(quantum(currency)) == smallest


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.005", "EUR", "0.01"),
        ("-0.005", "EUR", "-0.01"),
        ("0.00499999", "EUR", "0.00"),
        ("2.345", "GBP", "2.35"),
        ("2.335", "GBP", "2.34"),
        ("0.5", "JPY", "1"),
        ("-1.5", "JPY", "-2"),
        ("2.5", "JPY", "3"),
        ("1.0005", "KWD", "1.001"),
        ("-1.0005", "KWD", "-1.001"),
        ("1234.565", "HUF", "1234.57"),
    ],
)
def test_half_is_rounded_away_from_zero(amount: str, currency: str, rounded: str) -> None:
    found = round_money(Decimal(amount), currency=currency)
    assert found == Decimal(rounded)
    assert found.as_tuple().exponent == -exponent(currency)


@given(amounts, currencies)
def test_a_credit_is_the_exact_opposite(amount: Decimal, currency: str) -> None:
    assert round_money(-amount, currency=currency) == -round_money(amount, currency=currency)


@given(amounts, currencies)
def test_rounding_agrees_with_whole_numbers(amount: Decimal, currency: str) -> None:
    found = Fraction(round_money(amount, currency=currency))
    assert found == exact_half_away_from_zero(amount, currency=currency)


@given(amounts, currencies)
def test_what_is_rounded_stays_as_it_is(amount: Decimal, currency: str) -> None:
    rounded = round_money(amount, currency=currency)
    assert round_money(rounded, currency=currency) == rounded


def test_amounts_for_staff_have_the_decimals_of_their_currency() -> None:
    assert in_figures(Decimal("1234.5"), currency="EUR") == "1,234.50 EUR"
    assert in_figures(Decimal(1235), currency="JPY") == "1,235 JPY"
    assert in_figures(Decimal("-0.125"), currency="KWD") == "-0.125 KWD"
