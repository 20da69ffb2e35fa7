"""A document as words and figures in reading order: what templates put in place.

The language is that of the document's locale, or English where there are no words for it. Texts of
several lines have line feeds in them.
"""

import math
from dataclasses import dataclass

from invoices.rendering.wording import Wording

# How many characters fit into the usual columns of templates/invoices/pdf/document.css.
_USUAL_QUANTITY = 11
_USUAL_UNIT_PRICE = 11
_USUAL_NET = 14
_USUAL_AMOUNT_DUE = 14
# A column at the foot of the page: so many lines, of so many characters.
_FOOT_LINES = 6
_FOOT_CHARACTERS = 34


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value. ``is_total`` sets apart the figure that a list leads up to."""

    label: str
    value: str
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the document; ``details`` stand small under its description."""

    position: str
    description: str
    details: str
    quantity: str
    unit_price: str
    price_base: str
    tax: str
    net: str


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
    buyer_details: str
    facts: tuple[Fact, ...]
    amount_label: str
    amount: str
    is_amount_long: bool
    due: str
    payments: tuple[Payment, ...]
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


def is_amount_long(amount: str) -> bool:
    """Whether the amount due needs smaller type to stay on its line."""
    return len(amount) > _USUAL_AMOUNT_DUE


def fits_the_foot(text: str) -> bool:
    """Whether ``text`` has room at the foot of every page; what has none is printed as a note."""
    lines = (max(1, math.ceil(len(line) / _FOOT_CHARACTERS)) for line in text.split("\n"))
    return sum(lines) <= _FOOT_LINES
