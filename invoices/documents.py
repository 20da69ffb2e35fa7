"""From a document's rows to the closed value object that is rendered, and to nothing else."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from common.money import ZERO
from invoices.models import Invoice, InvoiceAllowance, InvoiceLine, InvoiceTaxLine
from invoices.parties import Party, PaymentMeans, PostalAddress
from invoices.rendering.document import (
    AccountingTax,
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

_KINDS = {
    Invoice.Kind.INVOICE: DocumentKind.INVOICE,
    Invoice.Kind.CREDIT_NOTE: DocumentKind.CREDIT_NOTE,
}


def document_of(invoice: Invoice) -> InvoiceDocument:
    """All that the issued ``invoice`` says, from its frozen rows. Needs its account's scope.

    Three statements besides the invoice (with ``account`` and ``preceding``), whatever its length.
    """
    mine = {"account": invoice.account_id, "invoice": invoice}
    return document_from(
        invoice,
        lines=InvoiceLine.objects.filter(**mine),
        allowances=InvoiceAllowance.objects.filter(**mine),
        tax_lines=InvoiceTaxLine.objects.filter(**mine),
    )


def document_from(
    invoice: Invoice,
    *,
    lines: Iterable[InvoiceLine],
    allowances: Iterable[InvoiceAllowance],
    tax_lines: Iterable[InvoiceTaxLine],
) -> InvoiceDocument:
    """The same from rows at hand, in the order of their positions. Reads nothing."""
    adjustments = _by_line(allowances)
    return InvoiceDocument(
        kind=_KINDS[Invoice.Kind(invoice.kind)],
        state=DocumentState.ISSUED,
        number=invoice.number or "",
        issue_date=invoice.issue_date,
        tax_point_date=invoice.tax_point_date,
        due_date=invoice.due_date,
        payment_terms=invoice.payment_terms,
        delivery_date=invoice.delivery_date,
        deliver_to=_deliver_to(invoice),
        period=_period(invoice.period_start, invoice.period_end),
        seller=Party.from_json(invoice.seller_party),
        buyer=Party.from_json(invoice.buyer_party),
        account_number=str(invoice.account.number),
        currency=invoice.currency,
        locale=invoice.locale,
        buyer_reference=invoice.buyer_reference,
        order_number=invoice.order_number,
        contract_number=invoice.contract_number,
        project_number=invoice.project_number,
        preceding=_preceding(invoice),
        lines=tuple(_line(row, adjustments[row.pk]) for row in lines),
        adjustments=tuple(adjustments[None]),
        tax_breakdown=tuple(map(_breakdown, tax_lines)),
        totals=_totals(invoice),
        accounting_tax=_accounting_tax(invoice),
        payment_means=tuple(map(PaymentMeans.from_json, invoice.payment_means or ())),
        notes=tuple(filter(None, invoice.notes.split("\n"))),
    )


def currencies_of(invoice: Invoice) -> tuple[str, ...]:
    """That of its amounts, and that of its tax in the seller’s books (BT-111) where it has both."""
    accounting = _accounting_tax(invoice)
    return (invoice.currency, accounting.currency) if accounting else (invoice.currency,)


def _by_line(allowances: Iterable[InvoiceAllowance]) -> dict[int | None, list[Adjustment]]:
    """Under the line that each belongs to; those of the whole document under None."""
    adjustments: dict[int | None, list[Adjustment]] = defaultdict(list)
    for row in allowances:
        adjustments[row.line_id].append(_adjustment(row))
    return adjustments


def _deliver_to(invoice: Invoice) -> PostalAddress | None:
    return PostalAddress.from_json(invoice.deliver_to) if invoice.deliver_to else None


def _line(row: InvoiceLine, adjustments: Iterable[Adjustment]) -> DocumentLine:
    return DocumentLine(
        position=row.position,
        description=row.description,
        quantity=row.quantity,
        unit_code=row.unit_code,
        unit_price=row.unit_price,
        price_base_quantity=row.price_base_quantity,
        net=row.net_amount,
        tax_category=row.tax_category,
        tax_rate=row.tax_rate,
        item_id=row.seller_item_id,
        buyer_item_id=row.buyer_item_id,
        standard_item_id=row.standard_item_id,
        standard_item_scheme=row.standard_item_scheme,
        object_identifier=row.object_identifier,
        order_line_reference=row.order_line_reference,
        accounting_reference=row.accounting_reference,
        note=row.note,
        period=_period(row.period_start, row.period_end),
        adjustments=tuple(adjustments),
    )


def _adjustment(row: InvoiceAllowance) -> Adjustment:
    return Adjustment(
        is_charge=row.is_charge,
        amount=row.amount,
        reason=row.reason,
        reason_code=row.reason_code,
        percentage=row.percentage,
        base=row.base_amount,
        tax_category=row.tax_category,
        tax_rate=row.tax_rate or ZERO,
    )


def _breakdown(row: InvoiceTaxLine) -> TaxBreakdown:
    return TaxBreakdown(
        category=row.category,
        rate=row.rate,
        taxable=row.taxable_amount,
        tax=row.tax_amount,
        exemption_text=row.exemption_reason,
        exemption_code=row.exemption_code,
    )


def _totals(invoice: Invoice) -> Totals:
    return Totals(
        lines=invoice.line_total,
        allowances=invoice.allowance_total,
        charges=invoice.charge_total,
        net=invoice.net_total,
        tax=invoice.tax_total,
        gross=invoice.gross_total,
        prepaid=invoice.prepaid_amount,
        rounding=invoice.rounding_amount,
        due=invoice.amount_due,
    )


def _accounting_tax(invoice: Invoice) -> AccountingTax | None:
    """BT-111 with its rate; None where the currencies agree or no tax had to be converted."""
    if (
        invoice.tax_total_accounting is None
        or invoice.exchange_rate is None
        or invoice.exchange_rate_date is None
    ):
        return None
    return AccountingTax(
        currency=invoice.accounting_currency,
        tax=invoice.tax_total_accounting,
        exchange_rate=invoice.exchange_rate,
        rate_date=invoice.exchange_rate_date,
    )


def _preceding(invoice: Invoice) -> tuple[Preceding, ...]:
    before = invoice.preceding
    if before is None or before.number is None or before.issue_date is None:
        return ()
    return (Preceding(number=before.number, issue_date=before.issue_date),)


def _period(start: date | None, end: date | None) -> Period | None:
    """Stored half-open, printed with its last day."""
    if start is None or end is None:
        return None
    return Period(start=start, last_day=end - timedelta(days=1))
