"""Issuing: one transaction that numbers a draft and freezes all that it says.

Locks are taken account → invoice → series, the series last and shortest. Whatever would make the
document invalid is refused before it has a number; a refusal or a crash gives the number back.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from backups import witness
from common import bell
from common.money import ZERO, round_money
from common.scoping import account_scope
from invoices.documents import document_from
from invoices.freezing import (
    Customer,
    buyer_party,
    deliver_to,
    payment_means,
    read_customer,
    seller_party,
)
from invoices.models import (
    Delivery,
    Document,
    Invoice,
    InvoiceAllowance,
    InvoiceLine,
    InvoiceTaxLine,
    Settlement,
)
from invoices.numbering import lock_next_number, take
from invoices.refusals import DraftOutdated, ExchangeRateMissing, InvoiceNotDraft
from invoices.rendering.einvoice.rules import require_sound
from invoices.retaxing import retax, retotal, seller_tax_number
from invoices.sealing import VERSION, content_hash, digests
from invoices.taxation import TaxBook, load_tax_book
from mail.addresses import envelope_address

# What a document is called while it is looked at and has no number yet. Never stored.
_PROVISIONAL_NUMBER: Final = "0"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A draft that lacks nothing but its number, and the hashes of its lists of rows."""

    draft: Invoice
    of_lists: dict[str, str]
    recipients: int


def issue_invoice(invoice: Invoice, *, actor: Actor) -> Invoice:
    """Number and freeze a draft, and have it rendered and sent once the transaction commits.

    Returns the issued document, read under lock. Raises InvoiceNotDraft, DraftOutdated,
    ExchangeRateMissing, WouldBeInvalid, NoNumberSeries, NoBillingAddress, UnusableAddress,
    DatabaseBehind, StorageUnavailable or a refusal of ``taxes.determination``; nothing is changed
    then.
    """
    with account_scope(invoice.account_id):
        account = Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        drafts = lock_drafts(Invoice.objects.filter(pk=invoice.pk), account=account)
        if not drafts:
            raise InvoiceNotDraft(f"{invoice} has been issued or discarded.")
        issue_locked(drafts, account=account, actor=actor, tax_book=load_tax_book())
        return drafts[0]


def lock_drafts(invoices: "QuerySet[Invoice]", *, account: Account) -> list[Invoice]:
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


def issue_locked(
    drafts: Sequence[Invoice], *, account: Account, actor: Actor, tax_book: TaxBook
) -> None:
    """The same for a caller with the account's scope, ``lock_drafts`` and the rates at hand.

    All are prepared before the first number is taken: a series is locked no longer than it needs.
    Numbers that are out may be given again by a database that is older than what has left, so such
    a one gives none.
    """
    witness.require_current()
    customer = read_customer(account)
    prepared = [_prepare(draft, customer, tax_book) for draft in drafts]
    for each in prepared:
        _number(each)
        _settle_and_record(each, actor=actor)
    bell.ring(bell.RENDER_DOCUMENTS)


def _prepare(draft: Invoice, customer: Customer, tax_book: TaxBook) -> _Prepared:
    """Everything about a document but its number, with taxes determined anew."""
    draft.account = customer.account
    taxes = tax_book.context(draft.seller, details=customer.details, account=customer.account)
    mine = {"account": draft.account_id, "invoice": draft}
    lines = list(InvoiceLine.objects.filter(**mine))
    allowances = list(InvoiceAllowance.objects.filter(**mine))
    retaxed = retax(draft, lines, taxes=taxes)
    tax_lines = retotal(draft, lines, allowances, retaxed=retaxed)
    number = seller_tax_number(draft, lines, taxes=taxes)
    _fill_in(draft, customer, lines, seller_number=number)
    _require_sound(draft, lines, allowances, tax_lines)
    deliveries = _deliveries(draft, customer)
    Delivery.objects.bulk_create(deliveries)
    Document.objects.create(
        account=customer.account,
        invoice=draft,
        kind=Document.Kind.PDF,
        state=Document.State.PENDING,
    )
    of_lists = digests(
        lines=lines, allowances=allowances, tax_lines=tax_lines, recipients=deliveries
    )
    return _Prepared(draft, of_lists, len(deliveries))


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


