"""Rows that are work: claimed with a lease, counted before the work, finished under a fence.

A worker claims in one short transaction (``FOR UPDATE SKIP LOCKED``, lease and time by the
database's clock), begins each item in a transaction of its own that counts the attempt, works
outside any transaction, and finishes with an update that only the holder of the lease can make.
Whatever is killed in between leaves a row whose lease runs out; it is then claimed again.

Fresh rows come in batches, so that the cost of a claim is paid once. A row that has been begun
before is claimed alone: if it kills its process again, it takes no neighbour with it.
"""

import math
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, models
from django.db.models.functions import Now

from common.scoping import account_scope, all_accounts_scope

# A row is parked (shown to staff, retried by hand) after this many starts without an end.
MAX_ATTEMPTS = 5
# Longer than Celery's hard time limit of 120 s, so that no lease ends under a living worker.
LEASE = timedelta(seconds=180)
# Until its turn comes a row is leased for less: should the worker die, its neighbours wait no
# longer than this. One whose turn comes later finds the lease lost, and leaves the row alone.
CLAIM_LEASE = timedelta(seconds=45)
BATCH_SIZE = 25
# Waits before the second to the fifth attempt of a row that failed by an exception.
_BACKOFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
)
# Every so many claims, rows that failed before come first: steady new work must not starve them.
_RETRIES_FIRST_EVERY = 4
_ERROR_LENGTH = 2000


class LeaseLost(Exception):
    """The work took longer than its lease, and somebody else has it now: roll back."""


class Claimable(models.Model):
    """Columns of a row that is work. ``attempts`` counts starts that have not ended well."""

    state = models.CharField(max_length=20)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Parked:
    """One row that will not be tried again by itself, and why."""

    pk: Any
    account_id: int | None
    reason: str


def _unrecorded(parked: Sequence[Parked]) -> None:
    """The row itself says that it is parked."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How rows of one model are worked: which states are due, which one means "in hand".

    ``record_parked`` is called in the transaction that parks rows, with a scope that covers them.
    """

    model: type[Claimable]
    due_states: tuple[str, ...]
    working_state: str
    parked_state: str
    record_parked: Callable[[Sequence[Parked]], None] = _unrecorded
    # Of an item whose work has begun. Where the work keeps its row locked, which shields it from
    # other claims for as long as its process lives, the time until it is locked is enough.
    lease: timedelta = LEASE
    # Rows of a claim. When a process is killed, those whose turn had not come wait for the end of
    # CLAIM_LEASE: where the work takes long beside a claim, a few are enough.
    batch_size: int = BATCH_SIZE

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def unfinished(self) -> models.Q:
        """Rows that are due some day or in hand; the condition of the index that serves claims."""
        return models.Q(state__in=(*self.due_states, self.working_state))


@dataclass(frozen=True, slots=True)
class Claim:
    """One leased row. ``account_id`` is None for rows that belong to no account."""

    pk: Any
    account_id: int | None
    token: uuid.UUID

    @property
    def account_pk(self) -> int:
        """The account, of rows that always have one. Raises ValueError for one that has none."""
        if self.account_id is None:
            raise ValueError(f"row {self.pk} belongs to no account")
        return self.account_id


def claim(queue: Queue, *, limit: int = BATCH_SIZE, retries_first: bool = False) -> list[Claim]:
    """Lease up to ``limit`` fresh due rows, or a single row that has been begun before."""
    with all_accounts_scope(f"claiming {queue.table}"):
        _park_exhausted(queue)
        kinds = (("attempts > 0", 1), ("attempts = 0", limit))
        for condition, size in kinds if retries_first else reversed(kinds):
            if claims := _lease(queue, condition, size):
                return claims
    return []


def claims_until_empty(queue: Queue, *, limit: int | None = None) -> Iterator[list[Claim]]:
    """Batch after batch until nothing is due."""
    turn = 0
    size = limit or queue.batch_size
    while claims := claim(queue, limit=size, retries_first=turn % _RETRIES_FIRST_EVERY == 3):
        yield claims
        turn += 1


class Deadline:
    """Until when a task takes up further items; without a budget there is no end."""

    def __init__(self, budget: timedelta | None) -> None:
        self._ends_at = time.monotonic() + budget.total_seconds() if budget else math.inf

    def end_now(self) -> None:
        """Take up nothing more: what the work needs is away."""
        self._ends_at = -math.inf

    def is_over(self) -> bool:
        return time.monotonic() >= self._ends_at


def each_due(queue: Queue, *, deadline: Deadline, when_more: Callable[[], None]) -> Iterator[Claim]:
    """Item after item until nothing is due or the deadline is over; the rest goes back untried.

    ``when_more`` is called for each full batch: there is work for more than one worker.
    """
    for claims in claims_until_empty(queue):
        if len(claims) == queue.batch_size:
            when_more()
        for position, claimed in enumerate(claims):
            if deadline.is_over():
                put_back_untried(queue, claims[position:])
                return
            yield claimed


def put_back_untried(queue: Queue, claims: Sequence[Claim]) -> None:
    """Return leased rows whose turn did not come, due at once."""
    with all_accounts_scope(f"returning what was not tried of {queue.table}"):
        queue.model._default_manager.filter(
            pk__in=[claimed.pk for claimed in claims],
            state=queue.working_state,
            lease_token__in={claimed.token for claimed in claims},
        ).update(state=queue.due_states[0], lease_token=None, leased_until=None)


