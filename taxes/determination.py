"""The tax of one line: rate, category, what the invoice says, and why. Pure.

``determine`` reads nothing but its arguments: no database, no clock, no setting. A billing run
calls it once per distinct (category, tax point) of a document with a rate table built once.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from taxes.parties import BuyerTaxStatus, Registration, SellerTaxStatus, Supply
from taxes.place_of_supply import Case, Ground, Place, place_of_supply
from taxes.rate_table import RateTable
from taxes.refusals import (
    ContradictoryRegistrations,
    NoRateKnown,
    ReducedRateAbroad,
    SellerCountryNotModelled,
    SellerNotRegistered,
    TaxPointTooEarly,
    TerritoryNotModelled,
    UnknownCountry,
)
from taxes.territories import country_of, has_special_rules_with, is_known, name_of
from taxes.vocabulary import Exemption, Nature, RateClass, Scheme, TaxCategory, TaxGroup

# From here on electronic services to EU consumers are taxed there whoever supplies them (Directive
# 2002/38/EC); what was law before is not modelled.
EARLIEST_TAX_POINT: Final = date(2003, 7, 1)

# Sellers are modelled in the EU and here; buyers anywhere.
_MODELLED_OUTSIDE_EU = frozenset({"GB", "CH", "NO"})

_ZERO = Decimal(0)

_NOT_SUBJECT = {
    Ground.CUSTOMER_ACCOUNTS: Exemption.CUSTOMER_ACCOUNTS,
    Ground.SUPPLIED_ABROAD: Exemption.SUPPLIED_ABROAD,
}

_ZERO_AT_HOME = {
    Ground.INTRA_EU_GOODS: (TaxCategory.INTRA_COMMUNITY, Exemption.INTRA_COMMUNITY),
    Ground.EXPORT_OF_GOODS: (TaxCategory.EXPORT, Exemption.EXPORT_FROM_EU),
    Ground.EXPORT_OF_SERVICES: (TaxCategory.EXPORT, Exemption.EXPORT_OF_SERVICES),
}

# For reasons, which are English whatever the reader's language; labels are translated.
_RATE_NAMES = {
    RateClass.STANDARD: "Standard rate",
    RateClass.REDUCED: "Reduced rate",
    RateClass.BOOK: "Rate for printed books",
    RateClass.E_PUBLICATION: "Rate for electronic books",
}


@dataclass(frozen=True, kw_only=True)
class TaxTreatment:
    """What to put on a line.

    ``rate`` is in percent: 17.5 is 17.5 %. It is zero for every category but S; for O an e-invoice
    leaves it out (BR-O-05). ``country`` is the one whose law decides: that of the rate, of the
    customer who owes a reverse charge, of the exempting seller; "" when none taxes it (O).
    ``seller_tax_number`` is the number the supply is made under (BT-31), "" for O (BR-O-02).
    """

    category: TaxCategory
    rate: Decimal
    country: str
    reason: str
    exemption: Exemption | None = None
    seller_tax_number: str = ""

    @property
    def group(self) -> TaxGroup:
        outside = self.category is TaxCategory.OUTSIDE_SCOPE
        return TaxGroup.OUTSIDE_SCOPE if outside else TaxGroup.TAXED

    @property
    def prints_tax_numbers(self) -> bool:
        """Neither party's number may stand on a document of category O (BR-O-02)."""
        return self.group is TaxGroup.TAXED

    @property
    def exemption_code(self) -> str:
        """BT-121, "" where there is none."""
        return self.exemption.code if self.exemption else ""

    @property
    def exemption_text(self) -> str:
        """BT-120 in the active language: evaluate it under the document's, and store it."""
        return str(self.exemption.label) if self.exemption else ""


def determine(
    supply: Supply, *, seller: SellerTaxStatus, buyer: BuyerTaxStatus, rates: RateTable
) -> TaxTreatment:
    """How ``supply`` is taxed on its tax point.

    Raises a TaxRefusal (a DomainError with a message for staff) where the law or the data given
    leave no certain answer: nothing is guessed, and nothing is untaxed for want of a record.
    """
    case = Case.of(supply, seller=seller, buyer=buyer)
    _refuse_what_is_not_modelled(case)
    if supply.category.nature is Nature.NOT_A_SUPPLY:
        return _not_subject(Exemption.NOT_A_SUPPLY, "Not consideration for a supply.")
    return _treatment(case, place_of_supply(case), rates)


def _refuse_what_is_not_modelled(case: Case) -> None:
    if case.day < EARLIEST_TAX_POINT:
        raise TaxPointTooEarly(
            f"The tax point {case.day} is before {EARLIEST_TAX_POINT}, the first day whose tax"
            " rules are known here."
        )
    for territory in (case.seller.territory, case.buyer.territory):
        if not is_known(territory):
            raise UnknownCountry(f"“{territory}” is not a country code of ISO 3166-1.")
    if not (case.seller_in_eu or country_of(case.seller_area) in _MODELLED_OUTSIDE_EU):
        raise SellerCountryNotModelled(
            f"The tax law of {case.seller_name} on {case.day} is not known here: a seller must be"
            " established in the EU, the United Kingdom, Switzerland, Liechtenstein or Norway."
        )
    if has_special_rules_with(case.buyer.territory, area=case.seller_area):
        raise TerritoryNotModelled(
            f"Supplies between {case.seller_name} and {case.buyer_name} follow national rules that"
            " are not known here."
        )


