"""Decision 0153: the person stops a reset with one POST; a user manager can confirm it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Membership
from accounts.permissions import Flag
from tests.factories import add_member, make_account, make_user
from tests.invitations import text_of
from tests.people import People, signed_in
from tests.twofactor.resets import State, age, started, state_of, told, with_factor
from tests.users.mailing import mails, only_link
from twofactor.methods import is_enabled
from twofactor.periodic import complete_due_resets
from users.confirming import CONFIRMED_AT
from users.models import User

pytestmark = pytest.mark.django_db

STOP = "/two-factor-reset/stop/"


def opened(path: str) -> Client:
    browser = Client()
    answer = browser.get(path)
    assert (answer.status_code, answer["Location"]) == (302, STOP)
    assert answer["Referrer-Policy"] == "no-referrer"
    return browser


# --- By the link ---------------------------------------------------------------------------------


def test_the_link_stops_it_without_signing_in(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    browser = opened(only_link("two_factor_reset_coming"))
    assert state_of(reset) == State.PENDING
    assert "Stop the two-factor reset?" in text_of(browser.get(STOP))
    assert state_of(reset) == State.PENDING
    answer = browser.post(STOP, follow=True)
    assert "The reset is stopped" in text_of(answer)
    assert state_of(reset) == State.STOPPED
    assert "sessionid" not in browser.cookies
    assert browser.get("/profile/").status_code == 302


def test_a_second_click_is_told_so(people: People, staff: User) -> None:
    started(people.bob, by=staff)
    path = only_link("two_factor_reset_coming")
    browser = opened(path)
    browser.post(STOP)
    assert "The reset is stopped" in text_of(browser.post(STOP, follow=True))
    assert "The reset is stopped" in text_of(opened(path).get(STOP))
    assert told("two_factor_reset_stopped") == [people.bob.email]


def test_the_link_is_too_late_when_it_has_happened(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    path = only_link("two_factor_reset_coming")
    age(reset, hours=73)
    complete_due_resets()
    browser = opened(path)
    assert "The reset has happened" in text_of(browser.post(STOP, follow=True))
    assert state_of(reset) == State.COMPLETED
    assert told("two_factor_reset_stopped") == []


def test_an_altered_link_stops_nothing(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    path = only_link("two_factor_reset_coming")
    browser = opened(f"{path.rstrip('/')}x/")
    for answer in (browser.get(STOP), browser.post(STOP)):
        assert answer.status_code == 404
        assert "bob@" not in text_of(answer)
    assert Client().post(STOP).status_code == 404
    assert state_of(reset) == State.PENDING


def test_the_link_of_one_stops_no_other(people: People, staff: User) -> None:
    first, second = started(people.bob, by=staff), started(people.dora, by=staff)
    path = only_link("two_factor_reset_coming", to=people.bob.email)
    browser = opened(path.replace(str(first.pk), str(second.pk)))
    assert browser.post(STOP).status_code == 404
    assert [state_of(first), state_of(second)] == [State.PENDING] * 2


# --- Signed in -----------------------------------------------------------------------------------


def test_whoever_is_signed_in_sees_and_stops_their_own(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    browser = with_factor(people.bob)
    assert "about to be removed" in text_of(browser.get("/profile/two-factor/"))
    answer = browser.post("/profile/two-factor/reset/stop/", follow=True)
    assert "stays as it is" in text_of(answer)
    assert "about to be removed" not in text_of(answer)
    assert state_of(reset) == State.STOPPED
    again = browser.post("/profile/two-factor/reset/stop/", follow=True)
    assert "This reset is over" in text_of(again)


@pytest.mark.parametrize(
    ("change", "asks_for_a_password"),
    [({"email_verified_at": None}, True), ({"is_active": False}, False)],
)
def test_the_page_says_that_it_ended_by_itself(
    people: People, staff: User, change: dict[str, object], asks_for_a_password: bool
) -> None:
    reset = started(people.bob, by=staff)
    browser = opened(only_link("two_factor_reset_coming"))
    age(reset, hours=73)
    User.objects.filter(pk=people.bob.pk).update(**change)
    complete_due_resets()
    shown = text_of(browser.get(STOP))
    assert state_of(reset) == State.LAPSED
    assert "It ended by itself on" in shown
    assert "stays as it is" not in shown
    assert ("Set a new password" in shown) is asks_for_a_password


@pytest.mark.parametrize("who", ["alice", "dora", "charlie", "staff", "nobody"])
def test_nobody_stops_somebody_elses(people: People, staff: User, who: str) -> None:
    reset = started(people.bob, by=staff)
    sent = len(mails())
    user = staff if who == "staff" else getattr(people, who, None)
    browser = signed_in(user) if user else Client()
    browser.post("/profile/two-factor/reset/stop/")
    browser.get("/profile/two-factor/reset/stop/")
    assert state_of(reset) == State.PENDING
    assert len(mails()) == sent


def test_reading_stops_nothing(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    assert with_factor(people.bob).get("/profile/two-factor/reset/stop/").status_code == 405
    assert state_of(reset) == State.PENDING


# --- Confirmed by a user manager -----------------------------------------------------------------


def confirm_page(account: Account, user: User) -> str:
    membership = Membership.objects.get(account=account, user=user)
    return f"/a/{account.number}/settings/users/{membership.public_id}/two-factor-reset/"


def test_a_user_manager_confirms_it(people: People, staff: User) -> None:
    manager = make_user("manager@hartwell.example")
    add_member(people.account, manager, Flag.USER_MANAGEMENT)
    reset = started(people.bob, by=staff)
    browser = signed_in(manager)
    page = confirm_page(people.account, people.bob)
    shown = text_of(browser.get(page))
    assert "Did Bob Ferris (bob@hartwell.example) ask for a two-factor reset?" in shown
    assert "If they did not ask for it, do not confirm it." in shown
    answer = browser.post(page, follow=True)
    assert "Confirmed. Bob Ferris (bob@hartwell.example) has been told" in text_of(answer)
    reset.refresh_from_db()
    assert reset.confirmed_by == manager
    assert reset.due_at - reset.started_at == timedelta(hours=24)
    again = browser.post(page, follow=True)
    assert "has confirmed this reset already" in text_of(again)
    assert "has confirmed this reset already" in text_of(browser.get(page))


def test_the_page_of_users_leads_there_whoever_can_confirm(people: People, staff: User) -> None:
    manager = make_user("manager@hartwell.example")
    add_member(people.account, manager, Flag.USER_MANAGEMENT)
    users = f"/a/{people.account.number}/settings/users/"
    page = confirm_page(people.account, people.bob)
    assert page not in text_of(signed_in(manager).get(users))
    started(people.bob, by=staff)
    started(manager, by=staff)
    shown = text_of(with_factor(manager).get(users))
    assert page in shown
    assert confirm_page(people.account, manager) not in shown
    newcomer = make_user("newcomer@hartwell.example")
    add_member(people.account, newcomer, Flag.USER_MANAGEMENT)
    assert page not in text_of(signed_in(newcomer).get(users))
    signed_in(people.alice).post(page)
    confirmed = text_of(signed_in(people.alice).get(users))
    assert page not in confirmed
    assert "The two-factor authentication of Bob Ferris will be removed on" in confirmed


def test_the_overview_of_a_user_manager_begins_with_it(people: People, staff: User) -> None:
    overview = f"/a/{people.account.number}/"
    words = "The two-factor authentication of Bob Ferris will be removed on"
    page = confirm_page(people.account, people.bob)
    started(people.bob, by=staff)
    shown = text_of(signed_in(people.alice).get(overview))
    assert words in shown and page in shown
    assert words not in text_of(signed_in(people.dora).get(overview))
    signed_in(people.alice).post(page)
    shown = text_of(signed_in(people.alice).get(overview))
    assert words in shown and page not in shown


def test_whoever_was_told_is_told_that_it_happens_sooner(
    people: People, staff: User, django_capture_on_commit_callbacks: Any
) -> None:
    people.account.two_factor_required_from = timezone.now()
    people.account.save(update_fields=["two_factor_required_from"])
    manager = make_user("manager@hartwell.example")
    add_member(people.account, manager, Flag.USER_MANAGEMENT)
    started(people.bob, by=staff)
    first = told("two_factor_reset_told")
    assert first == [people.alice.email, manager.email]
    with django_capture_on_commit_callbacks(execute=True):
        answer = with_factor(manager).post(confirm_page(people.account, people.bob))
    assert answer.status_code == 302
    assert told("two_factor_reset_told") == sorted(first * 2)
    newest = mails("two_factor_reset_told", to=people.alice.email)[-1]
    assert newest.subject.startswith("Sooner: ") and "sooner than we told you" in newest.text_body
    assert "/two-factor-reset/" not in newest.text_body
    own = mails("two_factor_reset_coming", to=people.bob.email)[-1]
    assert f"{manager.email}, a user manager of one of your accounts" in own.text_body


@pytest.mark.parametrize("who", ["dora", "bob", "charlie", "nobody"])
def test_nobody_else_does(people: People, staff: User, who: str) -> None:
    reset = started(people.bob, by=staff)
    sent = len(mails())
    browser = Client() if who == "nobody" else signed_in(getattr(people, who))
    answer = browser.post(confirm_page(people.account, people.bob))
    assert answer.status_code in (302, 403, 404)
    reset.refresh_from_db()
    assert reset.confirmed_at is None
    assert len(mails()) == sent


def test_nobody_confirms_their_own(people: People, staff: User) -> None:
    reset = started(people.alice, by=staff)
    page = confirm_page(people.account, people.alice)
    assert with_factor(people.alice).post(page).status_code == 409
    reset.refresh_from_db()
    assert reset.confirmed_at is None


def test_whoever_started_it_does_not_confirm_it_as_a_manager(people: People, staff: User) -> None:
    add_member(people.account, staff, Flag.USER_MANAGEMENT)
    reset = started(people.bob, by=staff)
    page = confirm_page(people.account, people.bob)
    assert signed_in(staff).post(page).status_code == 409
    reset.refresh_from_db()
    assert reset.confirmed_at is None


@pytest.mark.parametrize("newcomer", ["person", "manager"])
def test_an_account_that_was_made_for_it_does_not_count(
    people: People, staff: User, newcomer: str
) -> None:
    """Whoever wants somebody's methods gone opens an account, and adds them to it."""
    mallory = make_user("mallory@elsewhere.example")
    account = make_account(owner=mallory)
    if newcomer == "manager":
        add_member(account, people.bob)
        helper = make_user("helper@elsewhere.example")
        reset = started(people.bob, by=staff)
        add_member(account, helper, Flag.USER_MANAGEMENT)
        browser = signed_in(helper)
    else:
        reset = started(people.bob, by=staff)
        add_member(account, people.bob)
        browser = signed_in(mallory)
    assert browser.post(confirm_page(account, people.bob)).status_code == 409
    reset.refresh_from_db()
    assert reset.confirmed_at is None


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("alice", ""),
        ("bob", "neither the person whom it is about"),
        ("staff", "neither the person whom it is about"),
        ("newcomer", "before the reset was started"),
    ],
)
def test_the_list_names_whom_the_page_lets_confirm(
    people: People, staff: User, who: str, words: str
) -> None:
    add_member(people.account, staff, Flag.USER_MANAGEMENT)
    bobs = Membership.objects.get(account=people.account, user=people.bob)
    bobs.flags = [Flag.USER_MANAGEMENT]
    bobs.save(update_fields=["flags"])
    started(people.bob, by=staff)
    newcomer = make_user("newcomer@hartwell.example")
    add_member(people.account, newcomer, Flag.USER_MANAGEMENT)
    reader = {"staff": staff, "newcomer": newcomer}.get(who) or getattr(people, who)
    browser = with_factor(reader) if reader == people.bob else signed_in(reader)
    page = confirm_page(people.account, people.bob)
    is_listed = page in text_of(browser.get(f"/a/{people.account.number}/settings/users/"))
    answer = browser.get(page)
    assert is_listed is (words == "")
    assert answer.status_code == (200 if is_listed else 409)
    assert words in text_of(answer)


