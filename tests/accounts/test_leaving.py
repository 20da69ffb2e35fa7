"""Leaving an account, and what a person's accounts mean for closing their user ID."""

import pytest

from accounts.leaving import accounts_still_owned, end_memberships
from accounts.models import Account, Membership
from accounts.permissions import Flag
from audit.actions import Action
from tests.factories import OPERATOR, add_member
from tests.invitations import (
    events,
    flags_of,
    invited,
    mail_count,
    mails,
    settings_of,
    text_of,
    told,
)
from tests.people import People, signed_in
from users import closing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["bob", "dora"])
@pytest.mark.parametrize("status", list(Account.Status))
def test_any_member_leaves_whatever_their_access_and_the_accounts_status(
    people: People, name: str, status: str
) -> None:
    Account.objects.filter(pk=people.account.pk).update(status=status)
    user = getattr(people, name)
    browser = signed_in(user)
    page = settings_of(people.account, "leave/")
    shown = text_of(browser.get(page))
    assert "Leave Hartwell &amp; Sons?" in shown
    assert "You can no longer open this account." in shown
    assert flags_of(user, people.account) is not None
    answer = browser.post(page, follow=True)
    assert answer.redirect_chain == [("/accounts/", 302)]
    assert "You have left Hartwell &amp; Sons." in text_of(answer)
    assert flags_of(user, people.account) is None
    assert browser.get(f"/a/{people.account.number}/").status_code == 404


def test_the_owner_is_told_and_it_is_audited(people: People) -> None:
    signed_in(people.bob).post(settings_of(people.account, "leave/"))
    [mail] = mails("member_left")
    assert mail.recipient_address == people.alice.email
    assert "Bob Ferris (bob@hartwell.example) has left" in " ".join(mail.text_body.split())
    [event] = events(Action.MEMBERSHIP_LEFT)
    assert event.actor_user_id == people.bob.pk
    assert event.details == {"from": {"flags": ["billing"], "receives_invoices": False}}


def test_invitations_of_whoever_leaves_end_and_stay_ended(people: People) -> None:
    """0077."""
    Membership.objects.filter(user=people.bob).update(flags=["billing", "user_management"])
    invitation = invited(people.account, by=people.bob)
    signed_in(people.bob).post(settings_of(people.account, "leave/"))
    add_member(people.account, people.bob, *Flag)
    invitation.refresh_from_db()
    assert invitation.state == "deleted"
    [event] = events(Action.INVITATION_DELETED)
    assert event.details == {"reason": "who sent it has left the account"}


def test_the_owner_cannot_leave_and_is_told_to_offer_the_account(people: People) -> None:
    browser = signed_in(people.alice)
    page = settings_of(people.account, "leave/")
    shown = text_of(browser.get(page))
    assert "Offer it to somebody else first" in shown
    assert browser.post(page).status_code == 409
    assert Membership.objects.get(user=people.alice).is_owner
    assert mail_count() == 0


def test_a_stranger_has_nothing_to_leave(people: People) -> None:
    answer = signed_in(people.charlie).post(settings_of(people.account, "leave/"))
    assert answer.status_code == 404


def test_who_only_gets_too_many_invoices_is_led_to_what_stops_them(people: People) -> None:
    """Row U6: from the overview, without any right."""
    Membership.objects.filter(user=people.dora).update(receives_invoices=True)
    own = Membership.objects.get(user=people.dora).public_id
    shown = text_of(signed_in(people.dora).get(settings_of(people.account, "leave/")))
    assert settings_of(people.account, f"users/{own}/") in shown


def test_looking_at_the_page_changes_nothing(people: People) -> None:
    signed_in(people.bob).get(settings_of(people.account, "leave/"))
    assert flags_of(people.bob, people.account) == ["billing"]
    assert mail_count() == 0


# --- Closing a user ID --------------------------------------------------------------------------


def test_an_owner_cannot_close_their_user_id_and_each_account_is_named(people: People) -> None:
    """Decision 0081."""
    [reason] = closing.obstacles_of(people.alice)
    assert f"You own the account Hartwell & Sons ({people.account.number})." in reason
    assert closing.obstacles_of(people.bob) == []


def test_an_account_that_is_closed_is_no_obstacle(people: People) -> None:
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    assert accounts_still_owned(people.alice) == []


def test_memberships_end_with_the_user_id(people: People) -> None:
    add_member(people.charlies_account, people.bob, Flag.BILLING)
    end_memberships(people.bob, OPERATOR)
    assert not Membership.objects.filter(user=people.bob).exists()
    assert told("member_left") == [people.alice.email, people.charlie.email]
    assert len(events(Action.MEMBERSHIP_LEFT)) == 2
