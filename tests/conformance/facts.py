"""What a document says, as business terms: worked out anew, and read back from both kinds of XML.

The program's own mapping is not used. Reading is factur-x's; figures are compared as numbers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from facturx import parse_ubl_cii_xml

from invoices.parties import Party, PostalAddress
from invoices.rendering.document import Adjustment, DocumentLine, InvoiceDocument

Value = str | date | Decimal
Facts = dict[str, Value]

# Terms whose text is a number.
_NUMBERS = re.compile(
    r"BT-(10[6-9]|11[0-7]|119|129|131|146|149|152)$|\.(amount|base_amount|rate|vat_rate)$"
)
_SPACES = re.compile(r"\s+")
# The profile; the network of a card, which UBL requires and nobody knows; the project's name, which
# CII wants beside its number; the tax point of a subtotal, which CII says instead of one for all.
_NOT_COMPARED = ("BT-23", "BT-24", "BT-87-1", "BT-11-0")
# Where UBL puts BT-90, which is compared under that name.
_CREDITOR_SCHEME = "SEPA"


def facts_of(document: InvoiceDocument) -> Facts:
    """All business terms that an e-invoice of ``document`` must hold."""
    totals, accounting, period = document.totals, document.accounting_tax, document.period
    # A sum of one allowance that came to nothing is still a sum.
    kinds = {adjustment.is_charge for adjustment in document.adjustments}
    said: dict[str, Any] = {
        "BT-1": document.number,
        "BT-2": document.issue_date,
        "BT-3": str(document.kind),
        "BT-5": document.currency,
        "BT-6": accounting.currency if accounting else None,
        "BT-7": document.tax_point_date,
        "BT-9": document.due_date,
        "BT-10": document.buyer_reference,
        "BT-11": document.project_number,
        "BT-12": document.contract_number,
        "BT-13": document.order_number,
        "BT-20": document.payment_terms,
        "BT-72": document.delivery_date,
        "BT-73": period.start if period else None,
        "BT-74": period.last_day if period else None,
        "BG-1": [{"BT-22": note} for note in document.notes],
        "BG-3": [{"BT-25": one.number, "BT-26": one.issue_date} for one in document.preceding],
        "BG-4": _party(document.seller),
        "BG-7": _buyer(document),
        "BG-13": _address(document.deliver_to) if document.deliver_to else None,
        "BT-106": totals.lines,
        "BT-107": totals.allowances if False in kinds else None,
        "BT-108": totals.charges if True in kinds else None,
        "BT-109": totals.net,
        "BT-110": totals.tax,
        "BT-111": accounting.tax if accounting else None,
        "BT-112": totals.gross,
        "BT-113": totals.prepaid or None,
        "BT-114": totals.rounding or None,
        "BT-115": totals.due,
        "BG-20": _adjustments(document.adjustments, charges=False),
        "BG-21": _adjustments(document.adjustments, charges=True),
        "BG-23": list(_tax(document)),
        "BG-25": list(map(_line, document.lines)),
        **_payment(document),
    }
    return dict(_flat(said))


def facts_in(xml: bytes) -> Facts:
    """The business terms in CII or UBL, read by factur-x."""
    read = parse_ubl_cii_xml(xml, check_xsd=False)
    for subtotal in read.get("BG-23", ()):
        subtotal.pop("BT-7", None)
    if "BT-90" in read:
        read["BG-4"].get("identifiers", {}).pop(_CREDITOR_SCHEME, None)
    return dict(_flat(read))


def differences(expected: Facts, found: Facts, *, where: str) -> Iterator[str]:
    for term in sorted({*expected, *found}):
        wanted, read = expected.get(term), found.get(term)
        if wanted != read:
            yield f"{where}: {term} is {read!r}, the document says {wanted!r}"


# --- The document ---------------------------------------------------------------------------------


def _payment(document: InvoiceDocument) -> dict[str, object]:
    if not document.payment_means:
        return {}
    means = document.payment_means[0]
    return {
        "BT-81": means.code,
        "BT-82": means.text,
        "BT-83": means.reference,
        "BT-84": means.account_id,
        "BT-85": means.account_name,
        "BT-86": means.bic,
        "BT-87": means.card_last4,
        "BT-88": means.card_holder,
        "BT-89": means.mandate_reference,
        "BT-90": means.creditor_id,
        "BT-91": means.debited_account,
    }


def _party(party: Party) -> dict[str, object]:
    return {
        "name": party.name,
        "biz_name": party.trading_name,
        "identifiers": {party.identifier_scheme: party.identifier},
        "legal_identifier": party.registration_id,
        "legal_identifier_schemeid": party.registration_scheme,
        "vat_identifier": party.tax_number,
        "tax_identifier": party.tax_registration,
        "legal_info": party.legal_information,
        "einvoicing_addr": party.electronic_address,
        "einvoicing_addr_schemeid": party.electronic_address_scheme,
        "contacts": [{"name": party.contact_name, "phone": party.phone, "email": party.email}],
        **_address(party.address),
    }


def _buyer(document: InvoiceDocument) -> dict[str, object]:
    """Without an identifier of their own it is the account's number."""
    buyer = _party(document.buyer)
    if not document.buyer.identifier:
        buyer["identifiers"] = {"": document.account_number}
    return buyer


