from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from celery import shared_task
from django.utils import timezone

from audit.recording import Actor
from billing.billing_run import start_run, work_runs
from common import bell
from invoices.models import Seller

# Shorter than a worker's soft shutdown (30 s): a stopped worker ends between two accounts.
_BUDGET = timedelta(seconds=20)


@shared_task(name=bell.WORK_BILLING_RUNS)
def work_billing_runs() -> None:
    """Draft and issue what billing runs have due. Takes no payload: the rows say what is to do."""
    bell.answered(bell.WORK_BILLING_RUNS)
    if not work_runs(budget=_BUDGET):
        bell.ring(bell.WORK_BILLING_RUNS)


@shared_task(name="billing.tasks.bill_due_entries")
def bill_due_entries() -> None:
    """Start the daily run. A second one on the same day finds everything consumed."""
    sellers = Seller.objects.all()
    if sellers:
        now = timezone.now()
        # The earliest of the sellers' days: nothing is billed before its day has come for all.
        as_of = min(_today(seller, now) for seller in sellers)
        start_run(as_of=as_of, actor=Actor.system("daily billing"))


def _today(seller: Seller, now: datetime) -> date:
    return now.astimezone(ZoneInfo(seller.timezone)).date()
