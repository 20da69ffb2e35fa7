"""A document as words and figures in reading order: what templates put in place.

The language is that of the document's locale, or English where there are no words for it. Texts of
several lines have line feeds in them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from invoices.rendering.wording import Wording

# How many characters fit into the usual columns of templates/invoices/pdf/document.css.
_USUAL_QUANTITY = 11
_USUAL_UNIT_PRICE = 11
_USUAL_NET = 13
# How many characters of the amount due fit beside the QR code, and how many without one, by size.
_AMOUNT_SIZES = (("large", 11, 20), ("medium", 15, 28))
_SMALLEST_AMOUNT = "small"
# The columns of labels beside bank details, with their characters.
_LABEL_COLUMNS = (("pay-narrow", 9), ("pay-usual", 13))
_WIDEST_LABELS = "pay-wide"
# The columns of labels beside the totals, with the characters of the figures that they leave room.
_TOTAL_COLUMNS = (("total-usual", 11), ("total-wide", 16))
_NARROWEST_TOTALS = "total-widest"
# A name that takes three lines in large type.
_USUAL_SELLER = 60
# What stands under the due date.
_USUAL_TERMS = 100
# A column at the foot of the page: so many lines, of so many characters.
_FOOT_LINES = 6
_FOOT_CHARACTERS = 34


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value.

    ``is_total`` sets apart the figure that a list leads up to, ``is_sought`` what readers look for.
    """

    label: str
    value: str
    is_total: bool = False
    is_sought: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the document; ``details`` stand small under its description.

    ``carried`` is the sum down to this line, for the foot of a page that ends here.
    """

    position: str
    description: str
    details: str
    quantity: str
    unit_price: str
    price_base: str
    tax: str
    net: str
    carried: str


@dataclass(frozen=True, slots=True)
class WideColumns:
    """Which columns hold something too long for their usual width."""

    quantity: bool
    unit_price: bool
    net: bool

    @classmethod
    def for_rows(cls, rows: tuple[Row, ...]) -> "WideColumns":
        return cls(
            quantity=any(len(row.quantity) > _USUAL_QUANTITY for row in rows),
            unit_price=any(len(row.unit_price) > _USUAL_UNIT_PRICE for row in rows),
            net=any(len(row.net) > _USUAL_NET for row in rows),
        )


@dataclass(frozen=True, slots=True)
class Payment:
    """How to pay, or how it will be collected; on a credit note, what it corrects."""

    heading: str
    facts: tuple[Fact, ...]
    text: str

    @property
    def label_class(self) -> str:
        """The narrowest column that holds all labels: the rest is the IBAN's."""
        return _column(_LABEL_COLUMNS, (fact.label for fact in self.facts), last=_WIDEST_LABELS)


@dataclass(frozen=True, slots=True)
class ScanToPay:
    """A QR code for banking apps: an SVG path in a square, and what it does in words."""

    size: int
    path: str
    description: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The document, ready to be put on pages."""

    language: str  # BCP 47
    title: str
    heading: str
    seller_name: str
    sender_line: str
    buyer_name: str
    buyer_address: str
    facts: tuple[Fact, ...]
    amount_label: str
    amount: str
    amount_size: str
    due: str
    terms: str
    payments: tuple[Payment, ...]
    scan_to_pay: ScanToPay | None
    rows: tuple[Row, ...]
    wide: WideColumns
    totals: tuple[Fact, ...]
    notes: tuple[str, ...]
    footer: tuple[str, ...]
    words: Wording
    column_net: str
    created: str  # ISO 8601; empty for a draft without a date
    logo: str
    colour: str
    is_draft: bool

    @property
    def is_seller_long(self) -> bool:
        return len(self.seller_name) > _USUAL_SELLER

    @property
    def total_label_class(self) -> str:
        """The widest column of labels that leaves the figures on their line."""
        values = (fact.value for fact in self.totals)
        return _column(_TOTAL_COLUMNS, values, last=_NARROWEST_TOTALS)


def amount_size(amount: str, *, has_neighbour: bool) -> str:
    """The class of the largest type in which the amount due stays on its line."""
    for name, beside, alone in _AMOUNT_SIZES:
        if len(amount) <= (beside if has_neighbour else alone):
            return name
    return _SMALLEST_AMOUNT


def fits_the_panel(terms: str) -> bool:
    """Whether the terms have room under the due date; longer ones are printed as a note."""
    return len(terms) <= _USUAL_TERMS


def fits_the_foot(text: str) -> bool:
    """Whether ``text`` has room at the foot of every page; what has none is printed as a note."""
    lines = (max(1, math.ceil(len(line) / _FOOT_CHARACTERS)) for line in text.split("\n"))
    return sum(lines) <= _FOOT_LINES


def _column(columns: tuple[tuple[str, int], ...], texts: Iterable[str], *, last: str) -> str:
    """The class of the first of ``columns`` that holds the longest of ``texts``."""
    longest = max(map(len, texts), default=0)
    return next((name for name, most in columns if longest <= most), last)
