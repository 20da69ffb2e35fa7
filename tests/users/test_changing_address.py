"""Moving to another address: confirmed at the new one, told to the old one, undone for a week."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from tests.factories import PASSWORD, make_user
from tests.people import Answer, People, sign_in, signed_in
from tests.users.mailing import link_in, mails, only_link
from users.closing import obstacles_of
from users.models import User

pytestmark = pytest.mark.django_db

OLD, NEW = "alice@hartwell.example", "alice@elsewhere.example"


def ask(browser: Client, new_email: str = NEW) -> Answer:
    answer: Answer = browser.post("/profile/email/", {"new_email": new_email}, follow=True)
    return answer


def follow(link: str, browser: Client | None = None) -> tuple[Client, str]:
    browser = browser or Client()
    answer = browser.get(link)
    assert answer["Referrer-Policy"] == "no-referrer"
    return browser, answer["Location"]


@pytest.fixture
def alice(people: People) -> Client:
    return signed_in(people.alice)


@pytest.fixture
def changed(alice: Client) -> Client:
    ask(alice)
    _, page = follow(only_link("address_change_confirm", to=NEW), alice)
    assert alice.post(page).status_code == 302
    return alice


def email_of(people: People) -> str:
    return User.objects.get(pk=people.alice.pk).email


def test_nothing_changes_before_the_new_address_confirms(people: People, alice: Client) -> None:
    page = ask(alice).content.decode()
    assert f"We sent a link to {NEW}" in page
    link = only_link("address_change_confirm", to=NEW)
    _, confirm = follow(link, alice)
    assert confirm == "/email-change/confirm/"
    assert NEW in alice.get(confirm).content.decode()
    assert email_of(people) == OLD


def test_ones_own_address_is_a_field_error(alice: Client) -> None:
    assert "This is your address already" in ask(alice, " ALICE@hartwell.example").content.decode()
    assert mails() == []


def test_confirmed_it_is_the_one_to_sign_in_with(people: People, changed: Client) -> None:
    assert email_of(people) == NEW
    assert sign_in(Client(), NEW).status_code == 302
    assert sign_in(Client(), OLD).status_code == 200
    with all_accounts_scope("a test reads the audit log"):
        [event] = AuditEvent.objects.filter(action=Action.USER_ADDRESS_CHANGED)
    assert event.details == {"from": OLD, "to": NEW}


def test_other_sessions_end_and_this_one_stays(people: People, alice: Client) -> None:
    """Security 27."""
    elsewhere = signed_in(people.alice)
    ask(alice)
    _, page = follow(only_link("address_change_confirm"), alice)
    alice.post(page)
    assert alice.get("/profile/").status_code == 200
    assert elsewhere.get("/profile/").status_code == 302


def test_in_another_browser_it_is_confirmed_after_signing_in(people: People, alice: Client) -> None:
    """What the link brought is kept meanwhile; the first browser is signed out then."""
    ask(alice)
    browser, page = follow(only_link("address_change_confirm"))
    answer = browser.get(page)
    assert answer["Location"] == f"/sign-in/?next={page}"
    assert "Sign in with your present address first" in browser.get("/sign-in/").content.decode()
    assert sign_in(browser, OLD, next_page=page)["Location"] == page
    assert NEW in browser.get(page).content.decode()
    assert browser.post(page)["Location"] == "/profile/email/"
    assert email_of(people) == NEW
    assert browser.get("/profile/").status_code == 200
    assert alice.get("/profile/").status_code == 302


def test_who_reads_the_new_address_and_cannot_sign_in_gets_nothing(
    people: People, alice: Client
) -> None:
    """An address typed wrongly is somebody’s."""
    ask(alice)
    stranger, page = follow(only_link("address_change_confirm"))
    answer = stranger.post(page)
    assert answer["Location"] == f"/sign-in/?next={page}"
    assert email_of(people) == OLD
    assert mails("address_changed") == []
    assert alice.get("/profile/").status_code == 200


def test_nor_does_who_is_signed_in_as_somebody_else(people: People, alice: Client) -> None:
    ask(alice)
    charlie, page = follow(only_link("address_change_confirm"), signed_in(people.charlie))
    for answer in (charlie.get(page), charlie.post(page)):
        assert answer.status_code == 403
        words = answer.content.decode()
        assert "This link is for another user ID." in words
        assert people.charlie.email in words
        assert OLD not in words
    assert email_of(people) == OLD
    assert mails("address_changed") == []
    # The link is as good as it was.
    _, page = follow(only_link("address_change_confirm"), alice)
    assert alice.post(page).status_code == 302


def test_an_address_that_somebody_has_is_answered_alike(people: People, alice: Client) -> None:
    """Security 15: the mail to that address says so, the page does not."""
    free = ask(alice).content.decode().replace(NEW, "")
    taken = ask(alice, people.charlie.email).content.decode().replace(people.charlie.email, "")
    assert "We sent a link to" in free
    assert [line for line in taken.splitlines() if "csrf" not in line] == [
        line for line in free.splitlines() if "csrf" not in line
    ]
    [told] = mails(to=people.charlie.email)
    assert told.kind == "address_change_taken"
    assert "/link/" not in told.text_body


def test_an_address_that_was_taken_meanwhile_is_refused(people: People, alice: Client) -> None:
    ask(alice)
    browser, page = follow(only_link("address_change_confirm"), alice)
    make_user(NEW)
    answer = browser.post(page)
    assert answer.status_code == 409
    assert "There is a user ID for this address already." in answer.content.decode()
    assert "Your address was not changed." in answer.content.decode()
    assert email_of(people) == OLD


@pytest.mark.parametrize("meanwhile", ["another wish", "a new password", "a reset", "a day"])
def test_the_link_ends_with_what_comes_after_it(
    people: People, alice: Client, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(alice)
    browser, page = follow(only_link("address_change_confirm"), signed_in(people.alice))
    if meanwhile == "another wish":
        ask(alice, "third@hartwell.example")
    elif meanwhile == "a new password":
        alice.post(
            "/profile/password/",
            {"current_password": PASSWORD, "password": "ein ganz neues Kennwort"},
        )
    elif meanwhile == "a reset":
        Client().post("/password-reset/", {"email": OLD})
        other = Client()
        other.get(only_link("password_reset"))
        other.post("/password-reset/new/", {"password": "ein ganz neues Kennwort"})
    else:
        later = timezone.now() + timedelta(days=1, seconds=1)
        monkeypatch.setattr(timezone, "now", lambda: later)
    assert browser.post(page).status_code == 404
    assert email_of(people) == OLD


def test_confirming_twice_does_nothing_more(people: People, alice: Client) -> None:
    ask(alice)
    link = only_link("address_change_confirm")
    browser, page = follow(link, alice)
    browser.post(page)
    assert browser.post(page).status_code == 404
    assert len(mails("address_changed")) == 1
    other, page = follow(link)
    assert other.get(page).status_code == 404


# --- The way back -------------------------------------------------------------------------------


def test_the_former_address_takes_it_back(people: People, changed: Client) -> None:
    [told] = mails("address_changed", to=OLD)
    assert NEW in told.text_body
    browser, page = follow(link_in(told))
    assert page == "/email-change/undo/"
    assert email_of(people) == NEW
    answer = browser.post(page)
    assert f"We sent a link to {OLD}" in answer.content.decode()
    assert email_of(people) == OLD
    assert changed.get("/profile/").status_code == 302
    # Whoever took it knows the password.
    assert sign_in(Client(), OLD).status_code == 200
    follow(only_link("password_reset", to=OLD), browser)
    assert (
        browser.post("/password-reset/new/", {"password": "ein ganz neues Kennwort"}).status_code
        == 302
    )
    assert sign_in(Client(), OLD, "ein ganz neues Kennwort").status_code == 302


def test_it_is_taken_back_in_a_browser_that_is_signed_in_with_it(changed: Client) -> None:
    """Its session ends with the others, and the answer still comes."""
    changed.get(only_link("address_changed", to=OLD))
    answer = changed.post("/email-change/undo/")
    assert answer.status_code == 200
    assert f"We sent a link to {OLD}" in answer.content.decode()
    assert changed.get("/profile/").status_code == 302


def test_the_former_address_reads_until_when_in_its_own_time_zone(
    people: People, alice: Client
) -> None:
    User.objects.filter(pk=people.alice.pk).update(timezone="Asia/Tokyo")
    ask(alice)
    browser, page = follow(only_link("address_change_confirm"), alice)
    browser.post(page)
    [told] = mails("address_changed")
    assert " JST." in told.text_body


def test_it_takes_it_back_past_a_second_change(people: People, changed: Client) -> None:
    """Whoever took it moves on at once; the first owner still gets it back, and they do not."""
    ask(changed, "third@hartwell.example")
    _, page = follow(only_link("address_change_confirm", to="third@hartwell.example"), changed)
    changed.post(page)
    assert email_of(people) == "third@hartwell.example"
    [mine] = mails("address_changed", to=OLD)
    [thiefs] = mails("address_changed", to=NEW)
    theirs = link_in(thiefs)
    browser, page = follow(link_in(mine))
    browser.post(page)
    assert email_of(people) == OLD
    thief, page = follow(theirs)
    assert thief.post(page).status_code == 404
    assert email_of(people) == OLD


def test_the_way_back_of_a_second_change_leaves_that_of_the_first(
    people: People, changed: Client
) -> None:
    """Whoever took it moves on and comes back, to end the first owner's way back: it stays."""
    ask(changed, "third@hartwell.example")
    _, page = follow(only_link("address_change_confirm", to="third@hartwell.example"), changed)
    changed.post(page)
    thief, page = follow(only_link("address_changed", to=NEW))
    assert thief.post(page).status_code == 200
    assert email_of(people) == NEW
    # Nor can the thief close it meanwhile.
    assert "can be undone until" in obstacles_of(people.alice)[0]
    owner, page = follow(only_link("address_changed", to=OLD))
    assert owner.post(page).status_code == 200
    assert email_of(people) == OLD


def test_a_former_address_that_has_a_user_id_meanwhile_is_told_so(
    people: People, changed: Client
) -> None:
    browser, page = follow(only_link("address_changed", to=OLD))
    make_user(OLD)
    answer = browser.post(page)
    assert answer.status_code == 409
    assert "There is a user ID for this address already." in answer.content.decode()
    assert "support@operator.example" in answer.content.decode()
    assert email_of(people) == NEW


def test_after_a_week_it_is_final(
    people: People, changed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = only_link("address_changed", to=OLD)
    browser, page = follow(link)
    later = timezone.now() + timedelta(days=7, seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    answer = browser.post(page)
    assert answer.status_code == 404
    assert "support@operator.example" in answer.content.decode()
    assert email_of(people) == NEW


def test_five_wishes_a_day_are_enough(alice: Client) -> None:
    for number in range(5):
        assert ask(alice, f"a{number}@elsewhere.example").status_code == 200
    assert ask(alice, "one-more@elsewhere.example").status_code == 429
    assert len(mails()) == 5
