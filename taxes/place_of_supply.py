"""Where a supply is taxed, and on what ground. Pure: no database, no clock.

Articles are those of Directive 2006/112/EC as in force on the tax point, unless another law is
named. docs/taxes.md shows the same rules as a table.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Final

from taxes.parties import BuyerTaxStatus, Registration, SellerTaxStatus, Supply
from taxes.refusals import SellerNotRegistered
from taxes.territories import country_of, in_eu, name_of, tax_area
from taxes.vocabulary import Nature, Scheme, TaxNumberStatus

# Directive 2008/8/EC: services to businesses are taxed where the customer is; before, where the
# supplier is.
_SERVICES_FOLLOW_BUSINESSES: Final = date(2010, 1, 1)
# Directive 2008/8/EC, Art. 5: so are electronic services of EU suppliers to consumers.
_ELECTRONIC_SERVICES_FOLLOW_CONSUMERS: Final = date(2015, 1, 1)
# Directive 2017/2455: no tax abroad below EUR 10,000 a year, first for electronic services …
_EU_THRESHOLD_EXISTS: Final = date(2019, 1, 1)
# … then for goods too, as each country's own distance selling threshold went.
_GOODS_FOLLOW_CONSUMERS: Final = date(2021, 7, 1)

_PREFIX_OF_GREECE: Final = "EL"


class Ground(Enum):
    """Why a supply is taxed where it is, or nowhere."""

    HOME = auto()
    DESTINATION = auto()
    REVERSE_CHARGE = auto()
    INTRA_EU_GOODS = auto()
    EXPORT_OF_GOODS = auto()
    EXPORT_OF_SERVICES = auto()
    CUSTOMER_ACCOUNTS = auto()
    SUPPLIED_ABROAD = auto()


@dataclass(frozen=True, kw_only=True)
class Place:
    """The ground, a sentence for staff and auditors, and the registration abroad that is used.

    ``registration`` is there for DESTINATION and no other ground.
    """

    ground: Ground
    why: str
    registration: Registration | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A supply with what the rules ask of it, worked out once."""

    supply: Supply
    seller: SellerTaxStatus
    buyer: BuyerTaxStatus
    seller_area: str
    buyer_area: str
    seller_in_eu: bool
    buyer_in_eu: bool

    @classmethod
    def of(cls, supply: Supply, *, seller: SellerTaxStatus, buyer: BuyerTaxStatus) -> "Case":
        day, of_goods = supply.tax_point, supply.category.nature is Nature.GOODS
        seller_area = tax_area(seller.territory, of_goods=of_goods, on=day)
        buyer_area = tax_area(buyer.territory, of_goods=of_goods, on=day)
        return cls(
            supply=supply,
            seller=seller,
            buyer=buyer,
            seller_area=seller_area,
            buyer_area=buyer_area,
            seller_in_eu=in_eu(seller_area, on=day),
            buyer_in_eu=in_eu(buyer_area, on=day),
        )

    @property
    def day(self) -> date:
        return self.supply.tax_point

    @property
    def is_domestic(self) -> bool:
        """Great Britain and Northern Ireland are one country, whatever the goods' status."""
        return country_of(self.seller_area) == country_of(self.buyer_area)

    @property
    def seller_name(self) -> str:
        return name_of(country_of(self.seller_area))

    @property
    def buyer_name(self) -> str:
        return name_of(self.buyer.territory)

    def registrations(self, *schemes: Scheme) -> list[Registration]:
        """What the seller holds under one of these schemes on the tax point, newest first."""
        held = [
            registration
            for registration in self.seller.registrations
            if registration.scheme in schemes and registration.holds_on(self.day)
        ]
        return sorted(held, key=lambda registration: registration.valid_from, reverse=True)

    def registered_in(self, area: str, *schemes: Scheme) -> list[Registration]:
        """Those that hold in ``area``, the ones that name it first (XI's number before GB's)."""
        held = [held for held in self.registrations(*schemes) if self._holds_in(held, area)]
        return sorted(held, key=lambda registration: registration.country != area)

    def _holds_in(self, registration: Registration, area: str) -> bool:
        of_goods = self.supply.category.nature is Nature.GOODS
        place = tax_area(registration.country, of_goods=of_goods, on=self.day)
        return country_of(place) == country_of(area)


@dataclass(frozen=True)
class _Standing:
    """Whether the buyer counts as a business, and the clause that says so."""

    is_business: bool
    clause: str


