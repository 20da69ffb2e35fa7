"""Working billing runs: account after account, by whichever process claims it.

The command that started a run works it in the foreground; workers do the same when the bell rings.
What an account raises concerns that account alone.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import Account
from audit.recording import Actor
from backups import witness
from backups.refusals import DatabaseBehind
from billing.after_restore import reason_to_look_first
from billing.approval import reasons_to_wait
from billing.billing_run import counts, let_issue
from billing.consumption import Rulebook, draft_account, load_rulebook
from billing.models import BillingRun, BillingRunItem
from billing.order_numbers import ask_for_order_number, waiting_in_words
from billing.queues import DRAFT_QUEUE, ISSUE_QUEUE
from common import bell
from common.claims import (
    BATCH_SIZE,
    CLAIM_LEASE,
    Claim,
    Deadline,
    LeaseLost,
    Queue,
    begin,
    each_due,
    fail,
    finish,
    park,
    put_back,
)
from common.exceptions import DomainError
from common.scoping import account_scope, all_accounts_scope
from common.storage import StorageUnavailable
from invoices.issuing import issue_locked, lock_drafts
from invoices.models import Invoice

logger = logging.getLogger(__name__)

_ACTOR = Actor.system("billing run")

_MOVING = (BillingRun.State.DRAFTING, BillingRun.State.ISSUING)
# How often the foreground looks at what workers have in hand, and how long beyond their lease.
_LOOKING_AGAIN_SECONDS = 0.2
_PATIENCE = timedelta(seconds=15)

# Called with the run's counts by state after every so many accounts.
Progress = Callable[[dict[str, int]], None]


def work_runs(
    progress: Progress | None = None,
    *,
    run: BillingRun | None = None,
    budget: timedelta | None = None,
) -> bool:
    """Draft and issue whatever is due, of every run; False when ``budget`` ended it before that.

    ``progress`` is told the counts of ``run``. A database that may not issue (``backups.witness``)
    drafts and leaves what is approved as it is.
    """
    deadline = Deadline(budget)
    rules = load_rulebook()
    for queue, work in ((DRAFT_QUEUE, _draft), (ISSUE_QUEUE, _issue)):
        if queue is ISSUE_QUEUE and (reason := witness.reason_to_hold()):
            logger.error("nothing is issued: %s", reason)
            return True
        due = each_due(queue, deadline=deadline, when_more=_ring)
        if queue is ISSUE_QUEUE:
            # Numbers are out as soon as somebody sees them on a page, rendered or not.
            due = witness.witnessed(queue, due, deadline=deadline)
        for number, claimed in enumerate(due, start=1):
            if not _attempt(queue, claimed, partial(work, rules=rules)):
                deadline.end_now()
            if progress and run and number % BATCH_SIZE == 0:
                progress(counts(run))
        if deadline.is_over():
            return False
        _advance_runs()
    return True


def work_run(run: BillingRun, progress: Progress | None = None) -> BillingRun:
    """Work in the foreground until ``run`` waits, has finished, was stopped or may not go on.

    Once nothing is left to claim, what workers have in hand is waited for, but not longer than a
    dead one's lease keeps it; the run is then returned as it is.
    """
    work_runs(progress, run=run)
    run.refresh_from_db()
    gives_up_at = time.monotonic() + (CLAIM_LEASE + _PATIENCE).total_seconds()
    while run.state in _MOVING and time.monotonic() < gives_up_at and not witness.reason_to_hold():
        time.sleep(_LOOKING_AGAIN_SECONDS)
        work_runs(progress, run=run)
        run.refresh_from_db()
    return run


def _ring() -> None:
    bell.ring(bell.WORK_BILLING_RUNS)


def _attempt(queue: Queue, claimed: Claim, work: Callable[[Claim], None]) -> bool:
    """One counted attempt at one account; False when there is no point in trying another."""
    if not begin(queue, claimed):
        return True
    try:
        work(claimed)
    except (DatabaseBehind, StorageUnavailable) as reason:
        _put_back_uncounted(queue, claimed, reason)
        return False
    except DomainError as refusal:
        # Trying again would be refused again: it waits for a person at once.
        park(queue, claimed, error=refusal)
    except LeaseLost:
        logger.warning("billing run item %s was taken over by another worker", claimed.pk)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        logger.exception("billing run item %s failed", claimed.pk)
        fail(queue, claimed, error=error)
    return True


def _put_back_uncounted(queue: Queue, claimed: Claim, reason: DomainError) -> None:
    """What holds for every account is the fault of none."""
    logger.error("nothing is issued: %s", reason)
    with account_scope(claimed.account_pk):
        put_back(
            queue,
            claimed,
            state=queue.due_states[0],
            delay=timedelta(),
            attempts=F("attempts") - 1,
        )


def _draft(claimed: Claim, *, rules: Rulebook) -> None:
    with account_scope(claimed.account_pk):
        item = _lock_held(claimed)
        if _is_stopped(item):
            _finish(DRAFT_QUEUE, claimed, BillingRunItem.State.STOPPED)
            return
        plan = draft_account(
            item.account_id, as_of=item.run.as_of, rules=rules, batch_id=item.run_id
        )
        said = {}
        if plan.waiting:
            # For staff who look at the run; it is no failure, so nothing is parked.
            said["last_error"] = waiting_in_words(plan.waiting)
            ask_for_order_number(item.account_id, run_pk=item.run_id, waiting=plan.waiting)
        _finish(DRAFT_QUEUE, claimed, BillingRunItem.State.DRAFTED, **said)


def _issue(claimed: Claim, *, rules: Rulebook) -> None:
    with account_scope(claimed.account_pk):
        item = _lock_held(claimed)
        account = Account.objects.select_for_update(no_key=True).get(pk=claimed.account_pk)
        if _is_stopped(item):
            _finish(ISSUE_QUEUE, claimed, BillingRunItem.State.STOPPED)
            return
        drafts = lock_drafts(Invoice.objects.filter(batch_id=item.run_id), account=account)
        issue_locked(drafts, account=account, actor=_ACTOR, tax_book=rules.taxes)
        _finish(ISSUE_QUEUE, claimed, BillingRunItem.State.ISSUED)


def _lock_held(claimed: Claim) -> BillingRunItem:
    """The item, locked until its work is committed: nobody claims it meanwhile. Or LeaseLost."""
    items = BillingRunItem.objects.select_related("run").select_for_update(
        no_key=True, of=("self",)
    )
    try:
        return items.get(pk=claimed.pk, lease_token=claimed.token)
    except BillingRunItem.DoesNotExist:
        raise LeaseLost from None


def _is_stopped(item: BillingRunItem) -> bool:
    """Whether the run was stopped since the account was claimed.

    FOR SHARE: whoever stops the run waits until accounts in hand are through, or is seen here.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM billing_billingrun WHERE id = %s FOR SHARE", [item.run_id]
        )
        return bool(cursor.fetchone() == (BillingRun.State.STOPPED,))


