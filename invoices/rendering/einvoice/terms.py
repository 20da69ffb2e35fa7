"""The closed document as business terms of EN 16931-1, in the words that factur-x takes.

Amounts have the places of their currency; quantities, prices and rates all the digits that they
have and no more. A key that would be empty is left out: an empty element is no value (BR rules),
and receivers refuse it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from stdnum import iban

from common.money import ZERO, round_money
from invoices.parties import Party, PaymentMeans, PostalAddress
from invoices.rendering.document import (
    Adjustment,
    DocumentLine,
    InvoiceDocument,
    Period,
    TaxBreakdown,
)
from invoices.rendering.einvoice.currencies import too_fine_currency
from invoices.rendering.einvoice.identifiers import is_vat_identifier
from invoices.rendering.formatting import printable
from taxes.vocabulary import TaxCategory

Terms = dict[str, Any]

_ONE: Final = Decimal(1)
# UBL wants the network of a card, which nobody here knows (UBL-CR, cbc:NetworkID).
_UNKNOWN_NETWORK: Final = "NA"
# What XML cannot hold and a page can: surrogates alone, and two codes that are no characters.
_NO_CHARACTERS = re.compile("[\ud800-\udfff\ufffe\uffff]")


def has_einvoice(document: InvoiceDocument) -> bool:
    """Whether EN 16931 can say it: some currencies have amounts that it has no room for."""
    accounting = document.accounting_tax
    currencies = (document.currency, accounting.currency) if accounting else (document.currency,)
    return not too_fine_currency(*currencies)


def terms_of(document: InvoiceDocument) -> Terms:
    """All terms of ``document``. Made anew at each call: factur-x writes into what it is given."""
    amount = _Amounts(document.currency)
    return _filled(
        {
            **_header(document),
            **_accounting(document),
            **_payment(document.payment_means),
            **_totals(document, amount),
            "BG-1": [{"BT-22": text} for note in document.notes if (text := _text(note))],
            "BG-3": [
                {"BT-25": _text(before.number), "BT-26": before.issue_date}
                for before in document.preceding
            ],
            "BG-4": _party(document.seller),
            "BG-7": _buyer(document),
            "BG-13": _address(document.deliver_to),
            "BG-20": _adjustments(document.adjustments, amount, charges=False),
            "BG-21": _adjustments(document.adjustments, amount, charges=True),
            "BG-23": [
                _tax(part, amount, tax_point=document.tax_point_date)
                for part in document.tax_breakdown
            ],
            "BG-25": [_line(line, amount) for line in document.lines],
        }
    )


class _Amounts:
    """Spells money of one currency."""

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def __call__(self, amount: Decimal) -> str:
        # A zero that came of negative figures has a sign, which goes.
        return f"{round_money(amount, currency=self._currency) + ZERO:f}"

    def unless_zero(self, amount: Decimal) -> str:
        return self(amount) if amount else ""


def _header(document: InvoiceDocument) -> Terms:
    return {
        "BT-1": _text(document.number),
        "BT-2": document.issue_date,
        "BT-3": document.kind.value,
        "BT-5": document.currency,
        "BT-7": document.tax_point_date,
        "BT-9": document.due_date,
        "BT-10": _text(document.buyer_reference),
        "BT-11": _text(document.project_number),
        "BT-12": _text(document.contract_number),
        "BT-13": _text(document.order_number),
        "BT-20": _text(document.payment_terms),
        "BT-72": document.delivery_date,
        **_period(document.period, first="BT-73", last="BT-74"),
    }


def _accounting(document: InvoiceDocument) -> Terms:
    """BT-6 and BT-111, one never without the other (BR-53)."""
    tax = document.accounting_tax
    if tax is None or tax.currency == document.currency:
        return {}
    return {"BT-6": tax.currency, "BT-111": _Amounts(tax.currency)(tax.tax)}


def _totals(document: InvoiceDocument, amount: _Amounts) -> Terms:
    """Where there are allowances or charges there is their sum, and be it zero (BR-CO-11, -12)."""
    totals = document.totals
    has_charges = any(each.is_charge for each in document.adjustments)
    has_allowances = not all(each.is_charge for each in document.adjustments)
    return {
        "BT-106": amount(totals.lines),
        "BT-107": amount(totals.allowances) if has_allowances else "",
        "BT-108": amount(totals.charges) if has_charges else "",
        "BT-109": amount(totals.net),
        "BT-110": amount(totals.tax),
        "BT-112": amount(totals.gross),
        "BT-113": amount.unless_zero(totals.prepaid),
        "BT-114": amount.unless_zero(totals.rounding),
        "BT-115": amount(totals.due),
    }


def _payment(means: tuple[PaymentMeans, ...]) -> Terms:
    """BG-16 has room for one means: the first. None where none was frozen (BR-49)."""
    if not means:
        return {}
    first = means[0]
    return {
        "BT-81": first.code,
        "BT-82": _text(first.text),
        "BT-83": _text(first.reference),
        "BT-84": _account(first.account_id),
        "BT-85": _text(first.account_name) if first.account_id else "",
        "BT-86": _text(first.bic) if first.account_id else "",
        "BT-87": first.card_last4,
        "BT-87-1": _UNKNOWN_NETWORK if first.card_last4 else "",
        "BT-88": _text(first.card_holder) if first.card_last4 else "",
        "BT-89": _text(first.mandate_reference),
        "BT-90": _text(first.creditor_id),
        "BT-91": _account(first.debited_account),
    }


def _account(text: str) -> str:
    """An IBAN without the spaces that people write, anything else as it is."""
    account = _text(text)
    return iban.compact(account) if iban.is_valid(account) else account


def _party(party: Party) -> Terms:
    contact = {
        "name": _text(party.contact_name),
        "phone": _text(party.phone),
        "email": _text(party.email),
    }
    identifiers = {party.identifier_scheme or None: _text(party.identifier)}
    return {
        "name": _text(party.name),
        "biz_name": _text(party.trading_name),
        "identifiers": identifiers if party.identifier else {},
        "legal_identifier": _text(party.registration_id),
        "legal_identifier_schemeid": party.registration_scheme,
        **_tax_numbers(party),
        "legal_info": _text(party.legal_information),
        "einvoicing_addr": _text(party.electronic_address),
        "einvoicing_addr_schemeid": party.electronic_address_scheme,
        "contacts": [_filled(contact)] if any(contact.values()) else [],
        **_address(party.address),
    }


def _tax_numbers(party: Party) -> Terms:
    """BT-31 or BT-48, and BT-32. A number of no country is none of the first two (BR-CO-09)."""
    number, registration = _text(party.tax_number), _text(party.tax_registration)
    if number and not is_vat_identifier(number):
        return {"tax_identifier": number}
    return {"vat_identifier": number, "tax_identifier": registration}


def _buyer(document: InvoiceDocument) -> Terms:
    """BG-7. By what the seller calls them (BT-46) they are found again: their account's number."""
    buyer = _party(document.buyer)
    if not buyer["identifiers"] and document.account_number:
        buyer["identifiers"] = {None: _text(document.account_number)}
    return buyer


