"""What determination is told: the supply, and what both parties are for tax. Pure values."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from taxes.territories import territory_of
from taxes.vocabulary import ProductCategory, Scheme, TaxNumberStatus


@dataclass(frozen=True, kw_only=True)
class Supply:
    """What is sold, and the day whose law and rate apply (the tax point of the line)."""

    category: ProductCategory
    tax_point: date


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One fact about the seller's standing with a tax office, with the days it holds.

    ``country`` is where it holds: the country of registration, for a One Stop Shop scheme the
    state of identification. ``valid_to`` is the first day on which it no longer holds.
    """

    country: str
    scheme: Scheme
    valid_from: date
    valid_to: date | None = None
    number: str = ""

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, kw_only=True)
class _Located:
    """A party at an address. The postal code finds parts of a country with rules of their own."""

    country: str
    postal_code: str = ""

    @cached_property
    def territory(self) -> str:
        return territory_of(self.country, postal_code=self.postal_code)


@dataclass(frozen=True, kw_only=True)
class SellerTaxStatus(_Located):
    """Where the seller is established, sends goods from, and what it is registered for."""

    registrations: tuple[Registration, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BuyerTaxStatus(_Located):
    """Where the buyer is, which for goods is where they go, and what it is.

    ``tax_number`` has its country's prefix (``taxes.tax_ids``). Without a number the status counts
    as NONE, whatever it says.
    """

    is_business: bool = False
    tax_number: str = ""
    tax_number_status: TaxNumberStatus = TaxNumberStatus.NONE
