"""Decision 0078: who may pass which right on."""

from collections.abc import Sequence

import pytest

from accounts.granting import grantable_flags, may_designate
from accounts.models import Account, Invitation, Membership
from accounts.permissions import Flag
from audit.actions import Action
from tests.factories import add_member, make_user
from tests.invitations import (
    NEWCOMER,
    access_for,
    events,
    flags_of,
    mail_count,
    settings_of,
    text_of,
)
from tests.people import People, signed_in
from users.models import User

USERS, BILLING, FULL = Flag.USER_MANAGEMENT, Flag.BILLING, Flag.FULL_ACCESS


def member(*flags: Flag, is_owner: bool = False) -> Membership:
    return Membership(flags=list(flags), is_owner=is_owner)


@pytest.fixture
def manager(people: People) -> User:
    """Manages users, and holds nothing else."""
    user = make_user("mona@hartwell.example", first_name="Mona", last_name="Keys")
    add_member(people.account, user, USERS)
    return user


# --- The rule -----------------------------------------------------------------------------------


def test_the_owner_grants_every_right() -> None:
    assert grantable_flags(member(is_owner=True), account=Account()) == set(Flag)


@pytest.mark.parametrize("flags", [[], [BILLING], [FULL], [Flag.SUPPORT, Flag.SYSTEMS]])
def test_whoever_does_not_manage_users_grants_nothing(flags: Sequence[Flag]) -> None:
    assert grantable_flags(member(*flags), account=Account()) == set()
    lifted = Account(managers_may_grant_all=True)
    assert grantable_flags(member(*flags), account=lifted) == set()


def test_a_manager_grants_what_they_hold_and_no_more() -> None:
    assert grantable_flags(member(USERS), account=Account()) == {USERS}
    assert grantable_flags(member(USERS, BILLING), account=Account()) == {USERS, BILLING}


def test_full_access_holds_every_right_that_it_includes() -> None:
    assert grantable_flags(member(USERS, FULL), account=Account()) == set(Flag)


def test_several_rights_do_not_add_up_to_full_access() -> None:
    rest = set(Flag) - {FULL}
    assert grantable_flags(member(*rest), account=Account()) == rest


def test_billing_reserved_to_the_owner_takes_no_granting_away() -> None:
    reserved = Account(billing_reserved_to_owner=True)
    assert grantable_flags(member(USERS, BILLING), account=reserved) == {USERS, BILLING}


def test_the_owner_can_lift_the_rule_for_an_account() -> None:
    assert grantable_flags(member(USERS), account=Account(managers_may_grant_all=True)) == set(Flag)


@pytest.mark.parametrize(
    ("flags", "is_owner", "reserved", "may"),
    [
        ([], True, False, True),
        ([], True, True, True),
        ([USERS, BILLING], False, False, True),
        ([USERS, FULL], False, False, True),
        ([USERS, BILLING], False, True, False),
        ([USERS], False, False, False),
        ([BILLING], False, False, False),
    ],
)
def test_decision_6_who_says_who_gets_invoices(
    flags: Sequence[Flag], is_owner: bool, reserved: bool, may: bool
) -> None:
    account = Account(billing_reserved_to_owner=reserved)
    assert may_designate(member(*flags, is_owner=is_owner), account=account) is may


# --- Sent without the form ----------------------------------------------------------------------


@pytest.mark.django_db
def test_inviting_with_a_right_that_one_lacks_is_refused_and_audited(
    people: People, manager: User
) -> None:
    before = mail_count()
    answer = signed_in(manager).post(
        settings_of(people.account, "users/add/"), {"email": NEWCOMER, "flags": ["billing"]}
    )
    assert answer.status_code == 403
    assert "you do not have it yourself" in text_of(answer)
    assert "Alice Hartwell" in text_of(answer)
    assert not Invitation.objects.exists()
    assert mail_count() == before
    [denial] = events(Action.ACCESS_DENIED)
    assert denial.account_id == people.account.pk
    assert denial.actor_user_id == manager.pk


@pytest.mark.django_db
def test_giving_a_member_a_right_that_one_lacks_is_refused_and_audited(
    people: People, manager: User
) -> None:
    dora = Membership.objects.get(user=people.dora)
    answer = signed_in(manager).post(
        settings_of(people.account, f"users/{dora.public_id}/"), {"flags": ["billing"]}
    )
    assert answer.status_code == 403
    assert flags_of(people.dora, people.account) == []
    assert mail_count() == 0
    assert len(events(Action.ACCESS_DENIED)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["", "remove/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_owner_is_touched_by_nobody(
    people: People, manager: User, page: str, method: str
) -> None:
    owner = Membership.objects.get(user=people.alice)
    address = settings_of(people.account, f"users/{owner.public_id}/{page}")
    answer = getattr(signed_in(manager), method)(address, {"flags": []})
    assert answer.status_code == 403
    owner.refresh_from_db()
    assert owner.is_owner
    assert mail_count() == 0
    assert len(events(Action.ACCESS_DENIED)) == 1


@pytest.mark.django_db
def test_nobody_changes_their_own_access(people: People, manager: User) -> None:
    people.account.managers_may_grant_all = True
    people.account.save(update_fields=["managers_may_grant_all"])
    own = access_for(manager, people.account).membership
    address = settings_of(people.account, f"users/{own.public_id}/")
    signed_in(manager).post(address, {"flags": ["billing", "user_management"]})
    assert flags_of(manager, people.account) == ["user_management"]
    answer = signed_in(manager).post(f"{address}remove/")
    assert answer.status_code == 403
    assert flags_of(manager, people.account) == ["user_management"]


@pytest.mark.django_db
def test_designating_without_the_right_changes_nothing(people: People, manager: User) -> None:
    """The box is closed: what is sent for it is not read."""
    dora = Membership.objects.get(user=people.dora)
    sent = {"flags": [], "receives_invoices": "on", "seen_flags": "", "seen_invoices": "False"}
    address = settings_of(people.account, f"users/{dora.public_id}/")
    signed_in(manager).post(address, sent)
    dora.refresh_from_db()
    assert not dora.receives_invoices


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["bob", "dora"])
@pytest.mark.parametrize("page", ["users/add/", "users/{member}/", "users/{member}/remove/"])
def test_without_user_management_nobody_is_added_changed_or_removed(
    people: People, name: str, page: str
) -> None:
    other = Membership.objects.get(user=people.dora if name == "bob" else people.bob)
    address = settings_of(people.account, page.format(member=other.public_id))
    before = Membership.objects.filter(account=people.account).count()
    answer = signed_in(getattr(people, name)).post(address, {"email": NEWCOMER, "flags": []})
    assert answer.status_code == 403
    assert Membership.objects.filter(account=people.account).count() == before
    assert not Invitation.objects.exists()
    assert mail_count() == 0
