"""Billing runs that do not start or do not go on."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef

from billing.billing_run import due_day
from billing.models import BillingRun, BillingRunItem
from billing.queues import DRAFT_QUEUE, ISSUE_QUEUE
from common.counting import counted
from invoices.models import Seller
from watching.alarms import Alarm, Code
from watching.looks.pages import table_page
from watching.signs import BEAT, latest_signs

# A day's run starts when the day is 3 h 15 min old and is asked for every 15 minutes: by this age
# of the day it is there.
DAILY_RUN_LIMIT = timedelta(hours=5)
# A beat that has just been started, perhaps after days, gets to it in a quarter of an hour.
BEAT_ASKS_WITHIN = timedelta(minutes=20)
# From a run's start until it can be judged; also covers the moment between two steps.
STUCK_LIMIT = timedelta(minutes=10)


def daily_run(at: datetime) -> Iterator[Alarm]:
    """The newest day that should have had its run, and has not. Without a seller none does."""
    asking_since = latest_signs()[BEAT].steady_since
    if asking_since is None or at - asking_since < BEAT_ASKS_WITHIN:
        return
    day = due_day(at - DAILY_RUN_LIMIT)
    if Seller.objects.exists() and not BillingRun.objects.filter(daily_for__gte=day).exists():
        yield Alarm(
            code=Code.DAILY_RUN_MISSING,
            says=f"The billing run of {day:%Y-%m-%d} has not been started.",
            page=table_page(BillingRun),
        )


def stuck_runs(at: datetime) -> Iterator[Alarm]:
    """Runs that nothing keeps from going on: whoever ends the last account moves its run on."""
    unfinished = BillingRunItem.objects.filter(
        DRAFT_QUEUE.unfinished() | ISSUE_QUEUE.unfinished(), run=OuterRef("pk")
    )
    stuck = BillingRun.objects.filter(
        ~Exists(unfinished),
        state__in=(BillingRun.State.DRAFTING, BillingRun.State.ISSUING),
        created_at__lt=at - STUCK_LIMIT,
    )
    found = stuck.aggregate(count=Count("pk"), since=Min("created_at"))
    if found["count"]:
        yield Alarm(
            code=Code.RUN_STUCK,
            says=f"{counted(found['count'], 'billing run does', plural='billing runs do')}"
            " not go on, though every account is through.",
            since=found["since"],
            count=found["count"],
            page=table_page(BillingRun),
        )
