"""Rows that are work, by the example of outgoing mail: claimed, counted, ended or given up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F

from common.claims import (
    BATCH_SIZE,
    CLAIM_LEASE,
    LEASE,
    MAX_ATTEMPTS,
    Claim,
    Deadline,
    Parked,
    Queue,
    begin,
    claim,
    claims_until_empty,
    each_due,
    fail,
    finish,
    park,
    put_back,
    put_back_untried,
)
from common.scoping import account_scope, all_accounts_scope
from mail.models import OutgoingEmail
from mail.queue import EMAIL_QUEUE
from tests.mail.steps import queue, stored

pytestmark = pytest.mark.django_db

State = OutgoingEmail.State
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
)
_numbers = count(1)


@pytest.fixture
def parked() -> list[Parked]:
    """What the queue was told to record."""
    return []


@pytest.fixture
def work(parked: list[Parked]) -> Queue:
    return replace(EMAIL_QUEUE, record_parked=parked.extend)


def add(number: int = 1, **fields: Any) -> list[UUID]:
    return queue(*(next(_numbers) for _ in range(number)), **fields)


def pass_time(duration: timedelta = timedelta(hours=1)) -> None:
    """Whatever waits has waited so much longer, and leases are so much older."""
    with all_accounts_scope("a test"):
        OutgoingEmail.objects.update(
            next_attempt_at=F("next_attempt_at") - duration,
            leased_until=F("leased_until") - duration,
        )


def database_clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def claim_one(work: Queue) -> Claim:
    [claimed] = claim(work)
    return claimed


def start_one(work: Queue) -> Claim:
    claimed = claim_one(work)
    assert begin(work, claimed)
    return claimed


def lose_a_lease(work: Queue) -> None:
    """A worker is killed after it has begun."""
    start_one(work)
    pass_time()


def end(work: Queue, claimed: Claim) -> bool:
    with account_scope(claimed.account_pk):
        return finish(work, claimed, state=State.FAILED, last_error="the end")


# --- Claiming -----------------------------------------------------------------------------------


def test_fresh_rows_come_in_batches_the_one_that_waits_longest_first(work: Queue) -> None:
    added = add(5)
    with all_accounts_scope("a test"):
        for age, pk in enumerate(added):
            OutgoingEmail.objects.filter(pk=pk).update(
                next_attempt_at=F("next_attempt_at") - timedelta(minutes=age)
            )
    batches = [[claimed.pk for claimed in claim(work, limit=2)] for _ in range(4)]
    assert [sorted(batch) for batch in batches] == [
        sorted(added[3:]),
        sorted(added[1:3]),
        added[:1],
        [],
    ]


def test_a_claim_says_whose_the_row_is(work: Queue) -> None:
    add()
    assert claim_one(work).account_pk == 1


def test_a_row_of_no_account_is_worked_like_any_other(work: Queue) -> None:
    [pk] = add(account_id=None)
    claimed = start_one(work)
    assert claimed.account_id is None
    with pytest.raises(ValueError, match="belongs to no account"):
        claimed.account_pk  # noqa: B018
    assert not fail(work, claimed, error=OSError("away"))
    assert stored(pk).last_error == "OSError: away"


def test_what_is_not_due_yet_is_left_alone(work: Queue) -> None:
    [pk] = add()
    pass_time(-timedelta(minutes=5))
    assert claim(work) == []
    pass_time(timedelta(minutes=5))
    assert claim_one(work).pk == pk


def test_a_claim_leases_by_the_clock_of_the_database(work: Queue) -> None:
    [pk] = add()
    before = database_clock()
    claim(work)
    row = stored(pk)
    assert row.state == State.SENDING
    assert row.leased_until is not None
    assert before + CLAIM_LEASE <= row.leased_until <= database_clock() + CLAIM_LEASE


def test_a_lease_keeps_others_away_until_it_runs_out(work: Queue) -> None:
    [pk] = add()
    claim_one(work)
    pass_time(CLAIM_LEASE - timedelta(seconds=30))
    assert claim(work) == []
    pass_time(timedelta(seconds=31))
    assert claim_one(work).pk == pk


def test_a_row_that_was_begun_is_left_to_its_worker_for_longer(work: Queue) -> None:
    """Rows that wait for their turn in a batch are soon free again if their worker dies."""
    assert LEASE > CLAIM_LEASE
    add()
    start_one(work)
    pass_time(LEASE - timedelta(seconds=30))
    assert claim(work) == []


def test_a_worker_that_died_before_it_began_spoils_no_row(work: Queue) -> None:
    """The rows come back as they were: together, and with no attempt counted."""
    added = add(3)
    claim(work)
    pass_time()
    assert {claimed.pk for claimed in claim(work)} == set(added)
    assert {stored(pk).attempts for pk in added} == {0}


def test_what_was_begun_before_is_claimed_alone(work: Queue) -> None:
    add(3)
    for claimed in claim(work):
        begin(work, claimed)
    pass_time()
    assert [len(claim(work)) for _ in range(4)] == [1, 1, 1, 0]


def test_fresh_rows_come_before_those_that_failed(work: Queue) -> None:
    lost, *_ = add()
    lose_a_lease(work)
    fresh = add(2)
    assert {claimed.pk for claimed in claim(work)} == set(fresh)
    assert claim_one(work).pk == lost


def test_every_fourth_claim_looks_at_retries_first(work: Queue) -> None:
    """Steady new work must not starve what failed once."""
    begun = set(add(2))
    for claimed in claim(work):
        begin(work, claimed)
    pass_time()
    add(14)
    kinds = [
        "retry" if {claimed.pk for claimed in batch} <= begun else "fresh"
        for batch in claims_until_empty(work, limit=2)
    ]
    assert kinds == ["fresh"] * 3 + ["retry"] + ["fresh"] * 3 + ["retry", "fresh"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_take_different_rows_and_never_wait_for_each_other(work: Queue) -> None:
    added = add(5)
    taken: list[UUID] = []

    def take_the_rest() -> None:
        taken.extend(claimed.pk for claimed in claim(work))
        connection.close()

    other = Thread(target=take_the_rest)
    with all_accounts_scope("a claim that has not been committed yet"):
        mine = [claimed.pk for claimed in claim(work, limit=3)]
        other.start()
        other.join(timeout=20)
        waited = other.is_alive()
    other.join()
    assert not waited
    assert len(mine) == 3
    assert sorted([*mine, *taken]) == sorted(added)


# --- Beginning ----------------------------------------------------------------------------------


def test_beginning_counts_the_attempt_and_renews_the_lease(work: Queue) -> None:
    [pk] = add()
    claimed = claim_one(work)
    pass_time(timedelta(seconds=20))
    before = database_clock()
    assert begin(work, claimed)
    row = stored(pk)
    assert row.attempts == 1
    assert row.leased_until is not None
    assert row.leased_until >= before + LEASE


def test_a_worker_that_is_late_but_has_no_rival_may_go_on(work: Queue) -> None:
    add()
    claimed = claim_one(work)
    pass_time()
    assert begin(work, claimed)
    assert end(work, claimed)


# --- Ending -------------------------------------------------------------------------------------


def test_the_end_of_the_work_gives_the_lease_back(work: Queue) -> None:
    [pk] = add()
    assert end(work, start_one(work))
    row = stored(pk)
    assert (row.state, row.last_error) == (State.FAILED, "the end")
    assert (row.lease_token, row.leased_until) == (None, None)


def test_whoever_lost_the_lease_changes_nothing(work: Queue, parked: list[Parked]) -> None:
    """The fence: the row is somebody else's by now, who ends it as if nobody had been there."""
    [pk] = add()
    late = start_one(work)
    pass_time()
    present = start_one(work)

    assert not begin(work, late)
    assert not end(work, late)
    assert not fail(work, late, error=ValueError("too late"))
    park(work, late, error=ValueError("too late"))
    put_back_untried(work, [late])
    with account_scope(late.account_pk):
        assert not put_back(work, late, state=State.QUEUED, delay=timedelta())

    now = stored(pk)
    assert (now.state, now.attempts, now.lease_token, now.last_error) == (
        State.SENDING,
        2,
        present.token,
        "",
    )
    assert parked == []
    assert end(work, present)


