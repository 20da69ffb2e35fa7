"""Rows Z2, Z3 and M4, decision 0077: inviting, sending again, deleting."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.invitations import LIFETIME, State, examine, link_of, pending_for
from accounts.models import Account, Invitation, Membership
from accounts.permissions import Flag
from audit.actions import Action
from mail import links
from tests.factories import add_member, make_account, make_staff, make_user
from tests.invitations import (
    NEWCOMER,
    events,
    expire,
    flags_of,
    invited,
    mail_count,
    mails,
    settings_of,
    text_of,
    told,
)
from tests.people import People, signed_in
from users.models import User
from users.rate_limits import Limit

pytestmark = pytest.mark.django_db


def add(people: People, email: str = NEWCOMER, *, by: User | None = None, **sent: Any) -> Any:
    browser = signed_in(by or people.alice)
    address = settings_of(people.account, "users/add/")
    return browser.post(address, {"email": email, **sent}, follow=True)


def send_again(people: People, invitation: Invitation, *, by: User, seen: int = 1) -> Any:
    address = settings_of(people.account, f"invitations/{invitation.pk}/send-again/")
    return signed_in(by).post(address, {"seen": seen}, follow=True)


@pytest.fixture
def manager(people: People) -> User:
    user = make_user("mona@hartwell.example", first_name="Mona", last_name="Keys")
    add_member(people.account, user, Flag.USER_MANAGEMENT, Flag.BILLING)
    return user


# --- Adding by email address ----------------------------------------------------------------------


def test_z2_somebody_is_added_by_email_address(people: People) -> None:
    answer = add(people, flags=["billing"], receives_invoices="on")
    assert f"An invitation is on its way to {NEWCOMER}." in text_of(answer)
    invitation = Invitation.objects.get()
    assert invitation.flags == ["billing"]
    assert invitation.receives_invoices
    assert invitation.invited_by == people.alice
    assert invitation.expires_at - invitation.sent_at == LIFETIME == timedelta(days=10)
    [event] = events(Action.INVITATION_SENT)
    assert event.subject == f"invitation {NEWCOMER}"
    assert event.details["to"] == {"flags": ["billing"], "receives_invoices": True}


def test_the_mail_says_who_invites_to_what_until_when(people: People) -> None:
    add(people, flags=["billing"])
    [mail] = mails("invitation")
    assert mail.recipient_address == NEWCOMER
    assert mail.subject == "Invitation to the customer account Hartwell & Sons"
    words = " ".join(mail.text_body.split())
    assert "alice@hartwell.example invites you to the customer account Hartwell & Sons" in words
    assert str(people.account.number) in words
    assert "Billing: May see invoices" in words
    assert "The link is good until" in words
    assert mail.link_marker in mail.text_body
    assert mail.link_marker in mail.html_body


def test_no_copy_of_the_database_opens_the_link(people: People) -> None:
    """docs/security.md: neither the row nor the mail holds the token."""
    invitation = invited(people.account, by=people.alice)
    [mail] = mails("invitation")
    token = link_of(invitation).rstrip("/").rpartition("/")[2]
    assert token not in mail.text_body + mail.html_body
    assert token not in str(Invitation.objects.values().get())
    links.put_in(mail)
    assert link_of(invitation) in mail.text_body


def test_the_address_is_taken_in_any_spelling(people: People) -> None:
    add(people, f"  {NEWCOMER.upper()} ")
    assert Invitation.objects.get().email == NEWCOMER
    answer = add(people, NEWCOMER.title())
    assert "has been invited already" in text_of(answer)


@pytest.mark.parametrize(
    "email", ["", "nonsense", "a@b@c.example", "x@y.example\r\nBcc: z@y.example", "a" * 10_000]
)
def test_an_address_that_is_none_is_told_at_its_field(people: People, email: str) -> None:
    answer = add(people, email, flags=["billing"])
    page = text_of(answer)
    assert "Enter" in page
    assert 'href="#id_email"' in page
    assert 'value="billing" id="id_flags_1" checked' in page
    assert not Invitation.objects.exists()
    assert mail_count() == 0


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_owner_and_members_are_not_invited_again(people: People, name: str) -> None:
    answer = add(people, getattr(people, name).email)
    assert "is a user of this account already" in text_of(answer)
    assert not Invitation.objects.exists()
    assert mail_count() == 0


def test_a_second_click_sends_no_second_mail_and_says_so(people: People) -> None:
    add(people, flags=["billing"])
    answer = add(people, flags=["billing"])
    assert f"{NEWCOMER} has been invited already" in text_of(answer)
    assert told("invitation") == [NEWCOMER]


def test_one_address_can_be_invited_to_two_accounts(people: People) -> None:
    invited(people.account, by=people.alice)
    invited(people.charlies_account, by=people.charlie)
    assert Invitation.objects.filter(email=NEWCOMER).count() == 2


def test_m6_whoever_grants_support_is_told_what_a_ticket_authorises(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form shows it with the first page of support."""
    monkeypatch.setattr("accounts.forms.users.offered_flags", lambda: [Flag.SUPPORT])
    page = text_of(signed_in(people.alice).get(settings_of(people.account, "users/add/")))
    assert "A ticket authorises our support team" in page


