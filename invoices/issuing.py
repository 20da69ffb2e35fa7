"""Issuing: one transaction that numbers a draft and freezes all that it says.

Locks are taken account → invoice → series, the series last and shortest. Whatever would make the
document invalid is refused before it has a number; a refusal or a crash gives the number back.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import models
from django.utils import timezone

from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from common import bell
from common.money import round_money
from common.scoping import account_scope
from invoices.drafting import apply_totals, tax_lines_of
from invoices.freezing import Customer, buyer_party, payment_means, read_customer, seller_party
from invoices.models import (
    Delivery,
    Document,
    Invoice,
    InvoiceAllowance,
    InvoiceLine,
    InvoiceTaxLine,
    Settlement,
)
from invoices.numbering import NextNumber, lock_next_number, take
from invoices.parties import Party
from invoices.refusals import (
    DraftOutdated,
    ExchangeRateMissing,
    InvoiceEmpty,
    InvoiceNotDraft,
    SellerNotIdentified,
)
from invoices.sealing import VERSION, content_hash, digests
from invoices.taxation import TaxBook, TaxContext, load_tax_book
from invoices.totals import TaxedAmount, TaxKey, total
from mail.addresses import envelope_address


@dataclass(frozen=True, slots=True)
class _Content:
    """A draft's rows as they will be frozen."""

    lines: list[InvoiceLine]
    allowances: list[InvoiceAllowance]
    tax_lines: list[InvoiceTaxLine]
    deliveries: list[Delivery]


def issue_invoice(invoice: Invoice, *, actor: Actor) -> Invoice:
    """Number and freeze a draft, and have it rendered and sent once the transaction commits.

    Returns the issued document, read under lock. Raises InvoiceNotDraft, InvoiceEmpty,
    DraftOutdated, ExchangeRateMissing, SellerNotIdentified, NoNumberSeries, NoBillingAddress,
    UnusableAddress or a refusal of ``taxes.determination``; nothing is changed then.
    """
    with account_scope(invoice.account_id):
        account = Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        drafts = lock_drafts(Invoice.objects.filter(pk=invoice.pk), account=account)
        if not drafts:
            raise InvoiceNotDraft(f"{invoice} has been issued or discarded.")
        return issue_locked(drafts[0], account=account, actor=actor, tax_book=load_tax_book())


def lock_drafts(invoices: "models.QuerySet[Invoice]", *, account: Account) -> list[Invoice]:
    """Lock those of ``invoices`` that are drafts of ``account``, which the caller has locked.

    In the order in which they are to be issued: by seller and kind, so that no two transactions
    wait for each other's series.
    """
    return list(
        invoices.filter(account=account, state=Invoice.State.DRAFT)
        .select_for_update(no_key=True, of=("self",))
        .select_related("seller", "preceding")
        .order_by("seller", "kind", "pk")
    )


def issue_locked(draft: Invoice, *, account: Account, actor: Actor, tax_book: TaxBook) -> Invoice:
    """The same for a caller with the account's scope, ``lock_drafts`` and the rates at hand."""
    draft.account = account
    customer = read_customer(account)
    taxes = tax_book.context(draft.seller, details=customer.details, account=account)
    content = _content(draft, taxes, customer)
    _fill_in(draft, customer, seller_tax_number=_seller_tax_number(draft, content, taxes))
    of_lists = digests(
        lines=content.lines,
        allowances=content.allowances,
        tax_lines=content.tax_lines,
        recipients=content.deliveries,
    )
    Delivery.objects.bulk_create(content.deliveries)
    Document.objects.create(
        account=account, invoice=draft, kind=Document.Kind.PDF, state=Document.State.PENDING
    )
    _number(draft, of_lists)
    Settlement.objects.create(account=account, invoice=draft, total=draft.gross_total)
    record(
        Action.INVOICE_ISSUED,
        actor=actor,
        account_id=account.pk,
        subject=f"invoice {draft.number}",
        details={
            "total": draft.gross_total,
            "currency": draft.currency,
            "recipients": len(content.deliveries),
        },
    )
    bell.ring(bell.RENDER_DOCUMENTS)
    return draft


