"""Whether the text of a PDF's pages holds what the document says.

Formats are worked out here and not by the program: Babel's for days, a pattern for amounts.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from babel.dates import format_date

from common.money import exponent
from invoices.parties import Party, PostalAddress
from invoices.rendering.document import InvoiceDocument

# What a line break, a hyphen at its end or a joiner within a letter does to copied text.
_NO_MATTER = re.compile("[\\s\u00ad\u200b-\u200f\u2010\u2011\u202a-\u202e\u2060-\u2069\ufffe-]+")
# Hebrew to Thai, where readers put words of a line in another order or something between them.
_ORDERED_OTHERWISE = re.compile("[\u0590-\u0eff]")
# Thai am is drawn as two glyphs, of which only the second is copied.
_COPIED = str.maketrans({"\u0e33": "\u0e32"})
_DAYS = ("long", "medium", "short", "full")
_MORE_DAYS = ("d MMM y", "dd/MM/y", "d MMM. y")
# What separates thousands, and what decimals.
_SIGNS = {"en": (",", r"\."), "de": (r"\.", ","), "fr": (r"[\s\u202f\u00a0]", ",")}
# How many figures of an account or card that is debited are told.
_TOLD_OF_ACCOUNT = 4


def missing_from(readings: Sequence[str], document: InvoiceDocument) -> Iterator[str]:
    """A sentence for each thing that no reader finds on the pages.

    Readers differ in what they make of scripts that run from right to left or stack their signs.
    """
    language = document.locale[:2]
    squeezed = [_squeeze(reading) for reading in readings]

    def says(*spelled: str) -> bool:
        return any(_squeeze(one) in reading for one in spelled for reading in squeezed) or any(
            all(says(word) for word in one.split())
            for one in spelled
            if _ORDERED_OTHERWISE.search(one) and " " in one
        )

    def tells(amount: Decimal, currency: str) -> bool:
        pattern = _pattern(amount, currency, language)
        return any(pattern.search(reading) for reading in readings)

    for name, value in _texts(document):
        if value and not says(value):
            yield f"pages: {name} {value!r} is not there"
    for name, day in _days(document):
        if day and not says(*_spelled(day, language)):
            yield f"pages: {name} {day} is not there"
    for name, amount in _amounts(document):
        if amount and not tells(amount, document.currency):
            yield f"pages: {name} {amount} is not there"
    tax = document.accounting_tax
    if tax and not tells(tax.tax, tax.currency):
        yield f"pages: tax in {tax.currency} {tax.tax} is not there"


def _texts(document: InvoiceDocument) -> Iterator[tuple[str, str]]:
    yield "number", document.number
    yield from (
        ("account", document.account_number),
        ("order number", document.order_number),
        ("buyer reference", document.buyer_reference),
        ("contract", document.contract_number),
        ("project", document.project_number),
        ("payment terms", document.payment_terms),
    )
    yield from _party("seller", document.seller)
    yield from _party("buyer", document.buyer)
    for before in document.preceding:
        yield "preceding invoice", before.number
    for note in document.notes:
        yield "note", note
    for part in document.tax_breakdown:
        # Several reasons of one category come joined, and each is a sentence of its own.
        yield from (("exemption", reason) for reason in part.exemption_text.split(". "))
    yield from _lines(document)
    yield from _means(document)


def _party(side: str, party: Party) -> Iterator[tuple[str, str]]:
    yield f"{side}'s name", party.name
    yield f"{side}'s phone", party.phone
    yield f"{side}'s tax number", party.tax_number
    yield f"{side}'s tax registration", party.tax_registration
    yield f"{side}'s registration", party.registration_id
    yield f"{side}'s contact", party.contact_name
    yield from ((f"{side}'s address", value) for value in _address(party.address))
    for line in party.legal_information.split("\n"):
        yield f"{side}'s legal information", line


def _address(address: PostalAddress) -> Iterable[str]:
    return (*address.lines, address.postcode, address.city)


def _lines(document: InvoiceDocument) -> Iterator[tuple[str, str]]:
    for line in document.lines:
        yield f"line {line.position}", line.description
        yield f"item of line {line.position}", line.item_id
        yield f"note of line {line.position}", line.note
        for adjustment in line.adjustments:
            yield f"allowance of line {line.position}", adjustment.reason
    for adjustment in document.adjustments:
        yield "allowance", adjustment.reason


def _means(document: InvoiceDocument) -> Iterator[tuple[str, str]]:
    if document.is_credit_note or document.totals.due <= 0:
        return
    for means in document.payment_means:
        yield "account to pay to", means.account_id
        yield "account's name", means.account_name
        yield "BIC", means.bic
        yield "bank code", means.bank_code
        yield "payment reference", means.reference
        yield "mandate", means.mandate_reference
        yield "creditor", means.creditor_id
        yield "debited account", means.debited_account[-_TOLD_OF_ACCOUNT:]
        yield "card", means.card_last4


def _days(document: InvoiceDocument) -> Iterator[tuple[str, date | None]]:
    yield "issue date", document.issue_date
    yield "tax point", document.tax_point_date
    yield "delivery date", document.delivery_date
    if document.totals.due > 0 and not document.is_credit_note:
        yield "due date", document.due_date
        yield from (("collection date", means.collection_date) for means in document.payment_means)
    yield from (("preceding invoice's date", before.issue_date) for before in document.preceding)


def _amounts(document: InvoiceDocument) -> Iterator[tuple[str, Decimal]]:
    totals = document.totals
    yield from (("net", totals.net), ("gross", totals.gross), ("due", totals.due))
    yield from (("prepaid", totals.prepaid), ("rounding", totals.rounding))
    for part in document.tax_breakdown:
        yield f"tax {part.category} {part.rate}", part.tax
        yield f"taxable {part.category} {part.rate}", part.taxable
    yield from ((f"net of line {line.position}", line.net) for line in document.lines)
    yield from (("allowance", adjustment.amount) for adjustment in document.adjustments)


def _spelled(day: date, language: str) -> Iterator[str]:
    locale = "en_GB" if language == "en" else language
    for style in (*_DAYS, *_MORE_DAYS):
        yield format_date(day, style, locale=locale)


def _pattern(amount: Decimal, currency: str, language: str) -> re.Pattern[str]:
    """``amount`` without its sign, as a number of its own and no part of a longer one."""
    thousand, point = _SIGNS[language]
    whole, _, decimals = f"{abs(amount):.{exponent(currency)}f}".partition(".")
    groups = [whole[max(0, end - 3) : end] for end in range(len(whole), 0, -3)][::-1]
    grouped = f"{thousand}?".join(groups)
    figures = f"{grouped}{point}{decimals}" if decimals else grouped
    return re.compile(rf"(?<![\d.,]){figures}(?![\d])")


def _squeeze(text: str) -> str:
    copied = unicodedata.normalize("NFC", text).translate(_COPIED)
    return _NO_MATTER.sub("", unicodedata.normalize("NFKC", copied)).casefold()