# --- Whether the address has a user ID ------------------------------------------------------------


def test_the_inviter_cannot_tell_whether_an_address_has_a_user_id(people: People) -> None:
    unknown = add(people, "nobody@elsewhere.example", flags=["billing"])
    known = add(people, people.charlie.email, flags=["billing"])
    said = text_of(unknown).replace("nobody@elsewhere.example", people.charlie.email)
    assert f"An invitation is on its way to {people.charlie.email}." in said
    assert f"An invitation is on its way to {people.charlie.email}." in text_of(known)
    rows = Invitation.objects.order_by("email").values("flags", "state", "receives_invoices")
    assert rows[0] == rows[1]
    assert flags_of(people.charlie, people.account) is None


def test_m4_an_existing_user_is_asked_and_a_new_one_is_told_to_create_a_user_id(
    people: People,
) -> None:
    add(people, people.charlie.email)
    add(people, NEWCOMER)
    to_charlie, to_newcomer = mails("invitation")
    assert "You have a user ID here: sign in to accept." in to_charlie.text_body
    assert "You have no user ID here yet" in to_newcomer.text_body


def test_each_is_written_to_in_their_language(people: People) -> None:
    User.objects.filter(pk=people.charlie.pk).update(language="de")
    User.objects.filter(pk=people.alice.pk).update(language="fr")
    add(people, people.charlie.email)
    add(people, NEWCOMER)
    assert [mail.html_body.split('lang="')[1][:2] for mail in mails("invitation")] == ["de", "fr"]


def test_z2_with_add_an_existing_user_becomes_a_member_at_once_and_is_told(
    people: People, manager: User, settings: Settings
) -> None:
    settings.INVITE_EXISTING_USERS = "add"
    answer = add(people, people.charlie.email, by=manager, flags=["billing"])
    assert "is now a user of this account" in text_of(answer)
    assert flags_of(people.charlie, people.account) == ["billing"]
    assert not Invitation.objects.exists()
    [mail] = mails("added_to_account")
    assert mail.recipient_address == people.charlie.email
    assert "Mona Keys (mona@hartwell.example) has added you" in mail.text_body
    assert told("access_changed_to_owner") == [people.alice.email]
    assert len(events(Action.MEMBERSHIP_CREATED)) == 1


@pytest.mark.parametrize("state", [{"email_verified_at": None}, {"is_active": False}])
def test_z2_with_add_an_unverified_or_disabled_user_id_counts_as_none(
    people: People, settings: Settings, state: dict[str, Any]
) -> None:
    settings.INVITE_EXISTING_USERS = "add"
    User.objects.filter(pk=people.charlie.pk).update(**state)
    add(people, people.charlie.email)
    assert Invitation.objects.get().email == people.charlie.email
    assert flags_of(people.charlie, people.account) is None


