"""A draft's taxes and totals at the moment of issue: rates and details may have changed since."""

from decimal import Decimal

from common.money import ZERO
from invoices.drafting import apply_totals, tax_lines_of
from invoices.models import Invoice, InvoiceAllowance, InvoiceLine, InvoiceTaxLine
from invoices.parties import Party
from invoices.refusals import DraftOutdated
from invoices.taxation import TaxContext
from invoices.totals import TaxedAmount, TaxKey, Totals, total

_TAX_COLUMNS = (
    "tax_category",
    "tax_rate",
    "exemption_code",
    "exemption_reason",
    "tax_country",
    "tax_reason",
)


def retax(draft: Invoice, lines: list[InvoiceLine], *, taxes: TaxContext) -> bool:
    """Give each line its present tax and save those that it changed; whether there were any.

    A line that takes back another keeps the rate of what it credits. Raises DraftOutdated when a
    line no longer belongs on this document, or a refusal of ``taxes.determination``.
    """
    changed = [line for line in lines if _retax_line(line, draft, taxes)]
    if changed:
        InvoiceLine.objects.bulk_update(changed, _TAX_COLUMNS)
    return bool(changed)


def _retax_line(line: InvoiceLine, draft: Invoice, taxes: TaxContext) -> bool:
    if line.credits_line_id is not None:
        return False
    tax = taxes.of(line.product_category, tax_point=line.tax_point)
    if tax.group != draft.tax_group:
        raise DraftOutdated(
            f"{draft}: line {line.position} is now taxed otherwise ({tax.reason}) and belongs on a"
            " document of its own. Discard the draft and run billing again."
        )
    present = (
        tax.category,
        tax.rate,
        tax.exemption_code,
        tax.exemption_reason,
        tax.country,
        tax.reason,
    )
    if present == tuple(getattr(line, column) for column in _TAX_COLUMNS):
        return False
    for column, value in zip(_TAX_COLUMNS, present, strict=True):
        setattr(line, column, value)
    return True


def retotal(
    draft: Invoice,
    lines: list[InvoiceLine],
    allowances: list[InvoiceAllowance],
    *,
    retaxed: bool,
) -> list[InvoiceTaxLine]:
    """Set the draft's totals; returns its tax lines, made anew where a line's tax has changed.

    Raises DraftOutdated when new rates have turned the total's sign.
    """
    totals = _totals(draft, lines, allowances)
    if totals.gross < 0:
        raise DraftOutdated(
            f"{draft}: at the present rates its total is below zero. Discard the draft and run"
            " billing again."
        )
    apply_totals(draft, totals)
    rows = InvoiceTaxLine.objects.filter(account=draft.account_id, invoice=draft)
    stored = list(rows)
    wanted = tax_lines_of(draft, totals)
    if retaxed or not _same_tax(stored, wanted):
        rows.delete()
        return InvoiceTaxLine.objects.bulk_create(wanted)
    return stored


def _totals(draft: Invoice, lines: list[InvoiceLine], allowances: list[InvoiceAllowance]) -> Totals:
    on_document = [allowance for allowance in allowances if allowance.line_id is None]
    return total(
        (_taxed(line.net_amount, line, rate=line.tax_rate) for line in lines),
        currency=draft.currency,
        allowances=[_taxed_allowance(row) for row in on_document if not row.is_charge],
        charges=[_taxed_allowance(row) for row in on_document if row.is_charge],
        prepaid=draft.prepaid_amount,
        rounding=draft.rounding_amount,
    )


def _same_tax(stored: list[InvoiceTaxLine], wanted: list[InvoiceTaxLine]) -> bool:
    def plain(rows: list[InvoiceTaxLine]) -> set[tuple[str, Decimal, Decimal, Decimal, str]]:
        return {
            (row.category, row.rate, row.taxable_amount, row.tax_amount, row.exemption_reason)
            for row in rows
        }

    return plain(stored) == plain(wanted)


def _taxed_allowance(row: InvoiceAllowance) -> TaxedAmount:
    return _taxed(row.amount, row, rate=row.tax_rate or ZERO)


def _taxed(net: Decimal, row: InvoiceLine | InvoiceAllowance, *, rate: Decimal) -> TaxedAmount:
    return TaxedAmount(
        net, TaxKey(row.tax_category, rate), row.exemption_code, row.exemption_reason
    )


def seller_tax_number(draft: Invoice, lines: list[InvoiceLine], *, taxes: TaxContext) -> str:
    """BT-31: the number under which the supplies are made. A document has room for one.

    A credit note carries that of the invoice that it credits, wherever the customer is by now.
    "" outside the scope of tax. Raises DraftOutdated for several numbers.
    """
    if draft.preceding is not None:
        return Party.from_json(draft.preceding.seller_party).tax_number
    numbers = {
        taxes.of(line.product_category, tax_point=line.tax_point).seller_tax_number
        for line in lines
    } - {""}
    if len(numbers) > 1:
        raise DraftOutdated(
            f"{draft}: its lines are now supplied under several tax numbers"
            f" ({', '.join(sorted(numbers))}). Discard the draft and run billing again."
        )
    return next(iter(numbers), "")
