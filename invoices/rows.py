"""Documents as tables of them show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from invoices.in_words import State, document_standing, kind_in_words
from invoices.models import Invoice
from invoices.standing import open_amount


@dataclass(frozen=True, slots=True)
class Row:
    """``total`` of a credit note is negative, so that a column of totals can be added up."""

    invoice: Invoice
    kind: str
    state: State
    total: Decimal
    open_amount: Decimal


def rows_of(invoices: Iterable[Invoice], *, today: date) -> list[Row]:
    """``invoices`` as a table shows them; each must have been read with its settlement."""
    return [row_of(invoice, today=today) for invoice in invoices]


def row_of(invoice: Invoice, *, today: date) -> Row:
    is_credit = invoice.kind == Invoice.Kind.CREDIT_NOTE
    return Row(
        invoice=invoice,
        kind=kind_in_words(invoice),
        state=document_standing(invoice, invoice.settlement, today=today),
        total=-invoice.gross_total if is_credit else invoice.gross_total,
        open_amount=open_amount(invoice, invoice.settlement),
    )
