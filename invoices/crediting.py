"""Correcting an issued invoice: a credit note takes it back, line by line, at its own rates."""

from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from common.scoping import account_scope
from invoices.drafting import apply_totals, tax_lines_of
from invoices.issuing import issue_invoice
from invoices.models import Invoice, InvoiceAllowance, InvoiceLine, InvoiceTaxLine, Settlement
from invoices.refusals import CannotCredit
from invoices.totals import TaxedAmount, TaxKey, total


def credit_invoice(invoice: Invoice, *, actor: Actor) -> Invoice:
    """Credit ``invoice`` in full and issue the credit note, in one transaction.

    The credit note (UNTDID 381) has positive amounts, names the invoice (BG-3) and goes to its
    frozen recipients. Each line keeps the tax of the line that it credits, whatever the law or the
    customer's details have become since. Raises CannotCredit, or what issuing raises.
    """
    with account_scope(invoice.account_id):
        account = Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        original = (
            Invoice.objects.select_for_update(no_key=True, of=("self",))
            .select_related("seller")
            .get(pk=invoice.pk, account=account)
        )
        settlement = _creditable(original)
        draft = _draft(original)
        note = issue_invoice(draft, actor=actor)
        settlement.credited = original.gross_total
        settlement.save(update_fields=["credited"])
        record(
            Action.INVOICE_CREDITED,
            actor=actor,
            account_id=account.pk,
            subject=f"invoice {original.number}",
            details={"credit_note": note.number, "total": note.gross_total},
        )
    return note


def _creditable(original: Invoice) -> Settlement:
    if original.kind != Invoice.Kind.INVOICE or original.state != Invoice.State.ISSUED:
        raise CannotCredit(f"{original} is not an issued invoice, so it cannot be credited.")
    settlement = Settlement.objects.select_for_update(no_key=True).get(
        invoice=original, account=original.account_id
    )
    credited_by = Invoice.objects.filter(preceding=original, account=original.account_id)
    if credited_by.exclude(state=Invoice.State.VOID).exists():
        raise CannotCredit(f"{original} has been credited already.")
    if settlement.allocated or settlement.credit_applied or settlement.written_off:
        raise CannotCredit(f"{original} has been settled in part, so it cannot be credited whole.")
    if InvoiceAllowance.objects.filter(invoice=original, account=original.account_id).exists():
        raise CannotCredit(f"{original} has allowances or charges: credit it by hand.")
    return settlement


def _draft(original: Invoice) -> Invoice:
    lines = list(InvoiceLine.objects.filter(invoice=original, account=original.account_id))
    totals = total(
        (
            TaxedAmount(
                line.net_amount,
                TaxKey(line.tax_category, line.tax_rate),
                line.exemption_code,
                line.exemption_reason,
            )
            for line in lines
        ),
        currency=original.currency,
    )
    draft = Invoice(
        account_id=original.account_id,
        seller=original.seller,
        kind=Invoice.Kind.CREDIT_NOTE,
        tax_group=original.tax_group,
        preceding=original,
        tax_point_date=original.tax_point_date,
        delivery_date=original.delivery_date,
        period_start=original.period_start,
        period_end=original.period_end,
        locale=original.locale,
        currency=original.currency,
        accounting_currency=original.accounting_currency,
        exchange_rate=original.exchange_rate,
        exchange_rate_date=original.exchange_rate_date,
        exchange_rate_source=original.exchange_rate_source,
        order_number=original.order_number,
    )
    apply_totals(draft, totals)
    draft.save(force_insert=True)
    InvoiceLine.objects.bulk_create([_credited(line, draft) for line in lines])
    InvoiceTaxLine.objects.bulk_create(tax_lines_of(draft, totals))
    return draft


# What a line of a credit note takes over from the line that it credits: all but these.
_OWN_COLUMNS = frozenset({"id", "invoice", "credits_line"})


def _credited(line: InvoiceLine, draft: Invoice) -> InvoiceLine:
    taken_over = {
        field.attname: getattr(line, field.attname)
        for field in InvoiceLine._meta.concrete_fields
        if field.name not in _OWN_COLUMNS
    }
    return InvoiceLine(invoice=draft, credits_line=line, **taken_over)