# --- Limits ---------------------------------------------------------------------------------------


def test_an_account_sends_fifty_invitations_a_day(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "accounts.invitation_limits.PER_ACCOUNT",
        Limit("invitations of an account", 2, timedelta(days=1)),
    )
    add(people, "one@newcomer.example")
    add(people, "two@newcomer.example")
    answer = add(people, "three@newcomer.example", flags=["billing"])
    assert answer.status_code == 429
    page = text_of(answer)
    assert "This account has sent as many invitations as it may within a day." in page
    assert "Try again after" in page
    assert "three@newcomer.example" in page
    assert Invitation.objects.count() == mail_count() == 2
    tomorrow = timezone.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr("users.rate_limits.timezone.now", lambda: tomorrow)
    add(people, "three@newcomer.example")
    assert Invitation.objects.count() == 3


def test_an_address_gets_five_invitations_a_day_from_whatever_accounts(people: People) -> None:
    for position in range(5):
        owner = make_user(f"owner-{position}@elsewhere.example")
        invited(make_account(owner=owner), by=owner)
    answer = add(people)
    assert answer.status_code == 429
    assert "This address has been sent as many invitations" in text_of(answer)
    assert len(told("invitation")) == 5


def test_deleting_and_inviting_again_does_not_get_around_the_limit(people: People) -> None:
    for _ in range(5):
        invitation = invited(people.account, by=people.alice)
        address = settings_of(people.account, f"invitations/{invitation.pk}/delete/")
        signed_in(people.alice).post(address)
    assert add(people).status_code == 429
    assert len(told("invitation")) == 5


def test_nothing_that_is_refused_is_counted(people: People) -> None:
    for _ in range(7):
        add(people, people.bob.email)
    assert "An invitation is on its way" in text_of(add(people))


# --- Sending again and deleting (Z3) --------------------------------------------------------------


def test_z3_an_expired_invitation_can_be_sent_again_for_ten_more_days(people: People) -> None:
    invitation = invited(people.account, by=people.alice)
    expire(invitation)
    page = signed_in(people.alice).get(settings_of(people.account))
    assert "Expired on" in text_of(page)
    former_link = link_of(invitation)
    answer = send_again(people, invitation, by=people.alice)
    assert f"The invitation is on its way to {NEWCOMER} again." in text_of(answer)
    invitation.refresh_from_db()
    assert invitation.expires_at > timezone.now() + timedelta(days=9, hours=23)
    assert link_of(invitation) != former_link
    assert len(told("invitation")) == 2
    assert len(events(Action.INVITATION_SENT_AGAIN)) == 1
    assert Client().get(former_link, follow=True).status_code == 404
    assert Client().get(link_of(invitation), follow=True).status_code == 200


def test_a_second_click_on_send_again_sends_nothing_and_says_so(people: People) -> None:
    invitation = invited(people.account, by=people.alice)
    send_again(people, invitation, by=people.alice, seen=1)
    answer = send_again(people, invitation, by=people.alice, seen=1)
    assert "This invitation was sent again a moment ago." in text_of(answer)
    assert len(told("invitation")) == 2


def test_whoever_sends_again_answers_for_it_and_needs_the_rights(
    people: People, manager: User
) -> None:
    invitation = invited(people.account, by=people.alice, flags=[Flag.FULL_ACCESS])
    assert send_again(people, invitation, by=manager).status_code == 403
    assert len(told("invitation")) == 1
    Membership.objects.filter(user=manager).update(flags=["user_management", "full_access"])
    assert send_again(people, invitation, by=manager).status_code == 200
    invitation.refresh_from_db()
    assert invitation.invited_by == manager


