"""The billing run: due entries of every account become drafts, and drafts become documents.

A run is rows: one item an account, claimed by whichever process works the run (the command that
started it, or workers). ``pending → drafted``, then the run waits for approval or goes on by itself
within the seller's limits (``billing.approval``), then ``approved → issued``. A process that is
killed leaves a lease that runs out; what it had committed stays, and nothing is done twice.
"""

import logging
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.db.models import Count
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Account
from audit.actions import Action
from audit.recording import Actor, record
from billing.approval import reasons_to_wait
from billing.consumption import Rulebook, discard_draft, draft_account
from billing.models import DRAFT_QUEUE, ISSUE_QUEUE, BillingRun, BillingRunItem
from common import bell
from common.claims import (
    BATCH_SIZE,
    Claim,
    LeaseLost,
    Queue,
    begin,
    claims_until_empty,
    fail,
    finish,
    park,
)
from common.exceptions import DomainError
from common.scoping import account_scope, all_accounts_scope
from invoices.issuing import issue_locked, lock_drafts
from invoices.models import Invoice, Seller
from invoices.taxation import load_tax_book
from mail.outbox import release, withhold

logger = logging.getLogger(__name__)

_ACTOR = Actor.system("billing run")

# Called with the run's counts by state after every batch.
Progress = Callable[[dict[str, int]], None]


class RunNotWaiting(DomainError):
    """Only a run whose drafts wait can be approved."""


class RunNotStopped(DomainError):
    """Only a run that was stopped can be resumed, and one that was stopped is not stopped again."""


class RunStopped(DomainError):
    """Nothing of a stopped run is taken up but the run as a whole."""


class ItemBusy(DomainError):
    """Drafts are discarded only while nobody issues them."""


class ItemNotParked(DomainError):
    """Only an account that was parked is taken up again by hand."""