def _finish(queue: Queue, claimed: Claim, state: BillingRunItem.State, **columns: str) -> None:
    if not finish(queue, claimed, state=state, attempts=0, **columns):
        raise LeaseLost


def _advance_runs() -> None:
    """Move on the runs whose last account is through its step."""
    with all_accounts_scope("moving billing runs on"):
        moving = BillingRun.objects.select_for_update(no_key=True, skip_locked=True).filter(
            state__in=(BillingRun.State.DRAFTING, BillingRun.State.ISSUING)
        )
        for run in moving:
            if run.items.filter(DRAFT_QUEUE.unfinished()).exists():
                continue
            if run.items.filter(state=BillingRunItem.State.DRAFTED).exists():
                _decide(run)
            elif not run.items.filter(ISSUE_QUEUE.unfinished()).exists():
                run.state = BillingRun.State.FINISHED
                run.finished_at = timezone.now()
                run.save(update_fields=["state", "finished_at"])


def _decide(run: BillingRun) -> None:
    """Drafting is over and left drafts: issue them at once, or wait for a person."""
    reasons = () if run.approve_at_once else (reason_to_look_first(), reasons_to_wait(run))
    run.waiting_because = " ".join(filter(None, reasons))
    if run.waiting_because:
        run.state = BillingRun.State.WAITING
        run.save(update_fields=["state", "waiting_because"])
    else:
        let_issue(run, actor=_ACTOR)
