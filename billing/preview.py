"""What a billing run would issue, and how it compares with what each account was billed before."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from uuid import UUID

from django.db import connection

from accounts.models import Account
from billing.consumption import Rulebook, load_rulebook, plan_account
from billing.models import BillingEntry
from common.exceptions import DomainError
from common.scoping import all_accounts_scope
from invoices.drafting import DraftPlan

_ACCOUNTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class TotalKey:
    """Totals are compared within one account, seller and currency."""

    account_pk: int
    seller_pk: int
    currency: str


@dataclass(frozen=True, slots=True)
class AccountPreview:
    """What a run would draft for one account, or the reason why it would not."""

    account: Account
    plans: tuple[DraftPlan, ...] = ()
    # Gross of the run before, credit notes negative; only for keys that were billed before.
    previous: dict[TotalKey, Decimal] | None = None
    refusal: str = ""
    # Charges that would stay due for want of an order number.
    waiting: int = 0

    def totals(self) -> dict[TotalKey, Decimal]:
        """Gross by seller and currency, credit notes negative."""
        found: dict[TotalKey, Decimal] = {}
        for plan in self.plans:
            key = TotalKey(self.account.pk, plan.seller.pk, plan.currency)
            found[key] = found.get(key, Decimal(0)) + plan.signed_gross
        return found


def preview_run(*, as_of: date, only_account: Account | None = None) -> Iterator[AccountPreview]:
    """Account by account, in the order of their keys, in constant memory. Writes nothing.

    Each chunk is read in a transaction that the database itself keeps from writing.
    """
    rules = load_rulebook()
    accounts = [only_account.pk] if only_account else _accounts_with_something_due(as_of)
    for chunk in _chunks(accounts, _ACCOUNTS_AT_ONCE):
        with all_accounts_scope("previewing a billing run"):
            _forbid_writing()
            previews = list(_preview_chunk(chunk, as_of=as_of, rules=rules))
        yield from previews


def previous_totals(
    account_pks: Sequence[int], *, besides: UUID | None = None
) -> dict[TotalKey, Decimal]:
    """Gross of each account's newest billing run that issued something; credit notes are negative.

    ``besides`` leaves a run out: the one that is compared. Needs a scope over the accounts.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (account_id, seller_id, currency)"
            "  account_id, seller_id, currency,"
            "  sum(CASE kind WHEN 'credit_note' THEN -gross_total ELSE gross_total END)"
            " FROM invoices_invoice"
            " WHERE account_id = ANY(%s) AND state <> 'draft' AND batch_id IS NOT NULL"
            "  AND batch_id IS DISTINCT FROM %s"
            " GROUP BY account_id, seller_id, currency, batch_id"
            " ORDER BY account_id, seller_id, currency, max(issued_at) DESC",
            [list(account_pks), besides],
        )
        return {
            TotalKey(account, seller, currency): total
            for account, seller, currency, total in cursor.fetchall()
        }


def _accounts_with_something_due(as_of: date) -> list[int]:
    with all_accounts_scope("previewing a billing run"):
        due = BillingEntry.objects.filter(invoice_line__isnull=True, due_on__lte=as_of)
        return list(due.order_by("account").values_list("account", flat=True).distinct())


def _preview_chunk(
    account_pks: Sequence[int], *, as_of: date, rules: Rulebook
) -> Iterator[AccountPreview]:
    before: dict[int, dict[TotalKey, Decimal]] = {}
    for key, total in previous_totals(account_pks).items():
        before.setdefault(key.account_pk, {})[key] = total
    for account in Account.objects.filter(pk__in=account_pks).order_by("pk"):
        try:
            plan = plan_account(account, as_of=as_of, rules=rules)
        except DomainError as refusal:
            yield AccountPreview(account, refusal=str(refusal))
            continue
        yield AccountPreview(
            account, tuple(plan.drafts), before.get(account.pk, {}), waiting=plan.waiting
        )


def _forbid_writing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('transaction_read_only', 'on', true)")


def _chunks(items: Iterable[int], size: int) -> Iterator[list[int]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
