"""Number series that give no numbers."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from billing.billing_run import due_day
from billing.models import BillingEntry
from invoices.models import NumberSeries, Seller
from invoices.models.sellers import DocumentKind
from watching.alarms import Alarm, Code
from watching.looks.pages import table_page

# Issuing holds a series for milliseconds, and the largest account for seconds. Seen held for as
# long with the same last number, it is blocked.
BLOCKED_LIMIT = timedelta(seconds=60)


def blocked_series(at: datetime) -> Iterator[Alarm]:
    """Current series whose row is locked at this moment; they count once it has stayed so.

    The last number is part of the subject: a series that gives one is another case from then on.
    How long the lock has been held, the database tells its holder's role only, so it is watched.
    Locks are taken to find out, and given back with the look's transaction.
    """
    current = NumberSeries.objects.filter(is_current=True)
    free = set(
        current.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)
    )
    for series in current.select_related("seller").order_by("pk"):
        if series.pk not in free:
            yield Alarm(
                code=Code.SERIES_BLOCKED,
                subject=f"{series.prefix} after {series.last_sequence}",
                says=f"The number series {series.prefix}… of {series.seller} is held by one"
                " transaction: nothing can be issued on it.",
                page=table_page(NumberSeries),
                counts_after=BLOCKED_LIMIT,
            )


def missing_series(at: datetime) -> Iterator[Alarm]:
    """Sellers with charges that are due and no series to issue them on."""
    current = NumberSeries.objects.filter(
        seller=OuterRef("pk"), kind=DocumentKind.INVOICE, is_current=True
    )
    due = BillingEntry.objects.filter(invoice_line=None, due_on__lte=due_day(at))
    for seller in Seller.objects.exclude(Exists(current)).order_by("pk"):
        if due.filter(seller=seller).exists():
            yield Alarm(
                code=Code.SERIES_MISSING,
                subject=seller.code,
                says=f"{seller} has charges that are due, and no current number series for"
                " invoices.",
                page=table_page(NumberSeries),
            )
