"""Rows Z3, M1 and M4, docs/security.md: what the invited person does with the link."""

from uuid import uuid4

import pytest
from django.test import Client

from accounts.invitations import link_of
from accounts.models import Account, Invitation, Membership
from accounts.permissions import Flag
from audit.actions import Action
from tests.factories import PASSWORD, add_member, make_account, make_user
from tests.invitations import (
    NEW_PASSWORD,
    NEWCOMER,
    access_for,
    events,
    expire,
    flags_of,
    invited,
    mail_count,
    mails,
    new_person,
    opened,
    settings_of,
    text_of,
    told,
)
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db

PAGE = "/invitation/"


@pytest.fixture
def invitation(people: People) -> Invitation:
    return invited(people.account, by=people.alice)


@pytest.fixture
def for_charlie(people: People) -> Invitation:
    return invited(people.account, by=people.alice, email=people.charlie.email)


@pytest.fixture
def manager(people: People) -> User:
    user = make_user("mona@hartwell.example", first_name="Mona", last_name="Keys")
    add_member(people.account, user, Flag.USER_MANAGEMENT, Flag.BILLING)
    return user


def unanswered(invitation: Invitation) -> bool:
    invitation.refresh_from_db()
    return invitation.state == Invitation.State.PENDING


# --- The link -----------------------------------------------------------------------------------


def test_the_token_leaves_the_address_at_once(invitation: Invitation) -> None:
    answer = Client().get(link_of(invitation))
    assert answer.status_code == 302
    assert answer["Location"] == PAGE
    assert answer["Referrer-Policy"] == "no-referrer"


def test_opening_the_link_consumes_nothing(invitation: Invitation) -> None:
    for _ in range(3):
        opened(Client(), invitation)
    assert unanswered(invitation)
    assert "Create user ID and accept" in text_of(opened(Client(), invitation))


@pytest.mark.parametrize("change", ["altered", "of another", "of no invitation"])
def test_an_altered_link_reveals_nothing(
    people: People, invitation: Invitation, change: str
) -> None:
    link = link_of(invitation)
    other = invited(people.account, by=people.alice, email="other@newcomer.example")
    links = {
        "altered": link[:-3] + ("AA/" if not link.endswith("AA/") else "BB/"),
        "of another": link.replace(str(invitation.pk), str(other.pk)),
        "of no invitation": link.replace(str(invitation.pk), str(uuid4())),
    }
    answer = Client().get(links[change], follow=True)
    assert answer.status_code == 404
    page = text_of(answer)
    assert "This link does not work any more" in page
    assert "Otherwise ask whoever invited you to send it again." in page
    for secret in ("Hartwell", "alice@", NEWCOMER, str(people.account.number)):
        assert secret not in page


def test_a_bad_link_forgets_a_good_one(invitation: Invitation) -> None:
    browser = Client()
    opened(browser, invitation)
    browser.get(link_of(invitation)[:-3] + "AA/")
    assert browser.get(PAGE).status_code == 404


def test_a_form_acts_on_the_invitation_that_its_page_shows(
    people: People, for_charlie: Invitation
) -> None:
    """Two tabs, or a link that another site has opened meanwhile."""
    second = invited(
        make_account(owner=people.alice, name="Avenue Ltd"),
        by=people.alice,
        email=for_charlie.email,
    )
    browser = signed_in(people.charlie)
    shown = text_of(opened(browser, for_charlie))
    assert f'name="link" value="{for_charlie.pk}"' in shown
    opened(browser, second)
    answer = browser.post(f"{PAGE}accept/", {"link": str(for_charlie.pk)}, follow=True)
    assert unanswered(for_charlie)
    assert unanswered(second)
    assert "Avenue Ltd" in text_of(answer)


