"""Rows M5 and U6, decision 0078: changing what a member may do, and removing one."""

from typing import Any

import pytest
from django.test import Client

from accounts.invitations import link_of
from accounts.models import Account, Membership
from accounts.permissions import Flag
from audit.actions import Action
from tests.factories import add_member, make_user
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
from users.models import User

pytestmark = pytest.mark.django_db


def of(user: User, account: Account) -> Membership:
    return Membership.objects.get(user=user, account=account)


def page_of(user: User, account: Account, rest: str = "") -> str:
    return settings_of(account, f"users/{of(user, account).public_id}/{rest}")


def change(by: User, who: User, account: Account, **sent: Any) -> Any:
    """Send the form as a browser does that has just opened it."""
    membership = of(who, account)
    seen = {
        "seen_flags": " ".join(membership.flags),
        "seen_invoices": str(membership.receives_invoices),
    }
    browser = signed_in(by)
    return browser.post(page_of(who, account), {**seen, **sent}, follow=True)


@pytest.fixture
def manager(people: People) -> User:
    user = make_user("mona@hartwell.example", first_name="Mona", last_name="Keys")
    add_member(people.account, user, Flag.USER_MANAGEMENT, Flag.BILLING)
    return user


# --- Changing -----------------------------------------------------------------------------------


def test_the_owner_gives_a_member_rights(people: People) -> None:
    answer = change(people.alice, people.dora, people.account, flags=["billing", "full_access"])
    assert "The access of Dora Lind (dora@hartwell.example) has been changed" in text_of(answer)
    assert flags_of(people.dora, people.account) == ["full_access", "billing"]
    [event] = events(Action.MEMBERSHIP_CHANGED)
    assert event.subject == "user dora@hartwell.example"
    assert event.details == {
        "from": {"flags": [], "receives_invoices": False},
        "to": {"flags": ["full_access", "billing"], "receives_invoices": False},
    }


def test_the_person_is_told_what_came_and_what_went(people: People) -> None:
    change(people.alice, people.bob, people.account, flags=["user_management"])
    [mail] = mails("access_changed")
    assert mail.recipient_address == people.bob.email
    words = " ".join(mail.text_body.split())
    assert "Alice Hartwell (alice@hartwell.example) has changed what you may do" in words
    assert "Added: User management" in words
    assert "Taken away: Billing" in words
    assert "Access now: User management" in words
    assert told("access_changed_to_owner") == []


def test_the_owner_is_told_when_a_manager_did_it(people: People, manager: User) -> None:
    change(manager, people.dora, people.account, flags=["billing"])
    assert told("access_changed") == [people.dora.email]
    [mail] = mails("access_changed_to_owner")
    assert mail.recipient_address == people.alice.email
    words = " ".join(mail.text_body.split())
    assert "Mona Keys (mona@hartwell.example) has changed what Dora Lind" in words
    assert "Added: Billing" in words


def test_a_manager_takes_away_a_right_that_they_lack(people: People) -> None:
    """Decision 0078."""
    bare = make_user("mia@hartwell.example")
    add_member(people.account, bare, Flag.USER_MANAGEMENT)
    change(bare, people.bob, people.account, flags=[])
    assert flags_of(people.bob, people.account) == []


def test_a_flag_that_no_form_offers_stays(people: People) -> None:
    """Systems opens no page yet."""
    add_member(people.account, make_user("sy@hartwell.example"), Flag.SYSTEMS)
    sy = User.objects.get(email="sy@hartwell.example")
    change(people.alice, sy, people.account, flags=["billing"])
    assert flags_of(sy, people.account) == ["billing", "systems"]


def test_a_flag_that_is_not_offered_is_not_taken(people: People) -> None:
    answer = change(people.alice, people.dora, people.account, flags=["systems"])
    assert "Choose from the boxes on this page." in text_of(answer)
    assert flags_of(people.dora, people.account) == []


def test_saving_what_is_so_already_says_so_and_tells_nobody(people: People) -> None:
    answer = change(people.alice, people.bob, people.account, flags=["billing"])
    assert "there was nothing to change" in text_of(answer)
    assert mail_count() == 0
    assert events(Action.MEMBERSHIP_CHANGED) == []


def test_a_second_click_on_save_is_harmless(people: People) -> None:
    browser = signed_in(people.alice)
    sent = {"flags": ["billing"], "seen_flags": "", "seen_invoices": "False"}
    browser.post(page_of(people.dora, people.account), sent)
    again = browser.post(page_of(people.dora, people.account), sent, follow=True)
    assert "there was nothing to change" in text_of(again)
    assert told("access_changed") == [people.dora.email]