def test_what_is_put_back_is_due_after_the_pause_with_its_attempts(work: Queue) -> None:
    [pk] = add()
    claimed = start_one(work)
    before = database_clock()
    with account_scope(claimed.account_pk):
        assert put_back(
            work,
            claimed,
            state=State.DEFERRED,
            delay=timedelta(minutes=7),
            server_response="450 later",
        )
    row = stored(pk)
    assert (row.state, row.attempts, row.lease_token) == (State.DEFERRED, 1, None)
    assert row.server_response == "450 later"
    assert before <= row.next_attempt_at - timedelta(minutes=7) <= database_clock()
    pass_time(timedelta(minutes=6))
    assert claim(work) == []
    pass_time(timedelta(minutes=2))
    assert claim_one(work).pk == pk


def test_rows_whose_turn_did_not_come_are_due_at_once_as_they_were(work: Queue) -> None:
    added = add(3)
    put_back_untried(work, claim(work))
    assert {stored(pk).attempts for pk in added} == {0}
    assert {claimed.pk for claimed in claim(work)} == set(added)


def test_a_task_works_until_nothing_is_due(work: Queue) -> None:
    added = add(BATCH_SIZE + 3)
    rings: list[None] = []
    worked = []
    for claimed in each_due(work, deadline=Deadline(None), when_more=lambda: rings.append(None)):
        begin(work, claimed)
        end(work, claimed)
        worked.append(claimed.pk)
    assert sorted(worked) == sorted(added)
    # One full batch: there was work for somebody else too.
    assert len(rings) == 1