def test_z3_an_invitation_can_be_deleted_and_sent_anew(people: People) -> None:
    invitation = invited(people.account, by=people.alice)
    browser = signed_in(people.alice)
    address = settings_of(people.account, f"invitations/{invitation.pk}/delete/")
    assert f"Delete the invitation of {NEWCOMER}?" in text_of(browser.get(address))
    answer = browser.post(address, follow=True)
    assert f"The invitation of {NEWCOMER} has been deleted." in text_of(answer)
    assert Client().get(link_of(invitation), follow=True).status_code == 404
    assert len(events(Action.INVITATION_DELETED)) == 1
    again = browser.post(address, follow=True)
    assert "has been answered or deleted meanwhile" in text_of(again)
    assert "An invitation is on its way" in text_of(add(people))


def test_mail_of_a_deleted_invitation_does_not_leave(people: People) -> None:
    invitation = invited(people.account, by=people.alice)
    Invitation.objects.filter(pk=invitation.pk).update(state="deleted", ended_at=timezone.now())
    [mail] = mails("invitation")
    with pytest.raises(links.LinkEnded):
        links.put_in(mail)


@pytest.mark.parametrize("command", ["send-again", "delete"])
def test_an_invitation_of_another_account_is_not_found(people: People, command: str) -> None:
    theirs = invited(people.charlies_account, by=people.charlie)
    address = settings_of(people.account, f"invitations/{theirs.pk}/{command}/")
    assert signed_in(people.alice).post(address).status_code == 404
    theirs.refresh_from_db()
    assert (theirs.state, theirs.sent_count) == ("pending", 1)


@pytest.mark.parametrize("command", ["send-again", "delete"])
@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("dora", 403), ("charlie", 404)])
def test_invitations_are_managed_by_those_who_manage_users(
    people: People, command: str, name: str, status: int
) -> None:
    invitation = invited(people.account, by=people.alice)
    address = settings_of(people.account, f"invitations/{invitation.pk}/{command}/")
    assert signed_in(getattr(people, name)).post(address).status_code == status
    invitation.refresh_from_db()
    assert (invitation.state, invitation.sent_count) == ("pending", 1)


# --- What stands in the way -----------------------------------------------------------------------


def state_of(invitation: Invitation) -> State:
    found = Invitation.objects.select_related("account", "invited_by").get(pk=invitation.pk)
    return examine([found])[0].state


@pytest.mark.parametrize(
    "change",
    [
        {"flags": ["billing"]},
        {"flags": ["user_management"]},
    ],
)
def test_an_invitation_stands_on_what_its_inviter_may_grant_now(
    people: People, manager: User, change: dict[str, Any]
) -> None:
    invitation = invited(people.account, by=manager)
    assert state_of(invitation) is State.OPEN
    Membership.objects.filter(user=manager).update(**change)
    assert state_of(invitation) is State.WITHOUT_BACKING


def test_so_it_does_on_their_membership_and_their_user_id(people: People, manager: User) -> None:
    invitation = invited(people.account, by=manager)
    User.objects.filter(pk=manager.pk).update(is_active=False)
    assert state_of(invitation) is State.WITHOUT_BACKING
    User.objects.filter(pk=manager.pk).update(is_active=True)
    Membership.objects.filter(user=manager).delete()
    assert state_of(invitation) is State.WITHOUT_BACKING


def test_staff_of_the_operator_back_nothing_without_the_right(people: People) -> None:
    """Staff invite as members do, if they are members at all."""
    helper = make_staff()
    membership = add_member(people.account, helper, Flag.USER_MANAGEMENT, Flag.BILLING)
    invitation = invited(people.account, by=helper)
    assert state_of(invitation) is State.OPEN
    Membership.objects.filter(pk=membership.pk).update(flags=[])
    assert state_of(invitation) is State.WITHOUT_BACKING


def test_the_users_page_says_that_an_inviter_lost_the_right(people: People, manager: User) -> None:
    invited(people.account, by=manager)
    Membership.objects.filter(user=manager).delete()
    page = text_of(signed_in(people.alice).get(settings_of(people.account)))
    assert "Cannot be accepted: mona@hartwell.example may no longer give this access." in page


