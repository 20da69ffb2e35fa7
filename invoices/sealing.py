"""The hash of what an issued document says, chained to the document before it in its series.

A document's content is its own columns, its lines, allowances, tax lines and recipients. Each of
the four lists is hashed by itself, so that the part under the series' lock is short; the header,
with those hashes, the number and the predecessor's hash, gives ``content_hash``. Whoever holds the
newest hash can tell any later change of any document before it.

The spelling is fixed for ever: ``parties.canonical_json`` over plain values, decimals at their
column's own scale without an exponent, dates in ISO 8601. A column added later joins the content
under a new ``VERSION``, which each document records, so that old ones are still read the old way.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Model

from invoices.models import Delivery, Invoice, InvoiceAllowance, InvoiceLine, InvoiceTaxLine
from invoices.parties import canonical_json

VERSION = 1


class UnknownVersion(Exception):
    """A document was sealed by a release that this one does not know how to read."""


_HEADER = (
    "public_id",
    "kind",
    "tax_group",
    "number",
    "sequence",
    "issue_date",
    "tax_point_date",
    "delivery_date",
    "due_date",
    "payment_terms",
    "period_start",
    "period_end",
    "locale",
    "currency",
    "accounting_currency",
    "exchange_rate",
    "exchange_rate_date",
    "exchange_rate_source",
    "buyer_reference",
    "project_number",
    "contract_number",
    "order_number",
    "notes",
    "seller_party",
    "buyer_party",
    "deliver_to",
    "payment_means",
    "line_total",
    "allowance_total",
    "charge_total",
    "net_total",
    "tax_total",
    "tax_total_accounting",
    "gross_total",
    "prepaid_amount",
    "rounding_amount",
    "amount_due",
    "previous_hash",
)
_LINE = (
    "position",
    "description",
    "note",
    "seller_item_id",
    "buyer_item_id",
    "standard_item_id",
    "standard_item_scheme",
    "object_identifier",
    "order_line_reference",
    "accounting_reference",
    "source_reference",
    "quantity",
    "unit_code",
    "unit_price",
    "price_base_quantity",
    "net_amount",
    "product_category",
    "tax_point",
    "tax_category",
    "tax_rate",
    "exemption_code",
    "exemption_reason",
    "tax_country",
    "tax_reason",
    "period_start",
    "period_end",
)
_ALLOWANCE = (
    "position",
    "is_charge",
    "amount",
    "base_amount",
    "percentage",
    "reason",
    "reason_code",
    "tax_category",
    "tax_rate",
    "exemption_code",
    "exemption_reason",
)
_TAX_LINE = (
    "category",
    "rate",
    "taxable_amount",
    "tax_amount",
    "exemption_code",
    "exemption_reason",
)
_RECIPIENT = ("address", "name", "reasons")


def digests(
    *,
    lines: Iterable[InvoiceLine],
    allowances: Iterable[InvoiceAllowance],
    tax_lines: Iterable[InvoiceTaxLine],
    recipients: Iterable[Delivery],
) -> dict[str, str]:
    """The hashes of the four lists, each in its own fixed order, whatever order they come in."""
    lines = list(lines)
    positions = {line.pk: line.position for line in lines}
    return {
        "lines": _digest([_plain(line, _LINE) for line in _by(lines, "position")]),
        "allowances": _digest(
            [
                _plain(row, _ALLOWANCE) | {"line": _position(row, positions)}
                for row in _by(allowances, "position")
            ]
        ),
        "tax_lines": _digest(
            [_plain(row, _TAX_LINE) for row in _by(tax_lines, "category", "rate")]
        ),
        "recipients": _digest([_plain(row, _RECIPIENT) for row in _by(recipients, "address")]),
    }


def content_hash(
    invoice: Invoice, *, of_lists: Mapping[str, str], preceding_number: str | None
) -> str:
    """SHA-256 in hex of the frozen content, in the spelling that the document records.

    ``content_version`` and ``previous_hash`` must be set on ``invoice``. Raises UnknownVersion.
    """
    if invoice.content_version != VERSION:
        raise UnknownVersion(f"{invoice} was sealed in version {invoice.content_version}")
    content = _plain(invoice, _HEADER)
    content |= {"version": VERSION, "preceding": preceding_number, "lists": dict(of_lists)}
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _position(allowance: InvoiceAllowance, positions: Mapping[int, int]) -> str | None:
    """Which line it is on; None for one on the document. Keys of rows are no content."""
    return None if allowance.line_id is None else str(positions[allowance.line_id])


def _digest(rows: list[dict[str, object]]) -> str:
    return hashlib.sha256(canonical_json({"rows": rows})).hexdigest()


def _by(rows: Iterable[Any], *columns: str) -> list[Any]:
    return sorted(rows, key=lambda row: tuple(getattr(row, column) for column in columns))


def _plain(row: Model, columns: Iterable[str]) -> dict[str, object]:
    return {column: _spelled(row, column) for column in columns}


def _spelled(row: Model, column: str) -> object:
    value = getattr(row, column)
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return _spelled_number(Decimal(value), scale=_scale(type(row), column))
    if isinstance(value, date):
        return value.isoformat()
    return value


def _spelled_number(value: Decimal, *, scale: int) -> str:
    # Fixed scale: a value reads the same before it is saved and after it is read back.
    return f"{value:.{scale}f}"


_scales: dict[tuple[type[Model], str], int] = {}


def _scale(model: type[Model], column: str) -> int:
    key = (model, column)
    if key not in _scales:
        _scales[key] = getattr(model._meta.get_field(column), "decimal_places", 0)
    return _scales[key]