def test_a_form_that_somebody_else_overtook_saves_nothing_and_loses_nothing(people: People) -> None:
    browser = signed_in(people.alice)
    of_dora = of(people.dora, people.account)
    Membership.objects.filter(pk=of_dora.pk).update(flags=["billing"])
    sent = {"flags": ["user_management"], "seen_flags": "", "seen_invoices": "False"}
    answer = browser.post(page_of(people.dora, people.account), sent)
    page = text_of(answer)
    assert "Somebody else has changed this person’s access" in page
    assert "Access now: Billing" in page
    assert 'value="user_management" id="id_flags_2" checked' in page
    assert 'value="billing" id="id_flags_1" checked' not in page
    assert flags_of(people.dora, people.account) == ["billing"]
    assert mail_count() == 0
    second = {"flags": ["user_management"], "seen_flags": "billing", "seen_invoices": "False"}
    browser.post(page_of(people.dora, people.account), second)
    assert flags_of(people.dora, people.account) == ["user_management"]


@pytest.mark.parametrize("seen", ["", "billing", "full_access billing user_management"])
def test_what_a_form_says_it_had_seen_grants_nothing_and_hides_no_attempt(
    people: People, seen: str
) -> None:
    """The manager lacks the right: refused and audited, whatever the hidden field holds."""
    bare = make_user("mia@hartwell.example")
    add_member(people.account, bare, Flag.USER_MANAGEMENT)
    sent = {"flags": ["billing"], "receives_invoices": "", "seen_flags": seen}
    answer = signed_in(bare).post(page_of(people.dora, people.account), sent)
    assert answer.status_code == 403
    assert "you do not have it yourself" in text_of(answer)
    assert flags_of(people.dora, people.account) == []
    assert [event.actor_user_id for event in events(Action.ACCESS_DENIED)] == [bare.pk]
    assert mail_count() == 0


def test_boxes_of_rights_that_a_manager_lacks_are_closed_and_say_why(people: People) -> None:
    bare = make_user("mia@hartwell.example")
    add_member(people.account, bare, Flag.USER_MANAGEMENT)
    page = text_of(signed_in(bare).get(page_of(people.dora, people.account)))
    assert "You cannot give this right: you do not have it yourself." in page
    assert 'value="billing" id="id_flags_1" disabled' in page
    # A right that the member has can be taken away.
    page = text_of(signed_in(bare).get(page_of(people.bob, people.account)))
    assert 'value="billing" id="id_flags_1" checked' in page
    assert 'value="billing" id="id_flags_1" checked disabled' not in page


def test_a_member_of_another_account_is_not_found(people: People) -> None:
    theirs = of(people.charlie, people.charlies_account).public_id
    for page in (f"users/{theirs}/", f"users/{theirs}/remove/"):
        address = settings_of(people.account, page)
        assert signed_in(people.alice).get(address).status_code == 404
        assert signed_in(people.alice).post(address, {"flags": []}).status_code == 404
    assert Membership.objects.filter(public_id=theirs).exists()


def test_extra_fields_are_ignored(people: People) -> None:
    extra = {
        "is_owner": "on",
        "account": people.charlies_account.pk,
        "user": people.charlie.pk,
        "seen_flags": "",
    }
    browser = signed_in(people.alice)
    browser.post(page_of(people.dora, people.account), {"flags": ["billing"], **extra})
    dora = of(people.dora, people.account)
    assert (dora.is_owner, dora.flags) == (False, ["billing"])


def test_a_manager_whose_right_was_taken_meanwhile_changes_nothing(
    people: People, manager: User
) -> None:
    browser = signed_in(manager)
    assert browser.get(page_of(people.dora, people.account)).status_code == 200
    Membership.objects.filter(user=manager).update(flags=[])
    answer = browser.post(page_of(people.dora, people.account), {"flags": ["billing"]})
    assert answer.status_code == 403
    assert flags_of(people.dora, people.account) == []


# --- Send new invoices via email (U6) -----------------------------------------------------------


@pytest.mark.parametrize("status", list(Account.Status))
def test_u6_a_member_without_any_right_receives_invoices_whatever_the_status(
    people: People, status: str
) -> None:
    change(people.alice, people.dora, people.account, flags=[], receives_invoices="on")
    Account.objects.filter(pk=people.account.pk).update(status=status)
    dora = of(people.dora, people.account)
    assert (dora.flags, dora.receives_invoices) == ([], True)
    [mail] = mails("access_changed")
    assert "New invoices are emailed from now on." in mail.text_body
    assert signed_in(people.dora).get(f"/a/{people.account.number}/").status_code == 200


def test_u6_a_recipient_without_billing_access_opens_no_invoice(people: People) -> None:
    change(people.alice, people.dora, people.account, flags=[], receives_invoices="on")
    answer = signed_in(people.dora).get(f"/a/{people.account.number}/billing/invoices/")
    assert answer.status_code == 403


@pytest.mark.parametrize("status", list(Account.Status))
def test_u6_anyone_may_untick_themselves(people: People, status: str) -> None:
    Membership.objects.filter(user=people.dora).update(receives_invoices=True)
    Account.objects.filter(pk=people.account.pk).update(status=status)
    browser = signed_in(people.dora)
    page = page_of(people.dora, people.account)
    assert "Send new invoices via email" in text_of(browser.get(page))
    answer = browser.post(page, {}, follow=True)
    assert "New invoices will no longer be emailed to you." in text_of(answer)
    assert not of(people.dora, people.account).receives_invoices
    assert len(events(Action.MEMBERSHIP_CHANGED)) == 1
    again = browser.post(page, {}, follow=True)
    assert "That was so already" in text_of(again)