def start_run(
    *,
    as_of: date,
    actor: Actor,
    only_account: Account | None = None,
    approve_at_once: bool = False,
) -> BillingRun:
    """Record a run with one item for each account that has something due, and ring for workers.

    Two runs at once share no work that matters: an account's entries are drafted under its lock.
    """
    with all_accounts_scope("a billing run covers every account"):
        run = BillingRun.objects.create(
            as_of=as_of,
            only_account=only_account,
            approve_at_once=approve_at_once,
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


def work_runs(
    progress: Progress | None = None,
    *,
    run: BillingRun | None = None,
    budget: timedelta | None = None,
) -> bool:
    """Draft and issue whatever is due, of every run; False when ``budget`` ended it before that.

    ``progress`` is told the counts of ``run`` after every batch.
    """
    ends_at = time.monotonic() + budget.total_seconds() if budget else None
    rules = Rulebook(sellers=Seller.objects.in_bulk(), taxes=load_tax_book())
    for queue, work in ((DRAFT_QUEUE, _draft), (ISSUE_QUEUE, _issue)):
        for claims in claims_until_empty(queue):
            if len(claims) == BATCH_SIZE:
                bell.ring(bell.WORK_BILLING_RUNS)
            for claimed in claims:
                _attempt(queue, claimed, partial(work, rules=rules))
            if progress and run:
                progress(counts(run))
            if ends_at and time.monotonic() >= ends_at:
                return False
        _advance_runs()
    return True


def work_run(run: BillingRun, progress: Progress | None = None) -> BillingRun:
    """Work in the foreground until ``run`` waits, has finished, or others hold what is left."""
    work_runs(progress, run=run)
    run.refresh_from_db()
    return run


def approve_run(run: BillingRun, *, actor: Actor) -> None:
    """Let a waiting run's drafts be issued. Raises RunNotWaiting."""
    with all_accounts_scope("approving a billing run"):
        run = BillingRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if run.state != BillingRun.State.WAITING:
            raise RunNotWaiting(f"The {run} cannot be approved.")
        _approve(run, actor=actor)


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
        run.state = BillingRun.State.DRAFTING
        run.save(update_fields=["state"])
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
        run.state = BillingRun.State.DRAFTING
        run.save(update_fields=["state"])
        record(
            Action.BILLING_RUN_ITEM_RETRIED,
            actor=actor,
            account_id=item.account_id,
            subject=f"billing run item {item.pk}",
        )
        bell.ring(bell.WORK_BILLING_RUNS)


def discard_item(item: BillingRunItem, *, actor: Actor) -> None:
    """Discard what the run drafted for one account; its charges are due again for the next run.

    Raises ItemBusy while the account is being worked on, has been approved or issued.
    """
    with account_scope(item.account_id):
        given_up = BillingRunItem.objects.filter(pk=item.pk, state__in=_DISCARDABLE).update(
            state=BillingRunItem.State.STOPPED
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


def _attempt(queue: Queue, claimed: Claim, work: Callable[[Claim], None]) -> None:
    """One counted attempt at one account; what it raises concerns that account alone."""
    if not begin(queue, claimed):
        return
    try:
        work(claimed)
    except DomainError as refusal:
        # Trying again would be refused again: it waits for a person at once.
        park(queue, claimed, error=refusal)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        logger.exception("billing run item %s failed", claimed.pk)
        fail(queue, claimed, error=error)


def _draft(claimed: Claim, *, rules: Rulebook) -> None:
    with account_scope(_account_of(claimed)):
        item = BillingRunItem.objects.select_related("run").get(pk=claimed.pk)
        draft_account(item.account_id, as_of=item.run.as_of, rules=rules, batch_id=item.run_id)
        _finish(DRAFT_QUEUE, claimed, BillingRunItem.State.DRAFTED)


def _issue(claimed: Claim, *, rules: Rulebook) -> None:
    with account_scope(_account_of(claimed)):
        account = Account.objects.select_for_update(no_key=True).get(pk=_account_of(claimed))
        item = BillingRunItem.objects.get(pk=claimed.pk, account=account)
        drafts = lock_drafts(Invoice.objects.filter(batch_id=item.run_id), account=account)
        for draft in drafts:
            issue_locked(draft, account=account, actor=_ACTOR, tax_book=rules.taxes)
        _finish(ISSUE_QUEUE, claimed, BillingRunItem.State.ISSUED)


def _account_of(claimed: Claim) -> int:
    if claimed.account_id is None:
        raise ValueError("an item of a billing run has an account")
    return claimed.account_id


def _finish(queue: Queue, claimed: Claim, state: BillingRunItem.State) -> None:
    if not finish(queue, claimed, state=state, attempts=0):
        raise LeaseLost("Another worker has taken over this account.")


def _advance_runs() -> None:
    """Move on the runs whose last account is through its step."""
    with all_accounts_scope("moving billing runs on"):
        moving = BillingRun.objects.select_for_update(no_key=True, skip_locked=True).filter(
            state__in=(BillingRun.State.DRAFTING, BillingRun.State.ISSUING)
        )
        for run in moving:
            queue = DRAFT_QUEUE if run.state == BillingRun.State.DRAFTING else ISSUE_QUEUE
            if run.items.filter(queue.unfinished()).exists():
                continue
            if run.state == BillingRun.State.ISSUING:
                _conclude(run)
            else:
                _decide(run)


def _decide(run: BillingRun) -> None:
    """Drafting is over: issue at once, wait for a person, or nothing was due at all."""
    if not run.items.filter(state=BillingRunItem.State.DRAFTED).exists():
        _conclude(run)
        return
    run.waiting_because = "" if run.approve_at_once else reasons_to_wait(run)
    if run.waiting_because:
        run.state = BillingRun.State.WAITING
        run.save(update_fields=["state", "waiting_because"])
    else:
        _approve(run, actor=_ACTOR)


def _conclude(run: BillingRun) -> None:
    run.state = BillingRun.State.FINISHED
    run.finished_at = timezone.now()
    run.save(update_fields=["state", "finished_at"])


def _approve(run: BillingRun, *, actor: Actor) -> None:
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
