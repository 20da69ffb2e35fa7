"""Charges of one account become drafts: planned in memory (pure), then saved set-based.

A plan is also what a dry run shows, so that what is shown and what is saved cannot differ.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from accounts.models import Account
from invoices.models import Invoice, InvoiceLine, InvoiceTaxLine, Seller
from invoices.models.sellers import DocumentKind
from invoices.taxation import LineTax, TaxContext
from invoices.totals import TaxedAmount, TaxKey, Totals, line_net, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One chargeable thing as billing hands it over. ``key`` finds its way back to the line.

    ``unit_price`` is net and never negative; what is taken back has a negative ``quantity``. The
    period is half-open.
    """

    key: int
    description: str
    quantity: Decimal
    unit_price: Decimal
    product_category: str
    tax_point: date
    item_id: str = ""
    unit_code: str = "C62"
    price_base_quantity: Decimal = Decimal(1)
    period_start: date | None = None
    period_end: date | None = None
    source_reference: str = ""


@dataclass(frozen=True, slots=True)
class PlannedLine:
    charge: Charge
    net: Decimal
    tax: LineTax

    def reversed(self) -> "PlannedLine":
        """The same line on a credit note: amounts positive where they were negative."""
        return replace(
            self, charge=replace(self.charge, quantity=-self.charge.quantity), net=-self.net
        )


@dataclass(frozen=True, slots=True)
class DraftPlan:
    """One document to be. On a credit note quantities and amounts are already turned round."""

    seller: Seller
    kind: DocumentKind
    tax_group: str
    currency: str
    order_number: str
    lines: tuple[PlannedLine, ...]
    totals: Totals

    @property
    def signed_gross(self) -> Decimal:
        """What the document adds to what the customer owes: negative for a credit note."""
        return -self.totals.gross if self.kind == DocumentKind.CREDIT_NOTE else self.totals.gross


def plan_drafts(
    charges: Iterable[Charge],
    *,
    seller: Seller,
    currency: str,
    order_number: str,
    taxes: TaxContext,
) -> list[DraftPlan]:
    """One plan for each tax group; a group that adds up to less than zero is a credit note.

    Supplies made under another tax number of the seller (BT-31) stand apart as well, such as those
    under a One Stop Shop beside those at home: a document has room for one.

    Raises the refusals of ``taxes.determination`` when a charge cannot be taxed.
    """
    groups: dict[tuple[str, str], list[PlannedLine]] = {}
    for charge in charges:
        tax = taxes.of(charge.product_category, tax_point=charge.tax_point)
        net = line_net(
            quantity=charge.quantity,
            unit_price=charge.unit_price,
            base_quantity=charge.price_base_quantity,
            currency=currency,
        )
        group = (tax.group, tax.seller_tax_number)
        groups.setdefault(group, []).append(PlannedLine(charge, net, tax))
    return [
        _plan(lines, tax_group, seller=seller, currency=currency, order_number=order_number)
        for (tax_group, _), lines in sorted(groups.items())
    ]


def _plan(
    lines: list[PlannedLine], group: str, *, seller: Seller, currency: str, order_number: str
) -> DraftPlan:
    kind = DocumentKind.INVOICE
    totals = total(map(_taxed, lines), currency=currency)
    # By the sum with tax: at mixed rates it can be below zero while the net is not.
    if totals.gross < 0:
        kind = DocumentKind.CREDIT_NOTE
        lines = [line.reversed() for line in lines]
        totals = total(map(_taxed, lines), currency=currency)
    return DraftPlan(
        seller=seller,
        kind=kind,
        tax_group=group,
        currency=currency,
        order_number=order_number,
        lines=tuple(lines),
        totals=totals,
    )


def _taxed(line: PlannedLine) -> TaxedAmount:
    tax = line.tax
    return TaxedAmount(
        line.net, TaxKey(tax.category, tax.rate), tax.exemption_code, tax.exemption_reason
    )


