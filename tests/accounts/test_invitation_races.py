"""docs/security.md: what happens at the same moment happens once."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import RequestFactory

from accounts.access import access_of
from accounts.answering import (
    Joined,
    NewPerson,
    accept,
    create_user_and_accept,
    decline,
)
from accounts.invitations import link_token
from accounts.inviting import delete_invitation, invite, send_again
from accounts.memberships import leave, remove_member
from accounts.models import Invitation, Membership
from accounts.permissions import Flag
from audit.actions import Action
from common.exceptions import DomainError
from common.tokens import hash_of_token
from tests.factories import OPERATOR, add_member, make_user
from tests.invitations import NEW_PASSWORD, NEWCOMER, access_for, events, flags_of, invited, told
from tests.people import People
from users.closing import close_user
from users.models import User
from users.session_store import SessionStore

pytestmark = pytest.mark.django_db(transaction=True)

PERSON = NewPerson(
    first_name="Erin", last_name="Vale", password=NEW_PASSWORD, language="en", timezone="UTC"
)


def at_once(doings: Sequence[Callable[[], object]]) -> tuple[list[object], list[Exception]]:
    """Run all of them at the same moment; what they gave, and what refused them."""
    start = Barrier(len(doings))
    given: list[object] = []
    refusals: list[Exception] = []

    def run(doing: Callable[[], object]) -> None:
        start.wait()
        try:
            given.append(doing())
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            refusals.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given, refusals


def accepting(invitation: Invitation, user: User) -> Callable[[], Joined]:
    token = hash_of_token(link_token(invitation))
    return lambda: accept(invitation.pk, token, user=user, actor=OPERATOR)


def test_twenty_acceptances_at_once_make_one_membership(people: People) -> None:
    invitation = invited(people.account, by=people.alice, email=people.charlie.email)
    given, refusals = at_once([accepting(invitation, people.charlie)] * 20)
    assert refusals == []
    assert [joined.is_new for joined in given if isinstance(joined, Joined)].count(True) == 1
    assert Membership.objects.filter(account=people.account, user=people.charlie).count() == 1
    assert told("invitation_accepted") == [people.alice.email]
    assert len(events(Action.INVITATION_ACCEPTED)) == 1


def test_twenty_forms_of_somebody_new_at_once_make_one_user_id(people: People) -> None:
    invitation = invited(people.account, by=people.alice)
    token = hash_of_token(link_token(invitation))
    given, refusals = at_once(
        [lambda: create_user_and_accept(invitation.pk, token, person=PERSON, actor=OPERATOR)] * 20
    )
    assert len(given) == 1
    assert all(isinstance(refusal, DomainError) for refusal in refusals)
    assert User.objects.filter(email=NEWCOMER).count() == 1
    assert Membership.objects.filter(user__email=NEWCOMER).count() == 1
    assert told("invitation_accepted") == [people.alice.email]


@pytest.mark.parametrize("ending", ["delete", "decline", "send again"])
def test_accepting_and_ending_at_once_do_one_of_the_two(people: People, ending: str) -> None:
    invitation = invited(people.account, by=people.alice, email=people.charlie.email)
    token = hash_of_token(link_token(invitation))
    access = access_for(people.alice, people.account)
    endings: dict[str, Callable[[], object]] = {
        "delete": lambda: delete_invitation(access, invitation.pk, actor=OPERATOR),
        "decline": lambda: decline(invitation.pk, token, user=None, actor=OPERATOR),
        "send again": lambda: send_again(access, invitation.pk, seen_count=1, actor=OPERATOR),
    }
    given, refusals = at_once([accepting(invitation, people.charlie), endings[ending]])
    assert len(given) == len(refusals) == 1
    assert isinstance(refusals[0], DomainError)
    invitation.refresh_from_db()
    is_member = flags_of(people.charlie, people.account) is not None
    assert is_member == (invitation.state == Invitation.State.ACCEPTED)


def test_accepting_and_removing_the_inviter_at_once(people: People) -> None:
    """Whoever comes second meets what the first left: never a membership without backing."""
    manager = make_user("mona@hartwell.example")
    member = add_member(people.account, manager, Flag.USER_MANAGEMENT, Flag.BILLING)
    invitation = invited(people.account, by=manager, email=people.charlie.email)
    access = access_for(people.alice, people.account)
    given, refusals = at_once(
        [
            accepting(invitation, people.charlie),
            lambda: remove_member(access, member.public_id, actor=OPERATOR),
        ]
    )
    assert flags_of(manager, people.account) is None
    accepted = flags_of(people.charlie, people.account) is not None
    assert accepted == (not refusals)
    assert all(isinstance(refusal, DomainError) for refusal in refusals)
    assert len(given) == (2 if accepted else 1)


def test_accepting_and_closing_ones_user_id_at_once(people: People) -> None:
    """Whichever comes first: who is gone is a member of nothing."""
    person = make_user("mona@hartwell.example")
    invitation = invited(people.account, by=people.alice, email=person.email)
    request = RequestFactory().post("/profile/close/")
    request.user, request.session = person, SessionStore()
    _given, refusals = at_once([accepting(invitation, person), lambda: close_user(request, person)])
    assert all(isinstance(refusal, DomainError) for refusal in refusals)
    person.refresh_from_db()
    assert not person.is_active
    assert flags_of(person, people.account) is None


def test_two_managers_who_remove_each_other_at_once(people: People) -> None:
    """docs/security.md: the second has lost the right by then."""
    managers = [make_user(f"manager-{name}@hartwell.example") for name in ("a", "b")]
    members = [add_member(people.account, user, Flag.USER_MANAGEMENT) for user in managers]
    accesses = [access_for(user, people.account) for user in managers]
    given, refusals = at_once(
        [
            lambda: remove_member(accesses[0], members[1].public_id, actor=OPERATOR),
            lambda: remove_member(accesses[1], members[0].public_id, actor=OPERATOR),
        ]
    )
    assert len(given) == len(refusals) == 1
    assert isinstance(refusals[0], DomainError)
    assert Membership.objects.filter(user__in=managers).count() == 1
    assert Membership.objects.filter(account=people.account, is_owner=True).count() == 1


def test_ten_clicks_on_add_at_once_send_one_invitation(people: People) -> None:
    access = access_for(people.alice, people.account)
    given, refusals = at_once(
        [lambda: invite(access, email=NEWCOMER, flags=[], receives_invoices=False, actor=OPERATOR)]
        * 10
    )
    assert len(given) == 1
    assert all(isinstance(refusal, DomainError) for refusal in refusals)
    assert told("invitation") == [NEWCOMER]


def test_leaving_twice_at_once_tells_the_owner_once(people: People) -> None:
    given, refusals = at_once([lambda: leave(people.account, user=people.bob, actor=OPERATOR)] * 5)
    assert len(given) == 1
    assert len(refusals) == 4
    assert told("member_left") == [people.alice.email]
    owner = Membership.objects.select_related("account").get(user=people.alice)
    assert access_of(owner, user=people.alice).membership.is_owner