@pytest.mark.parametrize("state", ["accepted", "declined", "deleted", "sent again"])
def test_used_and_ended_links_answer_all_the_same(
    people: People, invitation: Invitation, state: str
) -> None:
    link = link_of(invitation)
    browser = Client()
    if state == "accepted":
        opened(browser, invitation)
        browser.post(f"{PAGE}new-user/", new_person())
    elif state == "declined":
        opened(browser, invitation)
        browser.post(f"{PAGE}decline/")
    else:
        command = "delete" if state == "deleted" else "send-again"
        path = settings_of(people.account, f"invitations/{invitation.pk}/{command}/")
        signed_in(people.alice).post(path, {"seen": 1})
    answer = Client().get(link, follow=True)
    never = Client().get(PAGE)
    assert answer.status_code == never.status_code == 404
    assert text_of(answer) == text_of(never)


@pytest.mark.parametrize("path", ["", "new-user/", "sign-in/", "decline/"])
def test_without_a_link_there_is_nothing_to_see_or_do(people: People, path: str) -> None:
    for browser in (Client(), signed_in(people.charlie)):
        assert browser.get(f"{PAGE}{path}", follow=True).status_code == 404
        assert browser.post(f"{PAGE}{path}", new_person(), follow=True).status_code in {404, 405}
    assert not User.objects.filter(email=NEWCOMER).exists()


# --- Nobody signed in, no user ID: one form -----------------------------------------------------


def test_m4_from_the_link_to_the_first_page_is_one_form(
    people: People, invitation: Invitation
) -> None:
    browser = Client()
    page = text_of(opened(browser, invitation))
    assert "Alice Hartwell (alice@hartwell.example) invites you to" in page
    assert f'value="{NEWCOMER}"' in page
    assert "May see invoices" in page
    answer = browser.post(f"{PAGE}new-user/", new_person(), follow=True)
    assert answer.redirect_chain == [(f"/a/{people.account.number}/", 302)]
    assert "Welcome. You now belong to Hartwell &amp; Sons." in text_of(answer)
    user = User.objects.get(email=NEWCOMER)
    assert user.email_verified_at
    assert user.get_full_name() == "Erin Vale"
    assert user.check_password(NEW_PASSWORD)
    assert flags_of(user, people.account) == ["billing"]
    assert browser.get(f"/a/{people.account.number}/billing/invoices/").status_code == 200
    assert not Account.objects.filter(memberships__user=user, memberships__is_owner=True).exists()


def test_the_inviter_is_told_and_it_is_audited(people: People, invitation: Invitation) -> None:
    browser = Client()
    opened(browser, invitation)
    browser.post(f"{PAGE}new-user/", new_person())
    [mail] = mails("invitation_accepted")
    assert mail.recipient_address == people.alice.email
    words = " ".join(mail.text_body.split())
    assert "Erin Vale (erin@newcomer.example) now belongs to" in words
    assert "Their access: Billing" in words
    [event] = events(Action.INVITATION_ACCEPTED)
    assert event.actor_label == NEWCOMER
    assert event.account_id == people.account.pk
    assert len(events(Action.MEMBERSHIP_CREATED)) == 1


def test_so_is_the_owner_when_a_manager_invited(people: People, manager: User) -> None:
    browser = Client()
    opened(browser, invited(people.account, by=manager))
    browser.post(f"{PAGE}new-user/", new_person())
    assert told("invitation_accepted") == [people.alice.email, manager.email]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"first_name": ""}, "Enter your first name."),
        ({"last_name": ""}, "Enter your last name."),
        ({"password": ""}, "Choose a password."),
        ({"password": "short"}, "at least 12 characters"),
        ({"password": "erin@newcomer.example"}, "password"),
    ],
)
def test_a_field_error_says_what_to_do_and_loses_nothing(
    invitation: Invitation, wrong: dict[str, str], words: str
) -> None:
    browser = Client()
    opened(browser, invitation)
    answer = browser.post(f"{PAGE}new-user/", new_person(**wrong))
    page = text_of(answer)
    assert answer.status_code == 200
    assert words in page
    if "first_name" not in wrong:
        assert 'value="Erin"' in page
    assert NEW_PASSWORD not in page
    assert not User.objects.filter(email=NEWCOMER).exists()
    assert unanswered(invitation)