def place_of_supply(case: Case) -> Place:
    """Where ``case`` is taxed. Raises SellerNotRegistered where that needs a registration."""
    match case.supply.category.nature:
        case Nature.GOODS:
            return _goods(case)
        case Nature.SERVICE:
            return _service(case)
        case Nature.ELECTRONIC_SERVICE:
            return _electronic_service(case)
        case _:
            return Place(ground=Ground.HOME, why=f"Exempt supply from {case.seller_name}.")


def _goods(case: Case) -> Place:
    if case.is_domestic:
        return _domestic(case, "Goods")
    if not (case.seller_in_eu and case.buyer_in_eu):
        left = "the EU" if case.seller_in_eu else case.seller_name
        return Place(
            ground=Ground.EXPORT_OF_GOODS, why=f"Goods that leave {left} for {case.buyer_name}."
        )
    standing = _standing(case)
    if standing.is_business:
        return Place(
            ground=Ground.INTRA_EU_GOODS,
            why=f"Goods to {case.buyer_name}: {standing.clause} (VAT Directive Art. 138).",
        )
    if case.day >= _GOODS_FOLLOW_CONSUMERS:
        return _taxed_where_consumer_is(case, f"Goods to {case.buyer_name}: {standing.clause}")
    return _distance_sale_under_national_threshold(case, standing)


def _distance_sale_under_national_threshold(case: Case, standing: _Standing) -> Place:
    """Up to 30 June 2021, Art. 34: a registration in the other country shows the seller is over."""
    what = f"Goods to {case.buyer_name}: {standing.clause}"
    if there := case.registered_in(case.buyer_area, Scheme.DOMESTIC):
        return Place(
            ground=Ground.DESTINATION,
            why=f"{what}; taxed there, where the seller is registered (VAT Directive Art. 33).",
            registration=there[0],
        )
    return Place(
        ground=Ground.HOME,
        why=f"{what}; taxed in {case.seller_name}, from where they are sent, as the seller is not"
        " registered at their destination (VAT Directive Art. 34).",
    )


def _service(case: Case) -> Place:
    if case.is_domestic:
        return _domestic(case, "Service")
    if case.day < _SERVICES_FOLLOW_BUSINESSES:
        return Place(
            ground=Ground.HOME,
            why=f"Service to {case.buyer_name}; before 2010 taxed in {case.seller_name}, where the"
            " supplier is (VAT Directive Art. 43).",
        )
    standing = _standing(case)
    if standing.is_business:
        return _service_to_business_abroad(case, standing)
    if case.seller_area == "CH":
        why = f"Service to {case.buyer_name}; Swiss tax follows the recipient (MWSTG Art. 8)."
        return _not_taxed_by_seller(case, Ground.SUPPLIED_ABROAD, why)
    return Place(
        ground=Ground.HOME,
        why=f"Service to {case.buyer_name}: {standing.clause}; taxed in {case.seller_name}, where"
        " the supplier is (VAT Directive Art. 45).",
    )


def _electronic_service(case: Case) -> Place:
    if case.is_domestic:
        return _domestic(case, "Electronic service")
    standing = _standing(case)
    if standing.is_business:
        return _service_to_business_abroad(case, standing)
    what = f"Electronic service to {case.buyer_name}: {standing.clause}"
    within_eu = case.seller_in_eu and case.buyer_in_eu
    if within_eu and case.day < _ELECTRONIC_SERVICES_FOLLOW_CONSUMERS:
        return Place(
            ground=Ground.HOME,
            why=f"{what}; before 2015 taxed in {case.seller_name}, where the supplier is.",
        )
    # The EU has taxed suppliers from outside since 2003, the United Kingdom has since it left, both
    # from the first sale. Others let small amounts pass: there the seller's registration decides.
    if case.buyer_in_eu or country_of(case.buyer_area) == "GB":
        return _taxed_where_consumer_is(case, what)
    if there := case.registered_in(case.buyer_area, Scheme.DOMESTIC):
        return Place(
            ground=Ground.DESTINATION,
            why=f"{what}; taxed there, where the seller is registered.",
            registration=there[0],
        )
    why = f"{what}; supplied there (VAT Directive Art. 58), where the seller has no registration."
    return _not_taxed_by_seller(case, Ground.SUPPLIED_ABROAD, why)


def _domestic(case: Case, what: str) -> Place:
    return Place(ground=Ground.HOME, why=f"{what} within {case.seller_name}.")


