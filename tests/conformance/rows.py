"""What the database's own columns say of an issued document, as business terms.

Read past the program's models of a document, so that a mistake there is seen: columns, and the JSON
of parties and means of payment as it is stored.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from invoices.models import Invoice, InvoiceLine, InvoiceTaxLine
from tests.conformance.facts import Facts, Value

Row = Mapping[str, Any]

_CODES = {str(Invoice.Kind.INVOICE): "380", str(Invoice.Kind.CREDIT_NOTE): "381"}
_OF_DOCUMENT = {
    "BT-1": "number",
    "BT-2": "issue_date",
    "BT-5": "currency",
    "BT-9": "due_date",
    "BT-10": "buyer_reference",
    "BT-13": "order_number",
    "BT-20": "payment_terms",
    "BT-73": "period_start",
    "BT-106": "line_total",
    "BT-109": "net_total",
    "BT-110": "tax_total",
    "BT-112": "gross_total",
    "BT-115": "amount_due",
}
_OF_LINE = {
    "BT-129": "quantity",
    "BT-130": "unit_code",
    "BT-131": "net_amount",
    "BT-146": "unit_price",
    "BT-151": "tax_category",
    "BT-153": "description",
    "BT-155": "seller_item_id",
}
_OF_TAX = {"BT-116": "taxable_amount", "BT-117": "tax_amount", "BT-118": "category"}
_OF_PARTY = {
    "name": "name",
    "vat_identifier": "tax_number",
    "legal_identifier": "registration_id",
}
_OF_ADDRESS = {"city": "city", "postcode": "postcode", "country_code": "country"}
_OF_MEANS = {"BT-81": "code", "BT-83": "reference", "BT-84": "account_id", "BT-86": "bic"}


def facts_of_rows(invoice: Invoice) -> Facts:
    """Needs the account's scope."""
    mine = {"account": invoice.account_id, "invoice": invoice}
    row: Row = {**Invoice.objects.filter(pk=invoice.pk).values().get()}
    said: dict[str, Any] = {term: row[column] for term, column in _OF_DOCUMENT.items()}
    said["BT-3"] = _CODES[row["kind"]]
    for group, column in (("BG-4", "seller_party"), ("BG-7", "buyer_party")):
        party = row[column]
        address = party["address"]
        said |= {f"{group}.{term}": party.get(name) for term, name in _OF_PARTY.items()}
        said |= {f"{group}.{term}": address.get(name) for term, name in _OF_ADDRESS.items()}
        for number, line in enumerate(address.get("lines", ()), start=1):
            said[f"{group}.addr_l{number}"] = line
    for means in (row["payment_means"] or ())[:1]:
        said |= {term: means.get(name) for term, name in _OF_MEANS.items()}
    lines: Iterable[Row] = InvoiceLine.objects.filter(**mine).order_by("position").values()
    for at, line in enumerate(lines):
        said |= {f"BG-25.{at}.{term}": line[column] for term, column in _OF_LINE.items()}
    taxes: Iterable[Row] = InvoiceTaxLine.objects.filter(**mine).values()
    for at, tax in enumerate(taxes):
        said |= {f"BG-23.{at}.{term}": tax[column] for term, column in _OF_TAX.items()}
    return {term: _plain(value) for term, value in said.items() if value not in (None, "")}


def _plain(value: Any) -> Value:
    if isinstance(value, date | Decimal):
        return value
    return " ".join(str(value).split())