def test_the_address_of_the_form_is_the_invited_one_whatever_is_sent(
    people: People, invitation: Invitation
) -> None:
    browser = Client()
    opened(browser, invitation)
    browser.post(f"{PAGE}new-user/", new_person(email="mallory@elsewhere.example"))
    assert User.objects.filter(email=NEWCOMER).exists()
    assert not User.objects.filter(email="mallory@elsewhere.example").exists()


@pytest.mark.parametrize(
    ("zone", "kept"), [("Europe/Berlin", "Europe/Berlin"), ("Mars/Base", "Asia/Tokyo")]
)
def test_language_and_time_zone_are_guessed(
    people: People, invitation: Invitation, zone: str, kept: str
) -> None:
    Account.objects.filter(pk=people.account.pk).update(timezone="Asia/Tokyo")
    browser = Client(headers={"accept-language": "fr-CA,fr;q=0.9"})
    opened(browser, invitation)
    browser.post(f"{PAGE}new-user/", new_person(browser_zone=zone))
    user = User.objects.get(email=NEWCOMER)
    assert (user.language, user.timezone) == ("fr", kept)


def test_an_unverified_user_id_counts_as_none_and_its_password_ends(
    people: People, invitation: Invitation
) -> None:
    """Whoever signed up with somebody else's address before gets nothing by it."""
    squatter = make_user(NEWCOMER, password="the password of a squatter", email_verified_at=None)
    browser = Client()
    assert "Create user ID and accept" in text_of(opened(browser, invitation))
    browser.post(f"{PAGE}new-user/", new_person())
    squatter.refresh_from_db()
    assert squatter.email_verified_at
    assert squatter.check_password(NEW_PASSWORD)
    assert not squatter.check_password("the password of a squatter")
    assert flags_of(squatter, people.account) == ["billing"]
    stale = Client()
    stale.post("/sign-in/", {"email": NEWCOMER, "password": "the password of a squatter"})
    assert stale.get(f"/a/{people.account.number}/").status_code == 302


def test_signing_up_with_the_address_and_without_the_link_gives_no_membership(
    people: People, invitation: Invitation
) -> None:
    user = make_user(NEWCOMER)
    browser = signed_in(user)
    assert browser.get(f"/a/{people.account.number}/").status_code == 404
    assert flags_of(user, people.account) is None
    assert unanswered(invitation)


# --- Nobody signed in, a user ID is there -------------------------------------------------------


def test_m4_signing_in_accepts(people: People, for_charlie: Invitation) -> None:
    browser = Client()
    page = text_of(opened(browser, for_charlie))
    assert "Sign in and accept" in page
    assert "Create user ID" not in page
    answer = browser.post(f"{PAGE}sign-in/", {"password": PASSWORD}, follow=True)
    assert answer.redirect_chain == [(f"/a/{people.account.number}/", 302)]
    assert flags_of(people.charlie, people.account) == ["billing"]
    assert told("invitation_accepted") == [people.alice.email]


def test_a_wrong_password_accepts_nothing(people: People, for_charlie: Invitation) -> None:
    browser = Client()
    opened(browser, for_charlie)
    answer = browser.post(f"{PAGE}sign-in/", {"password": "guessed at random"})
    assert "do not belong together" in text_of(answer)
    assert flags_of(people.charlie, people.account) is None
    assert browser.get("/accounts/").status_code == 302
    assert browser.get(PAGE).status_code == 200


def test_guessing_is_limited_as_at_sign_in(people: People, for_charlie: Invitation) -> None:
    browser = Client()
    opened(browser, for_charlie)
    for _ in range(10):
        browser.post(f"{PAGE}sign-in/", {"password": "guessed at random"})
    answer = browser.post(f"{PAGE}sign-in/", {"password": PASSWORD})
    assert answer.status_code == 429
    assert flags_of(people.charlie, people.account) is None