def test_a_member_of_another_account_is_not_there(people: People, staff: User) -> None:
    started(people.bob, by=staff)
    other = confirm_page(people.account, people.bob).replace(
        str(people.account.number), str(people.charlies_account.number)
    )
    answer = signed_in(people.charlie).post(other)
    assert answer.status_code == 404


def test_without_a_reset_there_is_nothing_to_confirm(people: People) -> None:
    browser = signed_in(people.alice)
    page = confirm_page(people.account, people.bob)
    for answer in (browser.get(page, follow=True), browser.post(page, follow=True)):
        assert "This reset is over" in text_of(answer)


def test_a_manager_shows_first_who_they_are(people: People, staff: User) -> None:
    """Security 25."""
    reset = started(people.bob, by=staff)
    browser = signed_in(people.alice)
    session = browser.session
    session[CONFIRMED_AT] = (timezone.now() - timedelta(minutes=16)).isoformat()
    session.save()
    answer = browser.post(confirm_page(people.account, people.bob))
    assert "Confirm that it is you" in text_of(answer)
    reset.refresh_from_db()
    assert reset.confirmed_at is None


def test_a_right_that_was_taken_away_confirms_nothing(people: People, staff: User) -> None:
    manager = make_user("manager@hartwell.example")
    membership = add_member(people.account, manager, Flag.USER_MANAGEMENT)
    reset = started(people.bob, by=staff)
    browser = signed_in(manager)
    page = confirm_page(people.account, people.bob)
    browser.get(page)
    membership.flags = []
    membership.save(update_fields=["flags"])
    assert browser.post(page).status_code == 403
    reset.refresh_from_db()
    assert reset.confirmed_at is None


# --- Afterwards ----------------------------------------------------------------------------------


def test_afterwards_the_password_alone_signs_in(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    age(reset, hours=73)
    complete_due_resets()
    assert not is_enabled(people.bob)
    browser = Client()
    browser.post(
        "/sign-in/", {"email": people.bob.email, "password": "correct horse battery staple"}
    )
    assert browser.get("/profile/").status_code == 200