def _fill_in(
    draft: Invoice, customer: Customer, lines: Sequence[InvoiceLine], *, seller_number: str
) -> None:
    """What the document says besides its amounts and its number, as of this moment.

    A credit note speaks of the customer and in the language and currency of what it credits.
    """
    account, seller, preceding = customer.account, draft.seller, draft.preceding
    draft.seller_party = seller_party(
        seller, tax_group=draft.tax_group, tax_number=seller_number
    ).to_json()
    if preceding is None:
        if draft.accounting_currency != seller.accounting_currency:
            raise DraftOutdated(
                f"{draft}: {seller} keeps its books in {seller.accounting_currency} by now."
                " Discard the draft and run billing again."
            )
        draft.locale = account.locale
        draft.buyer_reference = account.buyer_reference
        draft.contract_number = account.contract_number
        draft.project_number = account.project_number
        draft.buyer_party = buyer_party(customer, tax_group=draft.tax_group).to_json()
        draft.deliver_to = deliver_to(account, lines)
    else:
        draft.buyer_reference = preceding.buyer_reference
        draft.contract_number = preceding.contract_number
        draft.project_number = preceding.project_number
        draft.buyer_party = preceding.buyer_party
        draft.deliver_to = preceding.deliver_to
    draft.tax_total_accounting = _accounting_tax(draft)


def _require_sound(
    draft: Invoice,
    lines: Sequence[InvoiceLine],
    allowances: Sequence[InvoiceAllowance],
    tax_lines: Sequence[InvoiceTaxLine],
) -> None:
    """Look at the document as it would be today; its own number and dates come under the lock."""
    sketch = copy(draft)
    sketch.number = _PROVISIONAL_NUMBER
    sketch.issue_date = timezone.localdate(timezone=ZoneInfo(draft.seller.timezone))
    sketch.due_date = _due_date(draft, issue_date=sketch.issue_date)
    sketch.payment_means = [means.to_json() for means in payment_means(draft.seller, sketch)]
    require_sound(document_from(sketch, lines=lines, allowances=allowances, tax_lines=tax_lines))


def _accounting_tax(draft: Invoice) -> Decimal | None:
    """BT-111: the tax in the accounting currency, where that is another than the document's."""
    if draft.accounting_currency == draft.currency:
        return None
    if draft.tax_total == 0:
        return ZERO
    if draft.exchange_rate is None or draft.exchange_rate_date is None:
        raise ExchangeRateMissing(
            f"{draft} is in {draft.currency}: enter the rate at which its tax is stated in"
            f" {draft.accounting_currency}, and the day of that rate."
        )
    return round_money(draft.tax_total * draft.exchange_rate, currency=draft.accounting_currency)


def _number(prepared: _Prepared) -> None:
    """Take the next number, under the series' lock from here to the end of the transaction."""
    draft, now = prepared.draft, timezone.now()
    preceding = draft.preceding.number if draft.preceding else None
    next_number = lock_next_number(draft.seller, kind=draft.kind, now=now)
    draft.series = next_number.series
    draft.sequence = next_number.sequence
    draft.number = next_number.number
    draft.issue_date = next_number.issue_date
    draft.issued_at = now
    draft.previous_hash = next_number.previous_hash
    draft.due_date = _due_date(draft, issue_date=next_number.issue_date)
    draft.payment_means = [means.to_json() for means in payment_means(draft.seller, draft)]
    draft.content_version = VERSION
    draft.content_hash = content_hash(draft, of_lists=prepared.of_lists, preceding_number=preceding)
    draft.state = Invoice.State.ISSUED
    take(next_number, content_hash=draft.content_hash)
    draft.save(update_fields=_ISSUED_COLUMNS)


def _due_date(draft: Invoice, *, issue_date: date) -> date | None:
    """BT-9, by the account's terms or else the seller's; a credit note is not due."""
    if draft.kind == Invoice.Kind.CREDIT_NOTE:
        return None
    days = draft.account.payment_terms_days
    if days is None:
        days = draft.seller.payment_terms_days
    return issue_date + timedelta(days=days)


def _settle_and_record(prepared: _Prepared, *, actor: Actor) -> None:
    draft = prepared.draft
    Settlement.objects.create(account_id=draft.account_id, invoice=draft, total=draft.gross_total)
    record(
        Action.INVOICE_ISSUED,
        actor=actor,
        account_id=draft.account_id,
        subject=f"invoice {draft.number}",
        details={
            "total": draft.gross_total,
            "currency": draft.currency,
            "recipients": prepared.recipients,
        },
    )


_ISSUED_COLUMNS = (
    "state",
    "series",
    "sequence",
    "number",
    "issue_date",
    "issued_at",
    "due_date",
    "locale",
    "buyer_reference",
    "project_number",
    "contract_number",
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
    "content_version",
    "content_hash",
    "previous_hash",
)