def save_drafts(
    plans: Sequence[DraftPlan], *, account: Account, batch_id: uuid.UUID | None
) -> dict[int, int]:
    """Save the plans as drafts of ``account``; returns each charge's key with its line's key.

    Three statements, however many documents and lines. Needs the account's scope.
    """
    invoices = Invoice.objects.bulk_create(
        [_invoice(plan, account=account, batch_id=batch_id) for plan in plans]
    )
    lines = InvoiceLine.objects.bulk_create(
        [
            _line(planned, invoice=invoice, position=position)
            for invoice, plan in zip(invoices, plans, strict=True)
            for position, planned in enumerate(plan.lines, start=1)
        ]
    )
    InvoiceTaxLine.objects.bulk_create(
        [
            tax_line
            for invoice, plan in zip(invoices, plans, strict=True)
            for tax_line in tax_lines_of(invoice, plan.totals)
        ]
    )
    keys = (planned.charge.key for plan in plans for planned in plan.lines)
    return dict(zip(keys, (line.pk for line in lines), strict=True))


def tax_lines_of(invoice: Invoice, totals: Totals) -> list[InvoiceTaxLine]:
    """Unsaved tax lines for the subtotals of ``totals``."""
    return [
        InvoiceTaxLine(
            account_id=invoice.account_id,
            invoice=invoice,
            category=subtotal.tax.category,
            rate=subtotal.tax.rate,
            taxable_amount=subtotal.taxable_amount,
            tax_amount=subtotal.tax_amount,
            exemption_code=subtotal.exemption_code,
            exemption_reason=subtotal.exemption_reason,
        )
        for subtotal in totals.subtotals
    ]


def apply_totals(invoice: Invoice, totals: Totals) -> None:
    """Set the amounts of BG-22 on ``invoice``, unsaved."""
    invoice.line_total = totals.lines
    invoice.allowance_total = totals.allowances
    invoice.charge_total = totals.charges
    invoice.net_total = totals.net
    invoice.tax_total = totals.tax
    invoice.gross_total = totals.gross
    invoice.prepaid_amount = totals.prepaid
    invoice.rounding_amount = totals.rounding
    invoice.amount_due = totals.due


def _invoice(plan: DraftPlan, *, account: Account, batch_id: uuid.UUID | None) -> Invoice:
    start, end = _period(plan.lines)
    tax_points = {line.charge.tax_point for line in plan.lines}
    invoice = Invoice(
        account=account,
        seller=plan.seller,
        kind=plan.kind,
        tax_group=plan.tax_group,
        batch_id=batch_id,
        tax_point_date=tax_points.pop() if len(tax_points) == 1 else None,
        period_start=start,
        period_end=end,
        locale=account.locale,
        currency=plan.currency,
        accounting_currency=plan.seller.accounting_currency,
        order_number=plan.order_number,
    )
    apply_totals(invoice, plan.totals)
    return invoice


def _period(lines: Iterable[PlannedLine]) -> tuple[date, date]:
    """The days that the lines speak of, half-open: service periods, or tax points without one."""
    starts, ends = [], []
    for line in lines:
        charge = line.charge
        starts.append(charge.period_start or charge.tax_point)
        ends.append(charge.period_end or charge.tax_point + timedelta(days=1))
    return min(starts), max(ends)


def _line(planned: PlannedLine, *, invoice: Invoice, position: int) -> InvoiceLine:
    charge, tax = planned.charge, planned.tax
    return InvoiceLine(
        account_id=invoice.account_id,
        invoice=invoice,
        position=position,
        description=charge.description,
        seller_item_id=charge.item_id,
        source_reference=charge.source_reference,
        quantity=charge.quantity,
        unit_code=charge.unit_code,
        unit_price=charge.unit_price,
        price_base_quantity=charge.price_base_quantity,
        net_amount=planned.net,
        product_category=charge.product_category,
        tax_point=charge.tax_point,
        tax_category=tax.category,
        tax_rate=tax.rate,
        exemption_code=tax.exemption_code,
        exemption_reason=tax.exemption_reason,
        tax_country=tax.country,
        tax_reason=tax.reason,
        period_start=charge.period_start,
        period_end=charge.period_end,
    )
