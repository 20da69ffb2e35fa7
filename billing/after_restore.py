"""Billing runs of a database that was set back: charges of documents that it lost are due again."""

from audit.recording import Actor
from backups.models import Setback
from backups.setbacks import Acknowledgement
from billing.billing_run import stop_run
from billing.models import BillingRun
from common.counting import counted

_ACTOR = Actor.system("acknowledged restore")


def stop_moving_runs(decided: Acknowledgement) -> str:
    """Stop runs that would go on by themselves; says how many. A person resumes them.

    What they would issue may have been issued before, under numbers that this database has lost.
    """
    moving = BillingRun.objects.filter(
        state__in=(BillingRun.State.DRAFTING, BillingRun.State.ISSUING)
    )
    stopped = [stop_run(run, actor=_ACTOR) for run in moving]
    if not stopped:
        return ""
    runs = counted(len(stopped), "billing run is", plural="billing runs are")
    return f"{runs} stopped: look at the drafts, then resume in the admin what is right."


def reason_to_look_first() -> str:
    """Why a run waits whatever its seller's limits; empty once one was approved since the restore.

    Needs a scope over all accounts.
    """
    acknowledged = Setback.objects.filter(acknowledged_at__isnull=False)
    newest = acknowledged.order_by("-acknowledged_at").first()
    if newest is None:
        return ""
    approved_since = BillingRun.objects.exclude(approved_by="").filter(
        created_at__gt=newest.acknowledged_at, only_account__isnull=True
    )
    if approved_since.exists():
        return ""
    return (
        "It is the first run since the database was set back: charges of documents that were lost"
        " then are due again."
    )