def _content(draft: Invoice, taxes: TaxContext, customer: Customer) -> _Content:
    """The draft's rows, with taxes determined anew: rates and details may have changed since."""
    lines = list(InvoiceLine.objects.filter(account=draft.account_id, invoice=draft))
    if not lines:
        raise InvoiceEmpty(f"{draft} has no lines.")
    allowances = list(InvoiceAllowance.objects.filter(account=draft.account_id, invoice=draft))
    if changed := [line for line in lines if _retax(line, draft, taxes)]:
        InvoiceLine.objects.bulk_update(changed, _TAX_COLUMNS)
    tax_lines = _total(draft, lines, allowances, retaxed=bool(changed))
    return _Content(lines, allowances, tax_lines, _deliveries(draft, customer))


def _deliveries(draft: Invoice, customer: Customer) -> list[Delivery]:
    """Who gets the document: a credit note goes to the frozen recipients of what it credits.

    Raises UnusableAddress for one that no mail can be sent to, while it can still be mended.
    """
    if draft.preceding_id is not None:
        return [
            Delivery(
                account_id=draft.account_id,
                invoice=draft,
                address=former.address,
                name=former.name,
                reasons=former.reasons,
                may_view=former.may_view,
            )
            for former in Delivery.objects.filter(
                account=draft.account_id, invoice=draft.preceding_id
            ).order_by("pk")
        ]
    for address in (draft.seller.email, *(each.address for each in customer.recipients)):
        envelope_address(address)
    return [
        Delivery(
            account_id=draft.account_id,
            invoice=draft,
            address=recipient.address,
            name=recipient.name,
            reasons=[str(reason) for reason in recipient.reasons],
            may_view=recipient.may_view,
        )
        for recipient in customer.recipients
    ]


_TAX_COLUMNS = (
    "tax_category",
    "tax_rate",
    "exemption_code",
    "exemption_reason",
    "tax_country",
    "tax_reason",
)


def _retax(line: InvoiceLine, draft: Invoice, taxes: TaxContext) -> bool:
    """Give the line its present tax; returns whether that changed it.

    A line that takes back another keeps the rate of what it credits.
    """
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


def _total(
    draft: Invoice,
    lines: list[InvoiceLine],
    allowances: list[InvoiceAllowance],
    *,
    retaxed: bool,
) -> list[InvoiceTaxLine]:
    """Set the draft's totals; returns its tax lines, made anew where a line's tax has changed."""
    on_document = [allowance for allowance in allowances if allowance.line_id is None]
    totals = total(
        (_taxed(line.net_amount, line, rate=line.tax_rate) for line in lines),
        currency=draft.currency,
        allowances=[_taxed_allowance(row) for row in on_document if not row.is_charge],
        charges=[_taxed_allowance(row) for row in on_document if row.is_charge],
        prepaid=draft.prepaid_amount,
        rounding=draft.rounding_amount,
    )
    apply_totals(draft, totals)
    rows = InvoiceTaxLine.objects.filter(account=draft.account_id, invoice=draft)
    stored = list(rows)
    wanted = tax_lines_of(draft, totals)
    if retaxed or not _same_tax(stored, wanted):
        rows.delete()
        return InvoiceTaxLine.objects.bulk_create(wanted)
    return stored


def _same_tax(stored: list[InvoiceTaxLine], wanted: list[InvoiceTaxLine]) -> bool:
    def plain(rows: list[InvoiceTaxLine]) -> set[tuple[str, Decimal, Decimal, Decimal]]:
        return {(row.category, row.rate, row.taxable_amount, row.tax_amount) for row in rows}

    return plain(stored) == plain(wanted)


def _taxed_allowance(row: InvoiceAllowance) -> TaxedAmount:
    return _taxed(row.amount, row, rate=row.tax_rate or Decimal(0))


def _taxed(net: Decimal, row: InvoiceLine | InvoiceAllowance, *, rate: Decimal) -> TaxedAmount:
    return TaxedAmount(
        net, TaxKey(row.tax_category, rate), row.exemption_code, row.exemption_reason
    )


