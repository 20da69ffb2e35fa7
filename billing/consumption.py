"""Due billing entries of one account become drafts; each entry is consumed by exactly one line.

The entries of an account are drafted under the account's lock, so that two runs at once bill
nothing twice: the second one waits, and then finds them consumed.
"""

import uuid
from dataclasses import dataclass
from datetime import date

from django.db import connection

from accounts.contacts import read_billing_details
from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from billing.models import BillingEntry
from common.scoping import account_scope
from invoices.drafting import Charge, DraftPlan, plan_drafts, save_drafts
from invoices.issuing import lock_drafts
from invoices.models import Invoice, InvoiceAllowance, InvoiceLine, InvoiceTaxLine, Seller
from invoices.refusals import InvoiceNotDraft
from invoices.taxation import TaxBook, load_tax_book


class EntriesTaken(RuntimeError):
    """Entries were consumed although the account was locked: a bug, somebody wrote around it."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Sellers, rates and registrations: read once for a whole run."""

    sellers: dict[int, Seller]
    taxes: TaxBook


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """What is drafted for an account, and how many of its due charges wait for an order number."""

    drafts: list[DraftPlan]
    waiting: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to draft."""
        return bool(self.drafts)


def load_rulebook() -> Rulebook:
    """What is on file at this moment, in four statements."""
    return Rulebook(sellers=Seller.objects.in_bulk(), taxes=load_tax_book())


def draft_account(
    account_pk: int, *, as_of: date, rules: Rulebook, batch_id: uuid.UUID
) -> AccountPlan:
    """Draft what is due by ``as_of``; returns what was drafted, which may be nothing.

    A constant number of statements however many entries. Needs the account's scope. Raises refusals
    of ``taxes.determination`` and of ``invoices``.
    """
    account = Account.objects.select_for_update(no_key=True).get(pk=account_pk)
    plan = plan_account(account, as_of=as_of, rules=rules)
    if plan:
        _consume(save_drafts(plan.drafts, account=account, batch_id=batch_id))
    return plan


def plan_account(account: Account, *, as_of: date, rules: Rulebook) -> AccountPlan:
    """What billing ``account`` as of a day would draft. Writes nothing; needs its scope.

    A charge without an order number stays due, where the account requires one.
    """
    entries = BillingEntry.objects.filter(
        account=account, invoice_line__isnull=True, due_on__lte=as_of
    ).order_by("tax_point", "id")
    groups: dict[tuple[int, str, str], list[Charge]] = {}
    waiting = 0
    for entry in entries:
        # One order per document (EN 16931 BT-13); the account's own stands in for none.
        order_number = entry.order_number or account.order_number
        if account.order_number_required and not order_number:
            waiting += 1
            continue
        key = (entry.seller_id, entry.currency, order_number)
        groups.setdefault(key, []).append(_charge(entry))
    if not groups:
        return AccountPlan([], waiting)
    details = read_billing_details(account)
    plans: list[DraftPlan] = []
    for (seller_pk, currency, order_number), charges in sorted(groups.items()):
        seller = rules.sellers[seller_pk]
        plans += plan_drafts(
            charges,
            seller=seller,
            currency=currency,
            order_number=order_number,
            taxes=rules.taxes.context(seller, details=details, account=account),
        )
    return AccountPlan(plans, waiting)


def discard_draft(invoice: Invoice, *, actor: Actor) -> None:
    """Delete a draft; its entries are free to be billed again. Raises InvoiceNotDraft."""
    with account_scope(invoice.account_id):
        account = Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        drafts = lock_drafts(Invoice.objects.filter(pk=invoice.pk), account=account)
        if not drafts:
            raise InvoiceNotDraft(f"{invoice} has been issued or discarded.")
        [draft] = drafts
        lines = InvoiceLine.objects.filter(account=draft.account_id, invoice=draft)
        BillingEntry.objects.filter(account=draft.account_id, invoice_line__in=lines).update(
            invoice_line=None
        )
        InvoiceAllowance.objects.filter(account=draft.account_id, invoice=draft).delete()
        InvoiceTaxLine.objects.filter(account=draft.account_id, invoice=draft).delete()
        lines.delete()
        draft.delete()
        record(
            Action.DRAFT_DISCARDED,
            actor=actor,
            account_id=invoice.account_id,
            subject=f"draft {invoice.public_id}",
            details={"total": draft.gross_total, "currency": draft.currency},
        )


def _charge(entry: BillingEntry) -> Charge:
    return Charge(
        key=entry.pk,
        description=entry.description,
        item_id=entry.item_id,
        quantity=entry.quantity,
        unit_code=entry.unit_code,
        unit_price=entry.unit_price,
        price_base_quantity=entry.price_base_quantity,
        product_category=entry.product_category,
        tax_point=entry.tax_point,
        period_start=entry.period_start,
        period_end=entry.period_end,
        source_reference=entry.source_reference,
    )


def _consume(lines_by_entry: dict[int, int]) -> None:
    """Tie each entry to its line in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_billingentry AS entry SET invoice_line_id = pair.line"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS pair(entry, line)"
            " WHERE entry.id = pair.entry AND entry.invoice_line_id IS NULL",
            [list(lines_by_entry), list(lines_by_entry.values())],
        )
        if cursor.rowcount != len(lines_by_entry):
            raise EntriesTaken