def _treatment(case: Case, place: Place, rates: RateTable) -> TaxTreatment:
    if place.registration is not None:
        return _rated(case, place, rates, country=case.buyer_area, under=place.registration)
    if place.ground in _NOT_SUBJECT:
        return _not_subject(_NOT_SUBJECT[place.ground], place.why)
    home = _home_registration(case)
    if place.ground is Ground.REVERSE_CHARGE:
        return _reverse_charge(case, place, home)
    if home.scheme is Scheme.SMALL_BUSINESS:
        return _small_business(case, place, home)
    if untaxed := _untaxed_as(case, place):
        category, exemption = untaxed
        return _untaxed(case, place, home, category, exemption)
    return _rated(case, place, rates, country=case.seller_area, under=home)


def _untaxed_as(case: Case, place: Place) -> tuple[TaxCategory, Exemption] | None:
    """The category of a supply that its own country exempts or rates at zero, if it does."""
    if case.supply.category.nature is Nature.EXEMPT:
        return TaxCategory.EXEMPT, Exemption.EXEMPT
    if place.ground is Ground.EXPORT_OF_GOODS and not case.seller_in_eu:
        return TaxCategory.EXPORT, Exemption.EXPORT
    return _ZERO_AT_HOME.get(place.ground)


def _home_registration(case: Case) -> Registration:
    """How the seller stands at home on the tax point: charging tax, or not (small business)."""
    held = case.registered_in(case.seller_area, Scheme.DOMESTIC, Scheme.SMALL_BUSINESS)
    if not held:
        raise SellerNotRegistered(
            f"No tax registration of the seller in {case.seller_name} covers {case.day}. Record it,"
            " or, if the seller charges no tax, the exemption for small businesses, among the"
            " seller's tax registrations."
        )
    if len({registration.scheme for registration in held}) > 1:
        raise ContradictoryRegistrations(
            f"On {case.day} the seller is on record in {case.seller_name} both as registered for"
            " tax and as exempt as a small business. End one of the two."
        )
    return held[0]


def _rated(
    case: Case, place: Place, rates: RateTable, *, country: str, under: Registration
) -> TaxTreatment:
    """The country's rate: category S, or Z where the law's rate is zero."""
    country, rate_class = country_of(country), case.supply.category.rate_class
    if rate_class is RateClass.REDUCED and country != country_of(case.seller_area):
        raise ReducedRateAbroad(
            f"{place.why} What is taxed at a reduced rate in {case.seller_name} need not be so in"
            f" {name_of(country)}: such products cannot be sold there without a category of their"
            " own."
        )
    percent = rates.percent(country, rate_class=rate_class, on=case.day)
    rate_name = _RATE_NAMES[rate_class]
    if percent is None:
        raise NoRateKnown(
            f"{rate_name} in {name_of(country)} on {case.day}: none is known. Add it to the tax"
            " rates."
        )
    return TaxTreatment(
        category=TaxCategory.STANDARD if percent else TaxCategory.ZERO,
        rate=percent,
        country=country,
        reason=f"{place.why} {rate_name} in {name_of(country)} on {case.day}: {_plain(percent)} %.",
        seller_tax_number=under.number,
    )


def _untaxed(
    case: Case, place: Place, home: Registration, category: TaxCategory, exemption: Exemption
) -> TaxTreatment:
    return TaxTreatment(
        category=category,
        rate=_ZERO,
        country=country_of(case.seller_area),
        reason=place.why,
        exemption=exemption,
        seller_tax_number=home.number,
    )


def _reverse_charge(case: Case, place: Place, home: Registration) -> TaxTreatment:
    """A small business owes it like any other seller, and needs a number for it (BR-AE-02)."""
    if not home.number:
        raise SellerNotRegistered(
            f"{place.why} A reverse charge needs a tax number of the seller, and none is on record"
            f" for {case.seller_name} on {case.day}."
        )
    return TaxTreatment(
        category=TaxCategory.REVERSE_CHARGE,
        rate=_ZERO,
        country=country_of(case.buyer_area),
        reason=place.why,
        exemption=Exemption.REVERSE_CHARGE,
        seller_tax_number=home.number,
    )


def _small_business(case: Case, place: Place, home: Registration) -> TaxTreatment:
    """Category E needs a number of the seller (BR-E-02) and O forbids one (BR-O-02)."""
    if not home.number:
        return _not_subject(
            Exemption.NOT_REGISTERED,
            f"{place.why} The seller is not registered for tax in {case.seller_name}.",
        )
    in_france = country_of(case.seller_area) == "FR"
    exemption = Exemption.SMALL_BUSINESS_FR if in_france else Exemption.SMALL_BUSINESS
    return TaxTreatment(
        category=TaxCategory.EXEMPT,
        rate=_ZERO,
        country=country_of(case.seller_area),
        reason=f"{place.why} The seller is exempt as a small business.",
        exemption=exemption,
        seller_tax_number=home.number,
    )


def _not_subject(exemption: Exemption, why: str) -> TaxTreatment:
    return TaxTreatment(
        category=TaxCategory.OUTSIDE_SCOPE,
        rate=_ZERO,
        country="",
        reason=why,
        exemption=exemption,
    )


def _plain(percent: Decimal) -> str:
    """17.5 for 17.500, 20 for 20.00."""
    return f"{percent.normalize():f}"
