"""The billing run: due entries of every account become drafts, and drafts become documents.

A run is rows: one item an account, claimed by whichever process works the run (the command that
started it, or workers). ``pending → drafted``, then the run waits for approval or goes on by itself
within the seller's limits (``billing.approval``), then ``approved → issued``. A process that is
killed leaves a lease that runs out; what it had committed stays, and nothing is done twice.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection
from django.db.models import Count
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from billing.consumption import discard_draft
from billing.models import BillingRun, BillingRunItem
from billing.queues import DRAFT_QUEUE, ISSUE_QUEUE
from billing.refusals import ItemBusy, ItemNotParked, RunNotStopped, RunNotWaiting, RunStopped
from common import bell
from common.scoping import account_scope, all_accounts_scope
from invoices.models import Invoice, Seller
from mail.outbox import release, withhold

# The daily run of a day starts when the day is this old for all sellers: what is told in the small
# hours about the day before still gets there first.
_DAILY_RUN_STARTS = timedelta(hours=3, minutes=15)


def due_day(now: datetime | None = None) -> date:
    """The day at ``now``, as a billing run means it: the earliest of the sellers' days.

    Nothing is billed before its day has come for all. Without a seller, the day in UTC.
    """
    now = now or timezone.now()
    zones = set(Seller.objects.values_list("timezone", flat=True))
    return min((now.astimezone(ZoneInfo(zone)).date() for zone in zones), default=now.date())


def start_daily_run(*, actor: Actor) -> BillingRun | None:
    """Start the newest day's run; None when it was started before, or by somebody else just now.

    Asked every so often, so a scheduler that was away at the hour, or for days, is no harm: the
    database knows which day has had its run, and a run bills all that has become due until then.
    """
    day = due_day(timezone.now() - _DAILY_RUN_STARTS)
    had_its_run = BillingRun.objects.filter(daily_for__gte=day)
    if had_its_run.exists():
        return None
    try:
        return start_run(as_of=day, actor=actor, daily_for=day)
    except IntegrityError:
        if had_its_run.exists():
            return None
        raise


def start_run(
    *,
    as_of: date,
    actor: Actor,
    only_account: Account | None = None,
    approve_at_once: bool = False,
    daily_for: date | None = None,
) -> BillingRun:
    """Record a run with one item for each account that has something due, and ring for workers.

    Two runs at once share no work that matters: an account's entries are drafted under its lock.
    Raises IntegrityError when the day ``daily_for`` has had its run.
    """
    with all_accounts_scope("a billing run covers every account"):
        run = BillingRun.objects.create(
            as_of=as_of,
            only_account=only_account,
            approve_at_once=approve_at_once,
            daily_for=daily_for,
            started_by=actor.label,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO billing_billingrunitem"
                " (run_id, account_id, state, attempts, last_error)"
                " SELECT %(run)s, account_id, %(pending)s, 0, ''"
                " FROM billing_billingentry"
                " WHERE invoice_line_id IS NULL AND due_on <= %(as_of)s"
                "   AND (%(account)s::bigint IS NULL OR account_id = %(account)s::bigint)"
                " GROUP BY account_id ORDER BY account_id",
                {
                    "run": run.pk,
                    "pending": BillingRunItem.State.PENDING,
                    "as_of": as_of,
                    "account": only_account.pk if only_account else None,
                },
            )
            accounts = cursor.rowcount
        record(
            Action.BILLING_RUN_STARTED,
            actor=actor,
            subject=f"billing run {run.pk}",
            details={"as_of": as_of, "accounts": accounts, "approve": approve_at_once},
        )
        bell.ring(bell.WORK_BILLING_RUNS)
    return run


def approve_run(run: BillingRun, *, actor: Actor) -> None:
    """Let a waiting run's drafts be issued. Raises RunNotWaiting."""
    with all_accounts_scope("approving a billing run"):
        run = BillingRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if run.state != BillingRun.State.WAITING:
            raise RunNotWaiting(f"The {run} cannot be approved.")
        let_issue(run, actor=actor)