def _service_to_business_abroad(case: Case, standing: _Standing) -> Place:
    why = f"Service to {case.buyer_name}: {standing.clause}; taxed there"
    if case.seller_in_eu and case.buyer_in_eu:
        return Place(
            ground=Ground.REVERSE_CHARGE,
            why=f"{why}, by the customer (VAT Directive Art. 44, 196).",
        )
    return _not_taxed_by_seller(
        case, Ground.CUSTOMER_ACCOUNTS, f"{why}, if at all (VAT Directive Art. 44)."
    )


def _not_taxed_by_seller(case: Case, ground: Ground, why: str) -> Place:
    """Norway taxes such a service at zero (merverdiavgiftsloven § 6-22); others do not tax it."""
    return Place(ground=Ground.EXPORT_OF_SERVICES if case.seller_area == "NO" else ground, why=why)


def _taxed_where_consumer_is(case: Case, what: str) -> Place:
    """Through a One Stop Shop, else a registration there, else at home below the EU threshold."""
    scheme = Scheme.OSS_UNION if case.seller_in_eu else Scheme.OSS_NON_UNION
    shop = case.registrations(scheme) if case.buyer_in_eu else []
    if shop:
        return Place(
            ground=Ground.DESTINATION,
            why=f"{what}; taxed there, declared through the One Stop Shop.",
            registration=shop[0],
        )
    if there := case.registered_in(case.buyer_area, Scheme.DOMESTIC):
        return Place(
            ground=Ground.DESTINATION,
            why=f"{what}; taxed there, where the seller is registered.",
            registration=there[0],
        )
    if _is_below_eu_threshold(case):
        return Place(
            ground=Ground.HOME,
            why=f"{what}; taxed in {case.seller_name}, as the seller's sales to consumers in other"
            " EU countries are below EUR 10,000 a year (VAT Directive Art. 59c).",
        )
    raise SellerNotRegistered(_missing_registration(case, what))


def _is_below_eu_threshold(case: Case) -> bool:
    within_eu = case.seller_in_eu and case.buyer_in_eu and case.day >= _EU_THRESHOLD_EXISTS
    return within_eu and bool(case.registered_in(case.seller_area, Scheme.EU_THRESHOLD))


def _missing_registration(case: Case, what: str) -> str:
    registrable = [f"a registration in {name_of(country_of(case.buyer_area))}"]
    if case.buyer_in_eu:
        union = "Union" if case.seller_in_eu else "non-Union"
        registrable.append(f"a One Stop Shop registration ({union} scheme)")
        if case.seller_in_eu and case.day >= _EU_THRESHOLD_EXISTS:
            registrable.append("the EUR 10,000 threshold, if the seller is below it")
    return (
        f"{what}. It is taxed in {case.buyer_name}, and the seller has no registration for that"
        f" on {case.day}. Record {' or '.join(registrable)} among the seller's tax registrations."
    )


def _standing(case: Case) -> _Standing:
    """Whether the buyer may be treated as a business (Regulation 282/2011, Art. 18).

    In the EU a number that the tax office has confirmed is the evidence. Elsewhere there is no such
    register to rely on: being an organisation is enough, unless its number is known to be wrong.
    """
    number, status = case.buyer.tax_number, case.buyer.tax_number_status
    if not case.buyer.is_business:
        return _Standing(False, "the buyer is a consumer")
    if number and status == TaxNumberStatus.INVALID:
        return _Standing(False, f"tax number {number} is invalid, so the buyer is like a consumer")
    return _standing_in_eu(case) if case.buyer_in_eu else _Standing(True, "the buyer is a business")


def _standing_in_eu(case: Case) -> _Standing:
    number, status = case.buyer.tax_number, case.buyer.tax_number_status
    if not number or status == TaxNumberStatus.NONE:
        return _Standing(False, "the buyer gave no tax number, so is like a consumer")
    if status != TaxNumberStatus.VALID:
        return _Standing(
            False, f"tax number {number} is not confirmed, so the buyer is like a consumer"
        )
    if not _identifies_in_another_member_state(case):
        return _Standing(
            False, f"tax number {number} is not of another EU country, so does not count"
        )
    return _Standing(True, f"the buyer is a business with the valid tax number {number}")


def _identifies_in_another_member_state(case: Case) -> bool:
    """Art. 138(1)(b): identified in a member state other than that of dispatch."""
    prefix = case.buyer.tax_number[:2]
    issuer = "GR" if prefix == _PREFIX_OF_GREECE else prefix
    return in_eu(issuer, on=case.day) and country_of(issuer) != country_of(case.seller_area)