def begin(queue: Queue, claimed: Claim) -> bool:
    """Count the attempt and renew the lease, committed before the work starts.

    False when the lease was lost meanwhile (it ran out, or the row was withheld): leave the row.
    """
    with _scope_of(claimed):
        return begin_in_scope(queue, claimed)


def begin_in_scope(queue: Queue, claimed: Claim) -> bool:
    """``begin`` in the caller's scope and transaction, which must commit before the work starts."""
    table = connection.ops.quote_name(queue.table)
    # Written out: the ORM takes three times as long to spell this, and it is paid for each item.
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET attempts = attempts + 1,"
            "  leased_until = clock_timestamp() + make_interval(secs => %s)"
            " WHERE id = %s AND state = %s AND lease_token = %s",
            [queue.lease.total_seconds(), claimed.pk, queue.working_state, claimed.token],
        )
        return bool(cursor.rowcount)


def finish(queue: Queue, claimed: Claim, *, state: str, **columns: Any) -> bool:
    """End the work: set ``state`` and ``columns`` if the lease is still ours.

    Call it inside the transaction that writes what the work produced, and roll back on False.
    """
    return bool(
        _held(queue, claimed).update(state=state, lease_token=None, leased_until=None, **columns)
    )


def put_back(queue: Queue, claimed: Claim, *, state: str, delay: timedelta, **columns: Any) -> bool:
    """Return the row to a due ``state`` after ``delay``; attempts stay as ``begin`` counted."""
    return finish(
        queue,
        claimed,
        state=state,
        next_attempt_at=Now() + delay,
        **columns,
    )


def park(queue: Queue, claimed: Claim, *, error: Exception) -> None:
    """Give a row to people at once: for a refusal, which another attempt would meet again.

    Opens its own transaction; call it after the rollback.
    """
    with _scope_of(claimed):
        _park_held(queue, claimed, said=_said(error))


def fail(queue: Queue, claimed: Claim, *, error: Exception, state: str = "") -> bool:
    """Record an exception: due again in ``state`` after a pause, parked after ``MAX_ATTEMPTS``.

    Returns whether the row is parked now. Opens its own transaction; call it after the rollback.
    """
    said = _said(error)
    with _scope_of(claimed):
        attempts = _held(queue, claimed).values_list("attempts", flat=True).first()
        if attempts is None:
            return False
        if attempts >= MAX_ATTEMPTS:
            _park_held(queue, claimed, said=said)
            return True
        delay = _BACKOFF[min(max(attempts, 1), len(_BACKOFF)) - 1]
        again = state or queue.due_states[0]
        put_back(queue, claimed, state=again, delay=delay, last_error=said)
    return False


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]


def _park_held(queue: Queue, claimed: Claim, *, said: str) -> None:
    if finish(queue, claimed, state=queue.parked_state, last_error=said):
        queue.record_parked([Parked(claimed.pk, claimed.account_id, said)])


def _held(queue: Queue, claimed: Claim) -> "models.QuerySet[Claimable]":
    return queue.model._default_manager.filter(
        pk=claimed.pk, state=queue.working_state, lease_token=claimed.token
    )


def _scope_of(claimed: Claim) -> Any:
    if claimed.account_id is None:
        return all_accounts_scope("a row that belongs to no account")
    return account_scope(claimed.account_id)


def _lease(queue: Queue, condition: str, size: int) -> list[Claim]:
    token = uuid.uuid4()
    table = connection.ops.quote_name(queue.table)
    with connection.cursor() as cursor:
        cursor.execute(
            # Materialised: as a plain subquery it may run once for each row of the outer table,
            # each time skipping what it locked before, and lease more than LIMIT says.
            f"WITH due AS MATERIALIZED (SELECT id FROM {table} WHERE {condition} AND {_DUE}"
            "  ORDER BY next_attempt_at, id LIMIT %(size)s FOR UPDATE SKIP LOCKED)"
            f" UPDATE {table} SET state = %(working)s, lease_token = %(token)s,"
            "  leased_until = clock_timestamp() + make_interval(secs => %(lease)s)"
            f" FROM due WHERE {table}.id = due.id RETURNING {table}.id, account_id",
            {
                **_due_parameters(queue),
                "token": token,
                "lease": CLAIM_LEASE.total_seconds(),
                "size": size,
            },
        )
        return [Claim(pk, account_id, token) for pk, account_id in cursor.fetchall()]


def _park_exhausted(queue: Queue) -> None:
    """Rows that killed their worker every time: no exception was seen, only leases running out."""
    table = connection.ops.quote_name(queue.table)
    reason = "the worker was killed or ran out of time on every attempt"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET state = %(parked)s, lease_token = NULL, leased_until = NULL,"
            "  last_error = %(reason)s"
            f" WHERE id IN (SELECT id FROM {table}"
            "  WHERE state = %(working)s AND attempts >= %(most)s"
            "  AND leased_until < clock_timestamp()"
            "  FOR UPDATE SKIP LOCKED) RETURNING id, account_id",
            {
                "working": queue.working_state,
                "parked": queue.parked_state,
                "most": MAX_ATTEMPTS,
                "reason": reason,
            },
        )
        parked = [Parked(pk, account_id, reason) for pk, account_id in cursor.fetchall()]
    if parked:
        queue.record_parked(parked)


_DUE = (
    "((state = ANY(%(due)s) AND next_attempt_at <= clock_timestamp())"
    " OR (state = %(working)s AND attempts < %(most)s AND leased_until < clock_timestamp()))"
)


def _due_parameters(queue: Queue) -> dict[str, Any]:
    return {
        "due": list(queue.due_states),
        "working": queue.working_state,
        "most": MAX_ATTEMPTS,
    }