def test_a_form_for_somebody_new_does_not_take_over_a_user_id(
    people: People, for_charlie: Invitation
) -> None:
    browser = Client()
    opened(browser, for_charlie)
    answer = browser.post(f"{PAGE}new-user/", new_person())
    assert "There is a user ID for this address already." in text_of(answer)
    people.charlie.refresh_from_db()
    assert people.charlie.check_password(PASSWORD)
    assert flags_of(people.charlie, people.account) is None


# --- Signed in ----------------------------------------------------------------------------------


def test_signed_in_as_the_invited_it_takes_one_click(
    people: People, for_charlie: Invitation
) -> None:
    browser = signed_in(people.charlie)
    assert "Accept" in text_of(opened(browser, for_charlie))
    answer = browser.post(f"{PAGE}accept/", follow=True)
    assert answer.redirect_chain == [(f"/a/{people.account.number}/", 302)]
    assert flags_of(people.charlie, people.account) == ["billing"]


def test_a_link_used_again_by_its_own_person_leads_to_the_account(
    people: People, for_charlie: Invitation
) -> None:
    browser = signed_in(people.charlie)
    opened(browser, for_charlie)
    browser.post(f"{PAGE}accept/")
    answer = opened(browser, for_charlie)
    assert "You have accepted this invitation already." in text_of(answer)
    Membership.objects.filter(user=people.charlie, account=people.account).delete()
    assert opened(browser, for_charlie).status_code == 404
    browser.post(f"{PAGE}accept/")
    assert flags_of(people.charlie, people.account) is None


def test_who_belongs_to_the_account_already_keeps_the_access_they_have(
    people: People, for_charlie: Invitation
) -> None:
    add_member(people.account, people.charlie, Flag.USER_MANAGEMENT)
    browser = signed_in(people.charlie)
    opened(browser, for_charlie)
    answer = browser.post(f"{PAGE}accept/", follow=True)
    assert "You belong to Hartwell &amp; Sons already." in text_of(answer)
    assert flags_of(people.charlie, people.account) == ["user_management"]
    assert told("invitation_accepted") == []
    assert not unanswered(for_charlie)


def test_opened_as_somebody_else_it_is_refused_and_not_consumed(
    people: People, for_charlie: Invitation
) -> None:
    browser = signed_in(people.bob)
    page = text_of(opened(browser, for_charlie))
    assert "This invitation is for another address" in page
    for path in ("accept/", "decline/", "new-user/", "sign-in/"):
        browser.post(f"{PAGE}{path}", new_person(password=PASSWORD))
    assert unanswered(for_charlie)
    assert flags_of(people.charlie, people.account) is None
    assert flags_of(people.bob, people.account) == ["billing"]
    assert told("invitation_accepted") == told("invitation_declined") == []


def test_switching_signs_out_and_keeps_the_link(people: People, for_charlie: Invitation) -> None:
    browser = signed_in(people.bob)
    assert "Switch user" in text_of(opened(browser, for_charlie))
    answer = browser.post(f"{PAGE}switch/", follow=True)
    assert "Sign in and accept" in text_of(answer)
    assert browser.get("/accounts/").status_code == 302
    browser.post(f"{PAGE}sign-in/", {"password": PASSWORD})
    assert flags_of(people.charlie, people.account) == ["billing"]


def test_somebody_else_can_create_a_user_id_for_the_invited_address(
    people: People, invitation: Invitation
) -> None:
    browser = signed_in(people.bob)
    assert "Sign out and create a user ID" in text_of(opened(browser, invitation))
    answer = browser.post(f"{PAGE}switch/", follow=True)
    assert "Create user ID and accept" in text_of(answer)