def _address(address: PostalAddress | None) -> Terms:
    if address is None:
        return {}
    lines = {f"addr_l{number}": _text(line) for number, line in enumerate(address.lines, start=1)}
    return _filled(
        {
            **lines,
            "city": _text(address.city),
            "postcode": _text(address.postcode),
            "country_code": address.country,
            "country_subdivision": _text(address.subdivision),
        }
    )


def _tax(part: TaxBreakdown, amount: _Amounts, *, tax_point: date | None) -> Terms:
    """BG-23. CII says the tax point (BT-7) here, in each."""
    return _filled(
        {
            "BT-7": tax_point,
            "BT-116": amount(part.taxable),
            "BT-117": amount(part.tax),
            "BT-118": part.category,
            "BT-119": _rate(part.category, part.rate),
            "BT-120": _text(part.exemption_text),
            "BT-121": part.exemption_code,
        }
    )


def _adjustments(
    adjustments: Iterable[Adjustment], amount: _Amounts, *, charges: bool
) -> list[Terms]:
    return [_adjustment(each, amount) for each in adjustments if each.is_charge is charges]


def _adjustment(adjustment: Adjustment, amount: _Amounts) -> Terms:
    category = adjustment.tax_category
    return _filled(
        {
            "amount": amount(adjustment.amount),
            "base_amount": "" if adjustment.base is None else amount(adjustment.base),
            "rate": "" if adjustment.percentage is None else _exact(adjustment.percentage),
            "reason": _text(adjustment.reason),
            "reason_code": adjustment.reason_code,
            "vat_category_code": category,
            "vat_rate": _rate(category, adjustment.tax_rate) if category else "",
        }
    )


def _line(line: DocumentLine, amount: _Amounts) -> Terms:
    """BG-25. A line that takes back has a negative quantity: prices are never negative (BR-27)."""
    base = line.price_base_quantity
    note, object_identifier = _text(line.note), _text(line.object_identifier)
    return _filled(
        {
            "BT-126": str(line.position),
            "BT-127-00": [{"BT-127": note}] if note else [],
            "BT-128": {None: object_identifier} if object_identifier else {},
            "BT-129": _exact(line.quantity),
            "BT-130": line.unit_code,
            "BT-131": amount(line.net),
            "BT-132": _text(line.order_line_reference),
            "BT-133": _text(line.accounting_reference),
            **_period(line.period, first="BT-134", last="BT-135"),
            "BT-146": _exact(line.unit_price),
            "BT-149": "" if base == _ONE else _exact(base),
            "BT-151": line.tax_category,
            "BT-152": _rate(line.tax_category, line.tax_rate),
            "BT-153": _text(line.description),
            "BT-155": _text(line.item_id),
            "BT-156": _text(line.buyer_item_id),
            "BT-157": _text(line.standard_item_id),
            "BT-157-1": line.standard_item_scheme,
            "BG-27": _untaxed(_adjustments(line.adjustments, amount, charges=False)),
            "BG-28": _untaxed(_adjustments(line.adjustments, amount, charges=True)),
        }
    )


def _untaxed(adjustments: Iterable[Terms]) -> list[Terms]:
    """Of a line: they follow its tax, and BG-27 and BG-28 have no room for one of their own."""
    return [
        {name: value for name, value in terms.items() if not name.startswith("vat_")}
        for terms in adjustments
    ]


def _period(period: Period | None, *, first: str, last: str) -> Terms:
    return {} if period is None else {first: period.start, last: period.last_day}


def _rate(category: str, rate: Decimal) -> str:
    """Nothing outside the scope of tax, where even a zero would be a rate (BR-O-05 to BR-O-08)."""
    return "" if category == TaxCategory.OUTSIDE_SCOPE else _exact(rate)


def _exact(number: Decimal) -> str:
    """All its digits, no zeros behind them, no exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(text: str) -> str:
    """As the page shows it, without what XML cannot hold."""
    return _NO_CHARACTERS.sub("", printable(text)).strip()


def _filled(terms: Mapping[str, Any]) -> Terms:
    return {name: value for name, value in terms.items() if value not in ("", None, [], {})}
