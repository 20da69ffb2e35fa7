from datetime import timedelta

from celery import shared_task

from audit.recording import Actor
from billing.billing_run import start_daily_run
from billing.working import work_runs
from common import bell

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
    """Start the daily run, unless the day has had it."""
    start_daily_run(actor=Actor.system("daily billing"))