def test_a_task_that_meets_an_outage_leaves_the_rest_as_it_was(work: Queue) -> None:
    added = add(4)
    deadline = Deadline(None)
    worked = []
    for claimed in each_due(work, deadline=deadline, when_more=lambda: None):
        worked.append(claimed.pk)
        begin(work, claimed)
        deadline.end_now()
    assert len(worked) == 1
    assert {claimed.pk for claimed in claim(work)} == set(added) - set(worked)


def test_a_task_whose_time_is_over_leaves_the_rest_to_the_next(work: Queue) -> None:
    added = add(4)
    over = each_due(work, deadline=Deadline(timedelta(microseconds=1)), when_more=lambda: None)
    assert list(over) == []
    assert {claimed.pk for claimed in claim(work)} == set(added)


# --- Failing ------------------------------------------------------------------------------------


def test_pauses_grow_and_the_fifth_exception_parks(work: Queue, parked: list[Parked]) -> None:
    [pk] = add()
    for pause in PAUSES:
        claimed = start_one(work)
        before = database_clock()
        assert not fail(work, claimed, error=ValueError("paper jam"))
        row = stored(pk)
        assert row.state == State.QUEUED
        assert before <= row.next_attempt_at - pause <= database_clock()
        pass_time()
    assert parked == []
    assert fail(work, start_one(work), error=ValueError("paper jam"))
    assert stored(pk).state == State.FAILED
    assert stored(pk).last_error == "ValueError: paper jam"
    assert parked == [Parked(pk, 1, "ValueError: paper jam")]
    pass_time()
    assert claim(work) == []


def test_a_row_that_kills_every_worker_is_parked(work: Queue, parked: list[Parked]) -> None:
    [pk] = add()
    for _ in range(MAX_ATTEMPTS):
        assert parked == []
        lose_a_lease(work)
    others = add(2)
    assert {claimed.pk for claimed in claim(work)} == set(others)
    row = stored(pk)
    assert (row.state, row.attempts, row.lease_token) == (State.FAILED, MAX_ATTEMPTS, None)
    assert "killed" in row.last_error
    assert parked == [Parked(pk, 1, row.last_error)]


def test_exceptions_and_lost_leases_count_together(work: Queue, parked: list[Parked]) -> None:
    [pk] = add()
    for _ in range(MAX_ATTEMPTS - 1):
        lose_a_lease(work)
    assert fail(work, start_one(work), error=ValueError("paper jam"))
    assert [row.pk for row in parked] == [pk]


def test_no_row_is_started_a_sixth_time(work: Queue, parked: list[Parked]) -> None:
    """Not even one whose last lease runs out at the very moment of the claim."""
    [pk] = add()
    for _ in range(MAX_ATTEMPTS):
        lose_a_lease(work)
    with all_accounts_scope("a test"), connection.cursor() as cursor:
        cursor.execute("UPDATE mail_outgoingemail SET leased_until = clock_timestamp()")
    assert claim(work) == []
    pass_time()
    assert claim(work) == []
    assert [row.pk for row in parked] == [pk]


def test_a_failed_row_is_due_again_in_the_state_that_is_asked_for(work: Queue) -> None:
    [pk] = add()
    fail(work, start_one(work), error=ValueError("paper jam"), state=State.UNCERTAIN)
    assert stored(pk).state == State.UNCERTAIN


def test_a_long_error_is_cut(work: Queue) -> None:
    [pk] = add()
    fail(work, start_one(work), error=ValueError("x" * 10_000))
    assert len(stored(pk).last_error) == 2000
    assert stored(pk).last_error.startswith("ValueError: xxx")


def test_a_refusal_is_parked_at_once(work: Queue, parked: list[Parked]) -> None:
    [pk] = add()
    park(work, start_one(work), error=ValueError("nobody to bill"))
    assert (stored(pk).state, stored(pk).attempts) == (State.FAILED, 1)
    assert parked == [Parked(pk, 1, "ValueError: nobody to bill")]


def test_a_row_is_parked_together_with_its_record_or_not_at_all(work: Queue) -> None:
    def refuse(rows: Sequence[Parked]) -> None:
        raise OSError("the log is full")

    [pk] = add()
    claimed = start_one(work)
    with pytest.raises(OSError, match="log is full"):
        park(replace(work, record_parked=refuse), claimed, error=ValueError("nobody to bill"))
    assert stored(pk).state == State.SENDING


def test_a_record_is_written_in_a_scope_that_covers_its_rows(work: Queue) -> None:
    seen: list[int] = []

    def look(rows: Sequence[Parked]) -> None:
        seen.append(OutgoingEmail.objects.filter(pk__in=[row.pk for row in rows]).count())

    add(2)
    looking = replace(work, record_parked=look)
    first, second = claim(looking)
    for claimed in (first, second):
        begin(looking, claimed)
    park(looking, first, error=ValueError("nobody to bill"))
    for _ in range(MAX_ATTEMPTS - 1):
        pass_time()
        start_one(looking)
    pass_time()
    assert claim(looking) == []
    assert seen == [1, 1]
