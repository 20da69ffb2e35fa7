"""Between invoices and ``taxes``: both parties as tax sees them, one answer per kind of line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.utils.translation import override

from accounts.contacts import BillingDetails
from accounts.models import Account
from invoices.models import Seller
from taxes.determination import determine
from taxes.parties import BuyerTaxStatus, Registration, SellerTaxStatus, Supply
from taxes.rate_table import RateTable
from taxes.rates import load_rate_table
from taxes.registrations import registrations_of
from taxes.vocabulary import ProductCategory, TaxNumberStatus


@dataclass(frozen=True, slots=True)
class LineTax:
    """What a line stores of its tax treatment. ``rate`` is in percent."""

    category: str
    rate: Decimal
    exemption_code: str
    exemption_reason: str
    country: str
    reason: str
    group: str
    seller_tax_number: str


@dataclass(frozen=True, slots=True)
class TaxContext:
    """Seller, buyer and rates of one document; determines each (category, tax point) once."""

    seller: SellerTaxStatus
    buyer: BuyerTaxStatus
    rates: RateTable
    locale: str
    _known: dict[tuple[str, date], LineTax] = field(default_factory=dict)

    def of(self, product_category: str, *, tax_point: date) -> LineTax:
        """The tax of a line of this category. Raises the refusals of ``taxes.determination``."""
        key = (product_category, tax_point)
        if key not in self._known:
            self._known[key] = self._determine(product_category, tax_point)
        return self._known[key]

    def _determine(self, product_category: str, tax_point: date) -> LineTax:
        treatment = determine(
            Supply(category=ProductCategory(product_category), tax_point=tax_point),
            seller=self.seller,
            buyer=self.buyer,
            rates=self.rates,
        )
        # Printed on the document, so in its language and not in that of whoever runs this.
        with override(self.locale):
            exemption_reason = treatment.exemption_text
        return LineTax(
            category=treatment.category,
            rate=treatment.rate,
            exemption_code=treatment.exemption_code,
            exemption_reason=exemption_reason,
            country=treatment.country,
            reason=treatment.reason,
            group=treatment.group,
            seller_tax_number=treatment.seller_tax_number,
        )


@dataclass(frozen=True, slots=True)
class TaxBook:
    """Rates and registrations, read once for as many documents as a run has."""

    rates: RateTable
    registrations: Mapping[str, tuple[Registration, ...]]

    def context(self, seller: Seller, *, details: BillingDetails, account: Account) -> TaxContext:
        """The tax context of a document from ``seller`` to ``account``, in the account's locale.

        The place of supply is the account's own country, where the customer is and goods go; the
        billing contact's address says where the paying person sits (docs/decisions/0017). The tax
        number is the one that is printed.
        """
        has_number = bool(details.tax_number)
        return TaxContext(
            seller=SellerTaxStatus(
                country=seller.country,
                postal_code=seller.postcode,
                registrations=self.registrations.get(seller.code, ()),
            ),
            buyer=BuyerTaxStatus(
                country=account.country,
                postal_code=account.postcode,
                is_business=account.kind == Account.Kind.ORGANISATION,
                tax_number=details.tax_number,
                tax_number_status=TaxNumberStatus(details.tax_number_status)
                if has_number
                else TaxNumberStatus.NONE,
            ),
            rates=self.rates,
            locale=account.locale,
        )


def load_tax_book() -> TaxBook:
    """The rates and every seller's registrations of this moment, in three statements."""
    codes = list(Seller.objects.values_list("code", flat=True))
    return TaxBook(rates=load_rate_table(), registrations=registrations_of(codes))
