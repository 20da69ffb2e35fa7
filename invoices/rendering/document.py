"""The closed value object from which a document is rendered: all that it says, nothing else.

The PDF, both e-invoices and the mail are made from this and from no model, so what they say is what
was frozen, they say the same, and making them needs neither database nor scope. Amounts are at the
currency's exponent and, on a credit note as on an invoice, positive (UNTDID 381). Business terms
(BT, BG) and rules (BR) are those of EN 16931-1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from invoices.parties import Party, PaymentMeans, PostalAddress

ZERO = Decimal(0)


class InconsistentDocument(ValueError):
    """The figures of a document contradict each other; it must not be printed."""


class DocumentKind(StrEnum):
    """BT-3, UNTDID 1001."""

    INVOICE = "380"
    CREDIT_NOTE = "381"


class DocumentState(StrEnum):
    """Whether the document has a number. Being void is told by other documents, never on this."""

    DRAFT = "draft"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class Period:
    """BG-14, BG-26: both days are included, as they are printed."""

    start: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Preceding:
    """BG-3: the invoice that a credit note corrects."""

    number: str
    issue_date: date


@dataclass(frozen=True, slots=True)
class Adjustment:
    """BG-20, BG-21, BG-27, BG-28: an allowance or a charge; ``amount`` is positive in both."""

    is_charge: bool
    amount: Decimal
    reason: str  # in words; empty where only a code is known
    percentage: Decimal | None = None
    base: Decimal | None = None
    tax_category: str = ""  # of one on the document; one on a line follows its line
    tax_rate: Decimal = ZERO
    reason_code: str = ""  # UNTDID 5189 of an allowance, 7161 of a charge


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """BG-25. ``net`` has the line's allowances and charges in it (BT-131)."""

    position: int
    description: str
    quantity: Decimal
    unit_code: str  # UNECE Recommendation 20
    unit_price: Decimal
    net: Decimal
    tax_category: str  # UNTDID 5305: S, Z, E, AE, K, G, O …
    tax_rate: Decimal  # in per cent
    item_id: str = ""  # BT-155, the seller's
    buyer_item_id: str = ""  # BT-156
    standard_item_id: str = ""  # BT-157, such as a GTIN
    standard_item_scheme: str = ""  # ISO 6523 code of that standard
    object_identifier: str = ""  # BT-128
    order_line_reference: str = ""  # BT-132
    accounting_reference: str = ""  # BT-133, the buyer's
    note: str = ""  # BT-127
    period: Period | None = None
    price_base_quantity: Decimal = Decimal(1)  # BT-149: the price is for this many
    adjustments: tuple[Adjustment, ...] = ()


@dataclass(frozen=True, slots=True)
class TaxBreakdown:
    """BG-23: one row per category and rate, rounded once (BR-CO-17)."""

    category: str
    rate: Decimal
    taxable: Decimal
    tax: Decimal
    exemption_text: str = ""  # BT-120
    exemption_code: str = ""  # BT-121, VATEX


@dataclass(frozen=True, slots=True)
class Totals:
    """BG-22. Refuses sums that do not add up (BR-CO-13, -15, -16)."""

    lines: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    due: Decimal
    allowances: Decimal = ZERO
    charges: Decimal = ZERO
    prepaid: Decimal = ZERO
    rounding: Decimal = ZERO

    def __post_init__(self) -> None:
        _require_sum("net", self.net, (self.lines, -self.allowances, self.charges))
        _require_sum("gross", self.gross, (self.net, self.tax))
        _require_sum("due", self.due, (self.gross, -self.prepaid, self.rounding))


@dataclass(frozen=True, slots=True)
class AccountingTax:
    """BT-6 and BT-111: the tax total in the currency in which the seller accounts for it."""

    currency: str
    tax: Decimal
    exchange_rate: Decimal  # units of this currency for one unit of the document's
    rate_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocument:
    """One invoice or credit note, complete.

    Refuses figures that contradict each other: the lines must make the sum of the lines
    (BR-CO-10) and the tax breakdown the net and the tax (BR-CO-14). An issued document has a
    number and a date, a draft has no number.
    """

    kind: DocumentKind
    state: DocumentState
    seller: Party
    buyer: Party
    account_number: str
    currency: str  # BT-5, ISO 4217
    locale: str  # BCP 47 or POSIX: "en-GB", "de", "fr_CH"
    lines: tuple[DocumentLine, ...]
    tax_breakdown: tuple[TaxBreakdown, ...]
    totals: Totals
    number: str = ""  # BT-1
    issue_date: date | None = None  # BT-2
    tax_point_date: date | None = None  # BT-7
    due_date: date | None = None  # BT-9
    payment_terms: str = ""  # BT-20
    delivery_date: date | None = None  # BT-72
    deliver_to: PostalAddress | None = None  # BG-15, where goods left the seller's territory
    period: Period | None = None  # BG-14
    buyer_reference: str = ""  # BT-10
    order_number: str = ""  # BT-13
    contract_number: str = ""  # BT-12
    project_number: str = ""  # BT-11
    preceding: tuple[Preceding, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    accounting_tax: AccountingTax | None = None
    payment_means: tuple[PaymentMeans, ...] = ()
    notes: tuple[str, ...] = ()  # BT-22

    def __post_init__(self) -> None:
        is_issued = self.state is DocumentState.ISSUED
        if is_issued != bool(self.number) or (is_issued and self.issue_date is None):
            raise InconsistentDocument("a number and a date belong to an issued document")
        totals, parts = self.totals, self.tax_breakdown
        allowances = (a.amount for a in self.adjustments if not a.is_charge)
        charges = (a.amount for a in self.adjustments if a.is_charge)
        _require_sum("lines", totals.lines, (line.net for line in self.lines))
        _require_sum("allowances", totals.allowances, allowances)
        _require_sum("charges", totals.charges, charges)
        _require_sum("net", totals.net, (part.taxable for part in parts))
        _require_sum("tax", totals.tax, (part.tax for part in parts))

    @property
    def is_credit_note(self) -> bool:
        return self.kind is DocumentKind.CREDIT_NOTE

    @property
    def is_draft(self) -> bool:
        return self.state is DocumentState.DRAFT


def _require_sum(name: str, total: Decimal, parts: Iterable[Decimal]) -> None:
    expected = sum(parts, start=ZERO)
    if total != expected:
        raise InconsistentDocument(f"{name} is {total}, but its parts make {expected}")
