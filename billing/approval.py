"""Whether a run's drafts may be issued without a person (docs/decisions/0014).

Each seller has three limits; a run goes on by itself only when all are set and none is passed.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, Count, F, Sum, When

from billing.models import BillingRun
from billing.preview import TotalKey, previous_totals
from common.counting import counted
from common.money import ZERO, in_figures
from invoices.models import Invoice, Seller

_PER_CENT = Decimal(100)
# Rows fetched at a time; only the sums are kept.
_KEYS_AT_ONCE = 10_000


@dataclass(slots=True)
class _Sum:
    documents: int = 0
    # Invoices and credit notes added up without their signs: a run that credits everybody by
    # mistake must wait as well.
    turnover: Decimal = ZERO


def reasons_to_wait(run: BillingRun) -> str:
    """Why the drafts of ``run`` need approval, in sentences for staff; empty when they need none.

    An account that was never billed before has nothing to compare with, and waits. So does a draft
    in another currency than the seller's limits are in. Needs a scope over all accounts.
    """
    drafts = Invoice.objects.filter(batch_id=run.pk, state=Invoice.State.DRAFT)
    grouped = (
        drafts.values("account_id", "seller_id", "currency")
        .annotate(
            number_of_documents=Count("pk"),
            turnover=Sum("gross_total"),
            total=Sum(
                Case(
                    When(kind=Invoice.Kind.CREDIT_NOTE, then=-F("gross_total")),
                    default=F("gross_total"),
                )
            ),
        )
        .order_by("account_id", "seller_id", "currency")
    )
    sums: dict[int, _Sum] = defaultdict(_Sum)
    present: dict[TotalKey, Decimal] = {}
    for row in grouped.iterator(chunk_size=_KEYS_AT_ONCE):
        present[TotalKey(row["account_id"], row["seller_id"], row["currency"])] = row["total"]
        sums[row["seller_id"]].documents += row["number_of_documents"]
        sums[row["seller_id"]].turnover += row["turnover"]
    sellers = Seller.objects.in_bulk(sums)
    reasons = [
        reason
        for seller_pk, seller in sorted(sellers.items())
        for reason in _reasons(seller, sums[seller_pk], present, run=run)
    ]
    return " ".join(reasons)


def _reasons(
    seller: Seller, found: _Sum, present: dict[TotalKey, Decimal], *, run: BillingRun
) -> Iterator[str]:
    limits = (
        seller.approval_total_limit,
        seller.approval_count_limit,
        seller.approval_change_limit,
    )
    total_limit, count_limit, change_limit = limits
    if total_limit is None or count_limit is None or change_limit is None:
        yield f"{seller} has no limits within which drafts are issued without approval."
        return
    currency = seller.accounting_currency
    own = {key: total for key, total in present.items() if key.seller_pk == seller.pk}
    if any(key.currency != currency for key in own):
        yield f"{seller} has drafts in another currency than {currency}, which its limits are in."
    if found.documents > count_limit:
        documents, are = counted(found.documents, "document"), _are(found.documents)
        yield f"{documents} of {seller} {are} more than {count_limit}."
    if found.turnover > total_limit:
        turnover = in_figures(found.turnover, currency=currency)
        limit = in_figures(total_limit, currency=currency)
        yield f"{turnover} of {seller} is more than {limit}."
    first, changed = _compare(own, change_limit, run=run)
    if first:
        accounts = counted(first, "account")
        yield f"{accounts} {_are(first)} billed by {seller} for the first time."
    if changed:
        changes = counted(changed, "account changes", plural="accounts change")
        yield f"{changes} by more than {change_limit.normalize():f} %."


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _compare(
    present: dict[TotalKey, Decimal], change_limit: Decimal, *, run: BillingRun
) -> tuple[int, int]:
    """How many totals have nothing to compare with, and how many differ by more than the limit."""
    before = previous_totals(sorted({key.account_pk for key in present}), besides=run.pk)
    first = sum(key not in before for key in present)
    changed = sum(
        abs(total - before[key]) * _PER_CENT > change_limit * abs(before[key])
        for key, total in present.items()
        if key in before
    )
    return first, changed