def _address(address: PostalAddress) -> dict[str, object]:
    return {
        "country_code": address.country,
        "city": address.city,
        "postcode": address.postcode,
        "country_subdivision": address.subdivision,
        **{f"addr_l{number}": line for number, line in enumerate(address.lines, start=1)},
    }


def _tax(document: InvoiceDocument) -> Iterator[dict[str, object]]:
    for part in document.tax_breakdown:
        yield {
            "BT-116": part.taxable,
            "BT-117": part.tax,
            "BT-118": part.category,
            "BT-119": None if part.category == "O" else part.rate,
            "BT-120": part.exemption_text,
            "BT-121": part.exemption_code,
        }


def _line(line: DocumentLine) -> dict[str, object]:
    return {
        "BT-126": str(line.position),
        "BT-127-00": [{"BT-127": line.note}],
        "BT-128": {"": line.object_identifier},
        "BT-129": line.quantity,
        "BT-130": line.unit_code,
        "BT-131": line.net,
        "BT-132": line.order_line_reference,
        "BT-133": line.accounting_reference,
        "BT-134": line.period.start if line.period else None,
        "BT-135": line.period.last_day if line.period else None,
        "BT-146": line.unit_price,
        "BT-149": line.price_base_quantity,
        "BT-151": line.tax_category,
        "BT-152": None if line.tax_category == "O" else line.tax_rate,
        "BT-153": line.description,
        "BT-155": line.item_id,
        "BT-156": line.buyer_item_id,
        "BT-157": line.standard_item_id,
        "BT-157-1": line.standard_item_scheme,
        "BG-27": _adjustments(line.adjustments, charges=False),
        "BG-28": _adjustments(line.adjustments, charges=True),
    }


def _adjustments(adjustments: Iterable[Adjustment], *, charges: bool) -> list[dict[str, object]]:
    return [_adjustment(one) for one in adjustments if one.is_charge is charges]


def _adjustment(adjustment: Adjustment) -> dict[str, object]:
    category = adjustment.tax_category
    return {
        "amount": adjustment.amount,
        "base_amount": adjustment.base,
        "rate": adjustment.percentage,
        "reason": adjustment.reason,
        "reason_code": adjustment.reason_code,
        "vat_category_code": category,
        "vat_rate": adjustment.tax_rate if category not in ("", "O") else None,
    }


# --- Both -----------------------------------------------------------------------------------------


def _flat(said: object, path: str = "") -> Iterator[tuple[str, Value]]:
    """Each value with the way to it, such as ``BG-25.0.BT-131``; nothing for what is empty."""
    if isinstance(said, Mapping):
        for name, value in said.items():
            if name not in _NOT_COMPARED:
                yield from _flat(value, f"{path}.{name or ''}".lstrip("."))
    elif isinstance(said, list | tuple):
        for number, value in enumerate(said):
            yield from _flat(value, f"{path}.{number}")
    elif said not in (None, ""):
        value = _value(said, path)
        # A price for one needs no base quantity; one may be said all the same.
        if not (path.endswith("BT-149") and value == 1):
            yield path, value


def _value(said: object, path: str) -> Value:
    if isinstance(said, date | Decimal):
        return said
    text = _SPACES.sub(" ", str(said)).strip()
    if _NUMBERS.search(path):
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    return text
