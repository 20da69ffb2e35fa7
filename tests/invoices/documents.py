"""Sample documents for tests and benchmarks, with sums that add up whatever is overridden."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from common.money import round_money
from invoices.rendering.document import (
    Adjustment,
    DocumentKind,
    DocumentLine,
    DocumentState,
    InvoiceDocument,
    Period,
    Preceding,
    TaxBreakdown,
    Totals,
)
from tests.invoices.companies import FERRIS_AND_RUIZ, NORTHWIND, TO_NORTHWIND

STANDARD_RATE = Decimal("17.5")

SELLER = replace(NORTHWIND, registration_scheme="0060")
BUYER = FERRIS_AND_RUIZ
TRANSFER = replace(TO_NORTHWIND, code="58", reference="INV-000123")

_WARES = (
    ("Virtual server, 4 cores, 8 GB", "VPS-4-8", "24.90"),
    ("Monitoring, 50 checks", "MON-50", "19.00"),
    ("Domain name example.com", "DOM-COM", "11.25"),
    ("Backup storage", "BACK-1", "0.0325"),
    ("Support call outside office hours", "SUP-OOH", "85.00"),
)


def a_line(position: int = 1, **overrides: Any) -> DocumentLine:
    """A line of the sample wares; its net follows from quantity and price unless given."""
    description, item_id, price = _WARES[position % len(_WARES)]
    line = DocumentLine(
        **{
            "position": position,
            "description": description,
            "item_id": item_id,
            "quantity": Decimal(position % 7 + 1),
            "unit_code": "MON" if position % 2 else "C62",
            "unit_price": Decimal(price),
            "net": Decimal(0),
            "tax_category": "S",
            "tax_rate": STANDARD_RATE,
            "period": Period(date(2010, 12, 1), date(2010, 12, 31)) if position % 2 else None,
            **overrides,
        }
    )
    if "net" in overrides:
        return line
    adjusted = sum(a.amount if a.is_charge else -a.amount for a in line.adjustments)
    net = line.quantity * line.unit_price / line.price_base_quantity + adjusted
    return replace(line, net=round_money(net, currency="GBP"))


def a_document(lines: int | Sequence[DocumentLine] = 10, **overrides: Any) -> InvoiceDocument:
    """An issued invoice with ``lines`` lines, its totals computed from them."""
    printed = tuple(map(a_line, range(1, lines + 1))) if isinstance(lines, int) else tuple(lines)
    adjustments: tuple[Adjustment, ...] = overrides.get("adjustments", ())
    currency = overrides.get("currency", "GBP")
    breakdown = overrides.pop("tax_breakdown", None) or _breakdown(printed, adjustments, currency)
    return InvoiceDocument(
        **{
            "kind": DocumentKind.INVOICE,
            "state": DocumentState.ISSUED,
            "number": "INV-000123",
            "issue_date": date(2010, 12, 31),
            "due_date": date(2011, 1, 14),
            "period": Period(date(2010, 12, 1), date(2010, 12, 31)),
            "seller": SELLER,
            "buyer": BUYER,
            "account_number": "100042",
            "order_number": "PO-7781",
            "currency": currency,
            "locale": "en-GB",
            "lines": printed,
            "tax_breakdown": breakdown,
            "totals": _totals(
                printed, adjustments, breakdown, overrides.pop("prepaid", Decimal(0))
            ),
            "payment_means": (TRANSFER,),
            "payment_terms": "Payment within 14 days, without deduction.",
            **overrides,
        }
    )


def a_credit_note(lines: int | Sequence[DocumentLine] = 2, **overrides: Any) -> InvoiceDocument:
    """A credit note that corrects the sample invoice."""
    return a_document(
        lines,
        **{
            "kind": DocumentKind.CREDIT_NOTE,
            "number": "CN-000007",
            "issue_date": date(2011, 1, 5),
            "due_date": None,
            "payment_terms": "",
            "payment_means": (),
            "preceding": (Preceding("INV-000123", date(2010, 12, 31)),),
            **overrides,
        },
    )


def a_draft(lines: int | Sequence[DocumentLine] = 3, **overrides: Any) -> InvoiceDocument:
    """An invoice that has no number yet."""
    draft = {"state": DocumentState.DRAFT, "number": "", "issue_date": None, "due_date": None}
    return a_document(lines, **{**draft, **overrides})


def _breakdown(
    lines: Sequence[DocumentLine], adjustments: Sequence[Adjustment], currency: str
) -> tuple[TaxBreakdown, ...]:
    taxable: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        group = (line.tax_category, line.tax_rate)
        taxable[group] = taxable.get(group, Decimal(0)) + line.net
    for adjustment in adjustments:
        group = (adjustment.tax_category, adjustment.tax_rate)
        amount = adjustment.amount if adjustment.is_charge else -adjustment.amount
        taxable[group] = taxable.get(group, Decimal(0)) + amount
    return tuple(
        TaxBreakdown(category, rate, net, round_money(net * rate / 100, currency=currency))
        for (category, rate), net in taxable.items()
    )


def _totals(
    lines: Sequence[DocumentLine],
    adjustments: Sequence[Adjustment],
    breakdown: Sequence[TaxBreakdown],
    prepaid: Decimal,
) -> Totals:
    line_total = sum((line.net for line in lines), start=Decimal(0))
    allowances = sum((a.amount for a in adjustments if not a.is_charge), start=Decimal(0))
    charges = sum((a.amount for a in adjustments if a.is_charge), start=Decimal(0))
    net = line_total - allowances + charges
    tax = sum((part.tax for part in breakdown), start=Decimal(0))
    return Totals(
        lines=line_total,
        allowances=allowances,
        charges=charges,
        net=net,
        tax=tax,
        gross=net + tax,
        prepaid=prepaid,
        due=net + tax - prepaid,
    )