def test_somebody_else_can_ask_for_an_invitation_at_their_own_address_once(
    people: People, invitation: Invitation
) -> None:
    browser = signed_in(people.charlie)
    opened(browser, invitation)
    answer = browser.post(f"{PAGE}ask-for-own-address/", follow=True)
    assert "We have sent your question to Alice Hartwell" in text_of(answer)
    again = browser.post(f"{PAGE}ask-for-own-address/", follow=True)
    assert "You have asked already." in text_of(again)
    [mail] = mails("invitation_wanted_elsewhere")
    assert mail.recipient_address == people.alice.email
    assert people.charlie.email in mail.text_body
    assert "Moss" not in mail.text_body
    assert unanswered(invitation)
    assert len(events(Action.INVITATION_ASKED_FOR)) == 1


def test_who_belongs_to_the_account_has_nothing_to_ask_for(
    people: People, invitation: Invitation
) -> None:
    browser = signed_in(people.bob)
    assert "Ask for an invitation at my address" not in text_of(opened(browser, invitation))
    browser.post(f"{PAGE}ask-for-own-address/")
    assert told("invitation_wanted_elsewhere") == []


def test_from_the_panel_a_verified_person_needs_no_mail(
    people: People, for_charlie: Invitation
) -> None:
    browser = signed_in(people.charlie)
    answer = browser.get(f"{PAGE}open/{for_charlie.pk}/", follow=True)
    assert "Accept" in text_of(answer)
    browser.post(f"{PAGE}accept/")
    assert flags_of(people.charlie, people.account) == ["billing"]


def test_and_nobody_else_opens_it_so(people: People, for_charlie: Invitation) -> None:
    address = f"{PAGE}open/{for_charlie.pk}/"
    assert signed_in(people.bob).get(address).status_code == 404
    assert Client().get(address).status_code == 302
    assert Client().get(address)["Location"].startswith("/sign-in/")


# --- Declining ----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "charlie"])
def test_declining_asks_first_ends_it_and_tells_the_inviter(
    people: People, for_charlie: Invitation, who: str
) -> None:
    browser = Client() if who == "nobody" else signed_in(people.charlie)
    opened(browser, for_charlie)
    assert "Decline the invitation?" in text_of(browser.get(f"{PAGE}decline/"))
    assert unanswered(for_charlie)
    assert "You have declined" in text_of(browser.post(f"{PAGE}decline/"))
    for_charlie.refresh_from_db()
    assert for_charlie.state == Invitation.State.DECLINED
    assert told("invitation_declined") == [people.alice.email]
    assert len(events(Action.INVITATION_DECLINED)) == 1
    assert browser.post(f"{PAGE}decline/", follow=True).status_code == 404
    assert told("invitation_declined") == [people.alice.email]
    assert flags_of(people.charlie, people.account) is None


# --- Expired (Z3) -------------------------------------------------------------------------------


def test_z3_an_expired_invitation_says_so_and_gives_no_access(
    people: People, for_charlie: Invitation
) -> None:
    expire(for_charlie)
    browser = signed_in(people.charlie)
    page = text_of(opened(browser, for_charlie))
    assert "This invitation has expired" in page
    assert "It was sent by Alice Hartwell (alice@hartwell.example) and expired on" in page
    browser.post(f"{PAGE}accept/")
    assert flags_of(people.charlie, people.account) is None


def test_z3_a_profile_can_still_be_created_from_it_without_access(
    people: People, invitation: Invitation
) -> None:
    expire(invitation)
    browser = Client()
    page = text_of(opened(browser, invitation))
    assert "Or create your user ID now" in page
    answer = browser.post(f"{PAGE}new-user/", new_person(), follow=True)
    assert answer.redirect_chain == [("/accounts/", 302)]
    assert "Your user ID is ready. You belong to no account yet." in text_of(answer)
    user = User.objects.get(email=NEWCOMER)
    assert user.email_verified_at
    assert not Membership.objects.filter(user=user).exists()
    assert told("invitation_accepted") == []
    assert unanswered(invitation)