def test_the_owner_sends_it_again_and_it_stands_on_their_right(
    people: People, manager: User
) -> None:
    invitation = invited(people.account, by=manager)
    Membership.objects.filter(user=manager).delete()
    send_again(people, invitation, by=people.alice)
    assert state_of(invitation) is State.OPEN


def test_an_invitation_that_designates_stands_on_that_right_too(
    people: People, manager: User
) -> None:
    invitation = invited(people.account, by=manager, receives_invoices=True)
    Account.objects.filter(pk=people.account.pk).update(billing_reserved_to_owner=True)
    assert state_of(invitation) is State.WITHOUT_BACKING


def test_a_closed_account_takes_nobody(people: People) -> None:
    invitation = invited(people.account, by=people.alice)
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    assert state_of(invitation) is State.ACCOUNT_CLOSED
    assert add(people, "another@newcomer.example").status_code == 409
    assert send_again(people, invitation, by=people.alice).status_code == 409


def test_a_suspended_one_does(people: People) -> None:
    invitation = invited(people.account, by=people.alice)
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.SUSPENDED)
    assert state_of(invitation) is State.OPEN


# --- Seen from the panel --------------------------------------------------------------------------


def test_what_awaits_a_person_is_known_by_their_verified_address(people: People) -> None:
    invitation = invited(people.account, by=people.alice, email=people.charlie.email)
    [found] = pending_for(people.charlie)
    assert found.invitation == invitation
    assert pending_for(people.bob) == []
    people.charlie.email_verified_at = None
    assert pending_for(people.charlie) == []
    expire(invitation)
    people.charlie.refresh_from_db()
    assert pending_for(people.charlie) == []


# --- Names that make trouble ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Evil\r\nBcc: everybody@example.com",
        "Comma, Angle <a@b.example>",
        "\u202eright to left",
        "x" * 250,
    ],
)
def test_an_account_may_be_called_what_it_likes_and_the_mail_still_leaves(
    people: People, name: str
) -> None:
    Account.objects.filter(pk=people.account.pk).update(name=name)
    add(people)
    [mail] = mails("invitation")
    assert "\r" not in mail.subject
    assert "\n" not in mail.subject
    assert "<a@b.example>" not in mail.html_body
    assert "Bcc:" not in {line.split(" ")[0] for line in mail.text_body.splitlines()}


@pytest.mark.parametrize(
    "name",
    [
        "Win at prizes.example",
        "https://prizes",
        "WWW.prizes",
        "me@prizes",
        "prizes/now",
        "prizes\uff0eexample",
        "prizes\u3002example",
    ],
)
def test_a_name_that_leads_elsewhere_is_not_mailed_to_strangers(people: People, name: str) -> None:
    """Anybody opens an account, calls it what they sell, and has us mail that to anybody."""
    Account.objects.filter(pk=people.account.pk).update(name=name)
    add(people)
    [mail] = mails("invitation")
    assert "prizes" not in (mail.subject + mail.text_body + mail.html_body).casefold()
    assert mail.subject == f"Invitation to account {people.account.number}"
    for words in (mail.text_body, mail.html_body):
        assert f"alice@hartwell.example invites you to account {people.account.number}." in words


@pytest.mark.parametrize("name", ["Hartwell & Sons", "J. R. Hartwell Ltd.", "A.B. Holt", "No. 5"])
def test_any_other_name_is(people: People, name: str) -> None:
    Account.objects.filter(pk=people.account.pk).update(name=name)
    add(people)
    [mail] = mails("invitation")
    assert name in mail.subject
    assert f"{name} (number {people.account.number})" in mail.text_body


def test_the_mail_carries_no_free_text_of_the_inviters(people: People) -> None:
    """docs/security.md: the account's name, and no more."""
    User.objects.filter(pk=people.alice.pk).update(first_name="You have won", last_name="EUR 1000")
    add(people)
    [mail] = mails("invitation")
    assert "won" not in mail.text_body + mail.html_body + mail.subject
