"""Decision 0153: whatever happens at the same moment, a reset ends once, and one way."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Barrier, Event, Thread

import pytest
from django.db import connection, transaction
from django.http import Http404
from django.test import RequestFactory

from accounts.access import access_of
from accounts.memberships import remove_member
from accounts.models import Membership
from accounts.two_factor.resets import confirm_members_reset
from audit.actions import Action
from audit.recording import Actor
from common.exceptions import DomainError
from common.scoping import account_scope
from tests.factories import OPERATOR, make_staff
from tests.people import People
from tests.two_factor import code_of, two_factor_on
from tests.twofactor.resets import State, age, events, method_count, started, state_of, told
from twofactor import resetting
from twofactor.models import TwoFactorReset
from twofactor.periodic import complete_due_resets, remind_of_resets
from twofactor.resetting import start_reset, stop_reset
from twofactor.totp import begin_set_up, confirm_app
from users.closing import close_user
from users.locked_people import lock_person
from users.models import User
from users.session_store import SessionStore

pytestmark = pytest.mark.django_db(transaction=True)


def due_reset(people: People) -> TwoFactorReset:
    reset = started(people.bob, by=make_staff())
    age(reset, hours=73)
    return reset


def stop(reset: TwoFactorReset) -> None:
    stop_reset(reset.pk, actor=OPERATOR)


def confirm(people: People) -> None:
    owner = Membership.objects.select_related("account").get(
        account=people.account, user=people.alice
    )
    member = Membership.objects.get(account=people.account, user=people.bob)
    access = access_of(owner, user=people.alice)
    with account_scope(people.account):
        confirm_members_reset(access, member.public_id, actor=OPERATOR)


def close(user: User) -> None:
    request = RequestFactory().post("/profile/close/")
    request.user, request.session = user, SessionStore()
    close_user(request, user)


def all_at_once(work: Sequence[Callable[[], object]]) -> list[Exception]:
    """Run each in a thread of its own; what they were refused, or failed with."""
    start = Barrier(len(work))
    failures: list[Exception] = []

    def run(step: Callable[[], object]) -> None:
        try:
            start.wait()
            step()
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(step,)) for step in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def assert_refused(failures: list[Exception]) -> None:
    """Each loser was told so in words, and none ended in an error of the database."""
    assert [error for error in failures if not isinstance(error, DomainError)] == []


def assert_one_end(people: People, reset: TwoFactorReset) -> None:
    completed = len(events(Action.TWO_FACTOR_RESET_COMPLETED))
    stopped = len(events(Action.TWO_FACTOR_RESET_STOPPED))
    assert completed + stopped == 1
    assert state_of(reset) == (State.COMPLETED if completed else State.STOPPED)
    assert method_count(people.bob) == (0 if completed else 2)
    assert told("two_factor_reset_done") == ([people.bob.email] if completed else [])


def test_ten_starts_at_once_make_one_reset(people: People) -> None:
    staff = make_staff()
    two_factor_on(people.bob)

    def start() -> None:
        start_reset(people.bob, by=staff, reason="r", check="c", actor=OPERATOR)

    failures = all_at_once([start] * 10)
    assert len(failures) == 9
    assert_refused(failures)
    assert TwoFactorReset.objects.count() == 1
    assert told("two_factor_reset_coming") == [people.bob.email]


def test_four_workers_complete_it_once(people: People) -> None:
    reset = due_reset(people)
    assert all_at_once([complete_due_resets] * 4) == []
    complete_due_resets()
    assert_one_end(people, reset)
    assert state_of(reset) == State.COMPLETED


@pytest.mark.parametrize("_round", range(3))
def test_one_that_is_due_against_its_person_who_stops_it(people: People, _round: int) -> None:
    reset = due_reset(people)
    failures = all_at_once([complete_due_resets, lambda: stop(reset)])
    assert_refused(failures)
    complete_due_resets()
    assert_one_end(people, reset)


def test_ten_stops_at_once_stop_once(people: People) -> None:
    reset = due_reset(people)
    failures = all_at_once([lambda: stop(reset)] * 10)
    assert len(failures) == 9
    assert_refused(failures)
    assert_one_end(people, reset)
    assert told("two_factor_reset_stopped") == [people.bob.email]


def test_confirming_against_stopping_and_completing(people: People) -> None:
    reset = due_reset(people)
    failures = all_at_once(
        [lambda: confirm(people), lambda: stop(reset), complete_due_resets, remind_of_resets]
    )
    assert_refused(failures)
    complete_due_resets()
    assert_one_end(people, reset)


def test_ten_confirmations_at_once_count_once(people: People) -> None:
    reset = started(people.bob, by=make_staff())
    failures = all_at_once([lambda: confirm(people)] * 10)
    assert len(failures) == 9
    assert_refused(failures)
    assert len(events(Action.TWO_FACTOR_RESET_CONFIRMED)) == 1
    assert state_of(reset) == State.PENDING


def test_confirming_against_the_member_being_removed(people: People) -> None:
    """Either they were a member when it was confirmed, or it was refused."""
    started(people.bob, by=make_staff())
    owner = Membership.objects.select_related("account").get(
        account=people.account, user=people.alice
    )
    member = Membership.objects.get(account=people.account, user=people.bob)
    access = access_of(owner, user=people.alice)

    def remove() -> None:
        remove_member(access, member.public_id, actor=OPERATOR)

    failures = all_at_once([lambda: confirm(people), remove])
    assert_refused(failures)
    assert not Membership.objects.filter(account=people.account, user=people.bob).exists()


def test_one_that_is_due_against_closing_the_user_id(people: People) -> None:
    reset = due_reset(people)
    failures = all_at_once([complete_due_resets, lambda: close(people.bob)])
    assert_refused(failures)
    complete_due_resets()
    assert state_of(reset) != State.PENDING
    people.bob.refresh_from_db()
    assert people.bob.closed_at is not None


def test_one_that_is_due_against_an_app_that_is_being_added(people: People) -> None:
    """A method that is added at the same moment goes too, or is not added."""
    reset = due_reset(people)
    app = begin_set_up(people.bob)
    request = RequestFactory().post("/profile/two-factor/apps/")
    request.user, request.session = people.bob, SessionStore()

    def add() -> None:
        with suppress(Http404):
            confirm_app(request, people.bob, app.public_id, code=code_of(app), name="New phone")

    failures = all_at_once([complete_due_resets, add])
    assert_refused(failures)
    complete_due_resets()
    assert state_of(reset) == State.COMPLETED
    assert method_count(people.bob) == 0


def test_a_person_under_somebody_elses_lock_waits_for_the_next_look(people: People) -> None:
    reset = due_reset(people)
    locked, done = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            lock_person(people.bob.pk)
            locked.set()
            done.wait(timeout=10)
        connection.close()

    holder = Thread(target=hold)
    holder.start()
    locked.wait(timeout=10)
    assert complete_due_resets() == 0
    done.set()
    holder.join()
    assert state_of(reset) == State.PENDING
    assert complete_due_resets() == 1


def test_a_worker_that_is_killed_half_way_leaves_it_whole(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = due_reset(people)
    take_away = resetting._take_away

    def taken_and_killed(person: User, *, actor: Actor) -> None:
        take_away(person, actor=actor)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(resetting, "_take_away", taken_and_killed)
    # The child has a connection of its own: the parent's is closed before it is born.
    connection.close()
    child = os.fork()
    if child == 0:
        complete_due_resets()
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    monkeypatch.undo()
    assert os.WTERMSIG(status) == signal.SIGKILL
    deadline = time.monotonic() + 10
    # The server undoes the transaction as soon as it notices.
    while not complete_due_resets() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert_one_end(people, reset)
    assert state_of(reset) == State.COMPLETED