def test_z3_a_wrong_field_there_keeps_saying_that_it_has_expired(invitation: Invitation) -> None:
    expire(invitation)
    browser = Client()
    opened(browser, invitation)
    page = text_of(browser.post(f"{PAGE}new-user/", new_person(password="short")))
    assert "This invitation has expired" in page
    assert "at least 12 characters" in page


def test_z3_and_accepted_once_it_was_sent_again(people: People, invitation: Invitation) -> None:
    expire(invitation)
    browser = Client()
    opened(browser, invitation)
    browser.post(f"{PAGE}new-user/", new_person())
    path = settings_of(people.account, f"invitations/{invitation.pk}/send-again/")
    signed_in(people.alice).post(path, {"seen": 1})
    invitation.refresh_from_db()
    opened(browser, invitation)
    browser.post(f"{PAGE}accept/")
    assert flags_of(User.objects.get(email=NEWCOMER), people.account) == ["billing"]


def test_z3_its_reader_can_ask_for_it_again_once_a_day(
    people: People, invitation: Invitation
) -> None:
    expire(invitation)
    browser = Client()
    opened(browser, invitation)
    answer = browser.post(f"{PAGE}ask/", follow=True)
    assert "We have sent your question to Alice Hartwell" in text_of(answer)
    assert "You have asked already." in text_of(browser.post(f"{PAGE}ask/", follow=True))
    [mail] = mails("invitation_wanted_again")
    assert mail.recipient_address == people.alice.email
    assert NEWCOMER in mail.text_body


def test_an_open_invitation_needs_no_asking(people: People, invitation: Invitation) -> None:
    browser = Client()
    opened(browser, invitation)
    before = mail_count()
    browser.post(f"{PAGE}ask/")
    assert mail_count() == before


# --- When the inviter lost the right, or the account is closed ----------------------------------


def test_an_invitation_whose_inviter_lost_the_right_says_whom_to_ask(
    people: People, manager: User
) -> None:
    invitation = invited(people.account, by=manager, email=people.charlie.email)
    Membership.objects.filter(user=manager).delete()
    browser = signed_in(people.charlie)
    page = text_of(opened(browser, invitation))
    assert "Mona Keys (mona@hartwell.example) invited you" in page
    assert "may no longer give you this access" in page
    assert "Your question goes to Alice Hartwell (alice@hartwell.example) by email." in page
    browser.post(f"{PAGE}accept/")
    assert flags_of(people.charlie, people.account) is None
    assert unanswered(invitation)
    browser.post(f"{PAGE}ask/")
    assert told("invitation_wanted_again") == [people.alice.email]


def test_nor_does_it_make_a_user_id(people: People, manager: User) -> None:
    invitation = invited(people.account, by=manager)
    browser = Client()
    opened(browser, invitation)
    Membership.objects.filter(user=manager).update(flags=["billing"])
    answer = browser.post(f"{PAGE}new-user/", new_person(), follow=True)
    assert "This invitation cannot be accepted" in text_of(answer)
    assert not User.objects.filter(email=NEWCOMER).exists()


def test_an_account_that_was_closed_meanwhile_takes_nobody(
    people: People, for_charlie: Invitation
) -> None:
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    browser = signed_in(people.charlie)
    assert "This account has been closed" in text_of(opened(browser, for_charlie))
    browser.post(f"{PAGE}accept/")
    assert flags_of(people.charlie, people.account) is None


def test_the_designated_recipient_is_one_from_the_first_day(people: People) -> None:
    invitation = invited(people.account, by=people.alice, receives_invoices=True)
    browser = Client()
    assert "New invoices are emailed to you." in text_of(opened(browser, invitation))
    browser.post(f"{PAGE}new-user/", new_person())
    user = User.objects.get(email=NEWCOMER)
    assert access_for(user, people.account).membership.receives_invoices