def stop_run(run: BillingRun, *, actor: Actor) -> int:
    """Issue nothing more of the run and hold its mail that has not left; returns how many messages.

    Drafts stay, to be looked at and discarded. Raises RunNotStopped when it was stopped before.
    """
    with all_accounts_scope("stopping a billing run"):
        run = BillingRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if run.state == BillingRun.State.STOPPED:
            raise RunNotStopped(f"The {run} has been stopped before.")
        unfinished = (
            *DRAFT_QUEUE.due_states,
            *ISSUE_QUEUE.due_states,
            BillingRunItem.State.DRAFTED,
        )
        run.items.filter(state__in=unfinished).update(state=BillingRunItem.State.STOPPED)
        run.state = BillingRun.State.STOPPED
        run.save(update_fields=["state"])
        held = withhold(run.pk)
        record(
            Action.BILLING_RUN_STOPPED,
            actor=actor,
            subject=f"billing run {run.pk}",
            details={"messages_held": held},
        )
    return held


def resume_run(run: BillingRun, *, actor: Actor) -> None:
    """Take a stopped run up again where it was, and let its mail go. Raises RunNotStopped."""
    with all_accounts_scope("resuming a billing run"):
        run = BillingRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if run.state != BillingRun.State.STOPPED:
            raise RunNotStopped(f"The {run} has not been stopped.")
        # Drafting again is safe: what was drafted is consumed and found no more.
        run.items.filter(state=BillingRunItem.State.STOPPED).update(
            state=BillingRunItem.State.PENDING, next_attempt_at=Now()
        )
        _reopen(run)
        released = release(run.pk)
        record(
            Action.BILLING_RUN_RESUMED,
            actor=actor,
            subject=f"billing run {run.pk}",
            details={"messages_released": released},
        )
        bell.ring(bell.WORK_BILLING_RUNS)


def retry_item(item: BillingRunItem, *, actor: Actor) -> None:
    """Take up a parked account of a run again, once its cause is gone.

    Raises ItemNotParked, or RunStopped."""
    with all_accounts_scope("retrying an account of a billing run"):
        run = BillingRun.objects.select_for_update(no_key=True).get(pk=item.run_id)
        if run.state == BillingRun.State.STOPPED:
            raise RunStopped(f"The {run} is stopped: resume it before its accounts are retried.")
        again = run.items.filter(pk=item.pk, state=BillingRunItem.State.PARKED).update(
            state=BillingRunItem.State.PENDING, attempts=0, next_attempt_at=Now()
        )
        if not again:
            raise ItemNotParked("This account is not parked, so there is nothing to retry.")
        _reopen(run)
        record(
            Action.BILLING_RUN_ITEM_RETRIED,
            actor=actor,
            account_id=item.account_id,
            subject=f"billing run item {item.pk}",
        )
        bell.ring(bell.WORK_BILLING_RUNS)


def _reopen(run: BillingRun) -> None:
    run.state = BillingRun.State.DRAFTING
    run.finished_at = None
    run.save(update_fields=["state", "finished_at"])


def discard_item(item: BillingRunItem, *, actor: Actor) -> None:
    """Discard what the run drafted for one account; its charges are due again for the next run.

    Raises ItemBusy while the account is being worked on, has been approved or issued.
    """
    with account_scope(item.account_id):
        given_up = BillingRunItem.objects.filter(pk=item.pk, state__in=_DISCARDABLE).update(
            state=BillingRunItem.State.DISCARDED
        )
        if not given_up:
            raise ItemBusy("This account is approved, issued or in a worker's hands.")
        for draft in Invoice.objects.filter(
            batch_id=item.run_id, account=item.account_id, state=Invoice.State.DRAFT
        ):
            discard_draft(draft, actor=actor)


_DISCARDABLE = (
    BillingRunItem.State.DRAFTED,
    BillingRunItem.State.PARKED,
    BillingRunItem.State.STOPPED,
)


def counts(run: BillingRun) -> dict[str, int]:
    """How many of the run's accounts are in which state."""
    with all_accounts_scope("progress of a billing run"):
        by_state = run.items.values_list("state").annotate(Count("pk")).order_by("state")
        return dict(by_state)


def let_issue(run: BillingRun, *, actor: Actor) -> None:
    """Hand a run's drafts to the issuing queue. The caller has locked the run."""
    drafted = run.items.filter(state=BillingRunItem.State.DRAFTED)
    accounts = drafted.update(state=BillingRunItem.State.APPROVED, next_attempt_at=Now())
    run.state = BillingRun.State.ISSUING
    run.approved_by = run.started_by if run.approve_at_once else actor.label
    run.save(update_fields=["state", "approved_by", "waiting_because"])
    record(
        Action.BILLING_RUN_APPROVED,
        actor=actor,
        subject=f"billing run {run.pk}",
        details={"accounts": accounts, "approved_by": run.approved_by},
    )
    bell.ring(bell.WORK_BILLING_RUNS)