def test_u6_but_not_tick_themselves_without_the_right(people: People) -> None:
    answer = signed_in(people.dora).post(
        page_of(people.dora, people.account), {"receives_invoices": "on"}
    )
    assert answer.status_code == 403
    assert not of(people.dora, people.account).receives_invoices


def test_u6_the_owner_ticks_themselves(people: People) -> None:
    page = page_of(people.alice, people.account)
    signed_in(people.alice).post(page, {"receives_invoices": "on"})
    assert of(people.alice, people.account).receives_invoices


def test_u6_while_billing_is_reserved_only_the_owner_designates(
    people: People, manager: User
) -> None:
    Account.objects.filter(pk=people.account.pk).update(billing_reserved_to_owner=True)
    page = text_of(signed_in(manager).get(page_of(people.dora, people.account)))
    assert "In this account only the owner chooses who gets invoices by email." in page
    change(manager, people.dora, people.account, flags=[], receives_invoices="on")
    assert not of(people.dora, people.account).receives_invoices
    change(people.alice, people.dora, people.account, flags=[], receives_invoices="on")
    assert of(people.dora, people.account).receives_invoices


# --- Removing -----------------------------------------------------------------------------------


def test_removing_shows_what_will_happen_and_does_it(people: People) -> None:
    browser = signed_in(people.alice)
    page = page_of(people.bob, people.account, "remove/")
    shown = text_of(browser.get(page))
    assert "Remove Bob Ferris (bob@hartwell.example)?" in shown
    assert flags_of(people.bob, people.account) == ["billing"]
    answer = browser.post(page, follow=True)
    assert "is no longer a user of this account" in text_of(answer)
    assert flags_of(people.bob, people.account) is None
    [event] = events(Action.MEMBERSHIP_REMOVED)
    assert event.details == {"from": {"flags": ["billing"], "receives_invoices": False}}
    assert told("removed_from_account") == [people.bob.email]
    assert told("removed_to_owner") == []


def test_the_next_request_of_whoever_was_removed_is_refused(people: People) -> None:
    bob = signed_in(people.bob)
    assert bob.get(f"/a/{people.account.number}/").status_code == 200
    signed_in(people.alice).post(page_of(people.bob, people.account, "remove/"))
    assert bob.get(f"/a/{people.account.number}/").status_code == 404


def test_a_manager_removes_a_member_with_more_rights_and_the_owner_is_told(
    people: People, manager: User
) -> None:
    """Decision 0078."""
    Membership.objects.filter(user=people.bob).update(flags=["full_access"])
    signed_in(manager).post(page_of(people.bob, people.account, "remove/"))
    assert flags_of(people.bob, people.account) is None
    assert told("removed_to_owner") == [people.alice.email]


def test_a_second_click_on_remove_says_that_it_is_done(people: People) -> None:
    browser = signed_in(people.alice)
    page = page_of(people.bob, people.account, "remove/")
    browser.post(page)
    again = browser.post(page, follow=True)
    assert "This person is no longer a user of this account." in text_of(again)
    assert told("removed_from_account") == [people.bob.email]


def test_invitations_of_whoever_was_removed_end_and_stay_ended(
    people: People, manager: User
) -> None:
    """0077: they are not there again when the person manages users again."""
    theirs = invited(people.account, by=manager)
    other = invited(people.account, by=people.alice, email="other@newcomer.example")
    signed_in(people.alice).post(page_of(manager, people.account, "remove/"))
    add_member(people.account, manager, Flag.USER_MANAGEMENT, Flag.BILLING)
    theirs.refresh_from_db()
    other.refresh_from_db()
    assert (theirs.state, other.state) == ("deleted", "pending")
    [event] = events(Action.INVITATION_DELETED)
    assert event.subject == f"invitation {theirs.email}"
    assert event.details == {"reason": "who sent it has left the account"}
    answer = Client().get(link_of(theirs), follow=True)
    assert "Hartwell" not in text_of(answer)


def test_an_address_that_no_server_takes_keeps_nobody_from_being_removed(people: People) -> None:
    User.objects.filter(pk=people.bob.pk).update(email='"bob b"@hartwell.example')
    signed_in(people.alice).post(page_of(people.bob, people.account, "remove/"))
    assert flags_of(people.bob, people.account) is None
    assert mail_count() == 0


def test_a_closed_account_is_read_only(people: People) -> None:
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    browser = signed_in(people.alice)
    for page in ("", "remove/"):
        address = page_of(people.bob, people.account, page)
        assert browser.post(address, {"flags": []}).status_code == 409
    assert flags_of(people.bob, people.account) == ["billing"]
