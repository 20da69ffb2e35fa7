"""Decision 0082: whatever happens at the same moment, there is exactly one owner."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import RequestFactory

from accounts.access import access_of
from accounts.memberships import remove_member
from accounts.models import Membership, OwnershipChange
from accounts.ownership import (
    accept_offer,
    decline_offer,
    offer_ownership,
    start_hand_over,
    stop_change,
)
from accounts.periodic import end_due_changes
from common.exceptions import DomainError
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.factories import OPERATOR, make_staff
from tests.people import People
from users.closing import close_user
from users.models import User
from users.session_store import SessionStore

pytestmark = pytest.mark.django_db(transaction=True)

State = OwnershipChange.State


def offer(people: People, *, to: User | None = None) -> None:
    offer_ownership(
        people.account,
        to=to or people.bob,
        by=people.alice,
        keeps_access=True,
        actor=OPERATOR,
    )


def accept(people: People) -> None:
    accept_offer(people.account, by=people.bob, actor=OPERATOR)


def stop(people: People) -> None:
    stop_change(people.account, actor=OPERATOR)


def decline(people: People) -> None:
    decline_offer(people.account, by=people.bob, actor=OPERATOR)


def remove_bob(people: People) -> None:
    owner = Membership.objects.select_related("account").get(
        account=people.account, user=people.alice
    )
    target = Membership.objects.get(account=people.account, user=people.bob)
    remove_member(access_of(owner, user=people.alice), target.public_id, actor=OPERATOR)


def hand_over_is_due(people: People) -> None:
    start_hand_over(
        people.account,
        to=people.charlie,
        by=make_staff(),
        reason="The firm was sold",
        check="A letter",
        keeps_access=True,
        actor=OPERATOR,
    )
    with all_accounts_scope("a test"):
        change = OwnershipChange.objects.get(state=State.PENDING)
        change.due_at = change.created_at - timedelta(seconds=1)
        change.save(update_fields=["due_at"])


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


def owners(people: People) -> list[str]:
    found = Membership.objects.filter(account=people.account, is_owner=True)
    return list(found.values_list("user__email", flat=True))


def states() -> list[str]:
    with all_accounts_scope("a test"):
        return sorted(OwnershipChange.objects.values_list("state", flat=True))


def assert_refused(failures: list[Exception]) -> None:
    """Each loser was told so in words, and none ended in an error of the database."""
    assert [error for error in failures if not isinstance(error, DomainError)] == []


def assert_one_owner_and_one_end(people: People) -> None:
    completed = states().count(State.COMPLETED)
    expected = people.bob.email if completed else people.alice.email
    assert owners(people) == [expected]
    assert states().count(State.PENDING) == 0
    with all_accounts_scope("a test"):
        told = OutgoingEmail.objects.filter(kind="ownership_changed").count()
    assert told == (2 if completed else 0)


def test_ten_acceptances_at_once_complete_once(people: People) -> None:
    offer(people)
    failures = all_at_once([lambda: accept(people)] * 10)
    assert len(failures) == 9
    assert_refused(failures)
    assert states() == [State.COMPLETED]
    assert_one_owner_and_one_end(people)


@pytest.mark.parametrize("other", [stop, decline])
def test_accepting_against_stopping_or_declining(
    people: People, other: Callable[[People], None]
) -> None:
    for _ in range(4):
        if owners(people) == [people.bob.email]:
            break
        offer(people)
        failures = all_at_once([lambda: accept(people), lambda: other(people)])
        assert len(failures) == 1
        assert_refused(failures)
        assert_one_owner_and_one_end(people)


def test_two_offers_at_once_leave_one_pending(people: People) -> None:
    failures = all_at_once(
        [lambda: offer(people), lambda: offer(people, to=people.dora), lambda: offer(people)]
    )
    assert len(failures) == 2
    assert_refused(failures)
    assert states() == [State.PENDING]
    assert owners(people) == [people.alice.email]


def test_three_workers_complete_a_hand_over_once(people: People) -> None:
    hand_over_is_due(people)
    failures = all_at_once([end_due_changes] * 3)
    assert failures == []
    end_due_changes()
    assert states() == [State.COMPLETED]
    assert owners(people) == [people.charlie.email]
    with all_accounts_scope("a test"):
        assert OutgoingEmail.objects.filter(kind="ownership_changed").count() == 2


def test_a_hand_over_that_is_due_against_its_owner_who_stops_it(people: People) -> None:
    hand_over_is_due(people)
    failures = all_at_once([end_due_changes, lambda: stop(people)])
    assert_refused(failures)
    end_due_changes()
    (state,) = states()
    assert state in (State.COMPLETED, State.STOPPED)
    completed = state == State.COMPLETED
    assert owners(people) == [people.charlie.email if completed else people.alice.email]


def test_accepting_an_offer_against_a_hand_over_and_the_periodic_look(people: People) -> None:
    """The hand-over is refused while the offer stands, and may start when it has been accepted."""
    offer(people)
    staff = make_staff()

    def hand_over() -> None:
        start_hand_over(
            people.account,
            to=people.charlie,
            by=staff,
            reason="r",
            check="c",
            keeps_access=True,
            actor=OPERATOR,
        )

    failures = all_at_once([lambda: accept(people), hand_over, end_due_changes])
    assert_refused(failures)
    assert owners(people) == [people.bob.email]
    assert states() in ([State.COMPLETED], [State.COMPLETED, State.PENDING])


def test_accepting_against_being_removed(people: People) -> None:
    """Either the new owner stays, whom nobody removes, or the removed member owns nothing."""
    offer(people)
    failures = all_at_once([lambda: accept(people), lambda: remove_bob(people)])
    assert len(failures) == 1
    assert_refused(failures)
    is_member = Membership.objects.filter(account=people.account, user=people.bob).exists()
    assert owners(people) == [people.bob.email if is_member else people.alice.email]


def test_accepting_against_closing_ones_user_id(people: People) -> None:
    """Who is gone owns nothing, and who owns something cannot go."""
    offer(people)
    request = RequestFactory().post("/profile/close/")
    request.user = people.bob
    request.session = SessionStore()
    failures = all_at_once([lambda: accept(people), lambda: close_user(request, people.bob)])
    assert len(failures) == 1
    assert_refused(failures)
    people.bob.refresh_from_db()
    assert owners(people) == [people.bob.email if people.bob.is_active else people.alice.email]
