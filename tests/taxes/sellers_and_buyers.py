"""Parties of the tax tests, and the shipped rate table."""

from datetime import date
from decimal import Decimal
from typing import Final

from taxes.determination import TaxTreatment, determine
from taxes.parties import BuyerTaxStatus, Registration, SellerTaxStatus, Supply
from taxes.rate_table import RateTable
from taxes.starting_table import read_starting_table
from taxes.vocabulary import ProductCategory, Scheme, TaxNumberStatus

RATES: Final = RateTable(read_starting_table().rates)

LONG_AGO: Final = date(2000, 1, 1)
TODAY: Final = date(2026, 6, 1)

HOME_NUMBERS: Final = {
    "CH": "CHE107787577MWST",
    "DE": "DE136695976",
    "FR": "FR40303265045",
    "GB": "GB980780684",
    "IE": "IE6433435F",
    "NO": "NO995525828MVA",
    "XI": "XI980780684",
}


def registration(
    country: str,
    scheme: Scheme = Scheme.DOMESTIC,
    *,
    number: str | None = None,
    valid_from: date = LONG_AGO,
    valid_to: date | None = None,
) -> Registration:
    known = HOME_NUMBERS.get(country, f"{country}123456789")
    return Registration(
        country=country,
        scheme=scheme,
        number=known if number is None else number,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def seller(country: str, *more: Registration, postal_code: str = "") -> SellerTaxStatus:
    """Registered at home, and whatever comes on top."""
    return SellerTaxStatus(
        country=country,
        postal_code=postal_code,
        registrations=(registration(country), *more),
    )


def consumer(country: str, *, postal_code: str = "") -> BuyerTaxStatus:
    return BuyerTaxStatus(country=country, postal_code=postal_code)


def business(
    country: str,
    number: str = "",
    *,
    status: TaxNumberStatus = TaxNumberStatus.VALID,
    postal_code: str = "",
) -> BuyerTaxStatus:
    return BuyerTaxStatus(
        country=country,
        postal_code=postal_code,
        is_business=True,
        tax_number=number,
        tax_number_status=status,
    )


def taxed(
    category: ProductCategory,
    *,
    by: SellerTaxStatus,
    to: BuyerTaxStatus,
    on: date = TODAY,
    rates: RateTable = RATES,
) -> TaxTreatment:
    return determine(Supply(category=category, tax_point=on), seller=by, buyer=to, rates=rates)


def outcome(treatment: TaxTreatment) -> tuple[str, Decimal, str, str]:
    """Category, rate, country, VATEX code: what a table of cases compares."""
    return (
        str(treatment.category),
        treatment.rate,
        treatment.country,
        treatment.exemption_code,
    )