def _seller_tax_number(draft: Invoice, content: _Content, taxes: TaxContext) -> str:
    """BT-31: the number under which the supplies are made. A document has room for one.

    A credit note carries that of the invoice that it credits, wherever the customer is by now.
    """
    if draft.preceding is not None:
        return Party.from_json(draft.preceding.seller_party).tax_number
    numbers = {
        taxes.of(line.product_category, tax_point=line.tax_point).seller_tax_number
        for line in content.lines
    } - {""}
    if len(numbers) > 1:
        raise DraftOutdated(
            f"{draft}: its lines are now supplied under several tax numbers"
            f" ({', '.join(sorted(numbers))}). Discard the draft and run billing again."
        )
    number = next(iter(numbers), "")
    seller = draft.seller
    if not (number or seller.identifier or seller.registration_id):
        raise SellerNotIdentified(
            f"{draft} carries no tax number of {seller}, so it needs another identification: enter"
            " the seller's company registration or identifier."
        )
    return number


def _fill_in(draft: Invoice, customer: Customer, *, seller_tax_number: str) -> None:
    """What the document says besides its amounts and its number, as of this moment."""
    account, seller = customer.account, draft.seller
    draft.locale = account.locale
    draft.buyer_reference = account.buyer_reference
    draft.contract_number = account.contract_number
    draft.project_number = account.project_number
    draft.seller_party = seller_party(
        seller, tax_group=draft.tax_group, tax_number=seller_tax_number
    ).to_json()
    draft.buyer_party = buyer_party(customer, tax_group=draft.tax_group).to_json()
    draft.accounting_currency = seller.accounting_currency
    draft.tax_total_accounting = _accounting_tax(draft)


def _accounting_tax(draft: Invoice) -> Decimal | None:
    """BT-111: the tax in the accounting currency, where that is another than the document's."""
    if draft.accounting_currency == draft.currency:
        return None
    if draft.tax_total == 0:
        return Decimal(0)
    if draft.exchange_rate is None or draft.exchange_rate_date is None:
        raise ExchangeRateMissing(
            f"{draft} is in {draft.currency}: enter the rate at which its tax is stated in"
            f" {draft.accounting_currency}, and the day of that rate."
        )
    return round_money(draft.tax_total * draft.exchange_rate, currency=draft.accounting_currency)


def _number(draft: Invoice, of_lists: dict[str, str]) -> None:
    """Take the next number, under the series' lock from here to the end of the transaction."""
    now = timezone.now()
    preceding = draft.preceding.number if draft.preceding else None
    next_number = lock_next_number(draft.seller, kind=draft.kind, now=now)
    draft.series = next_number.series
    draft.sequence = next_number.sequence
    draft.number = next_number.number
    draft.issue_date = next_number.issue_date
    draft.issued_at = now
    draft.previous_hash = next_number.previous_hash
    draft.due_date = _due_date(draft, next_number)
    draft.payment_means = [means.to_json() for means in payment_means(draft.seller, draft)]
    draft.content_version = VERSION
    draft.content_hash = content_hash(draft, of_lists=of_lists, preceding_number=preceding)
    draft.state = Invoice.State.ISSUED
    take(next_number, content_hash=draft.content_hash)
    draft.save(update_fields=_ISSUED_COLUMNS)


def _due_date(draft: Invoice, next_number: NextNumber) -> date | None:
    """BT-9, by the account's terms or else the seller's; a credit note is not due."""
    if draft.kind == Invoice.Kind.CREDIT_NOTE:
        return None
    days = draft.account.payment_terms_days
    if days is None:
        days = draft.seller.payment_terms_days
    return next_number.issue_date + timedelta(days=days)


_ISSUED_COLUMNS = (
    "state",
    "series",
    "sequence",
    "number",
    "issue_date",
    "issued_at",
    "due_date",
    "locale",
    "accounting_currency",
    "buyer_reference",
    "project_number",
    "contract_number",
    "seller_party",
    "buyer_party",
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
    "content_version",
    "content_hash",
    "previous_hash",
)
