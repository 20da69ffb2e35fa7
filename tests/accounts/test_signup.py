"""Signing up (Z1): the address is proved before anything is kept of a person."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Membership
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from tests.factories import make_user
from tests.people import Answer, People, sign_in, signed_in
from tests.users.mailing import link_in, mails, only_link
from users.models import EmailedLink, User

NORA = "nora@quist.example"
PASSWORD = "vier Wörter ohne Sinn"
FORM = {
    "first_name": "Nora",
    "last_name": "Quist",
    "kind": "organisation",
    "organisation": "Quist & Co",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "password": PASSWORD,
}


def ask(email: str = NORA, **meta: Any) -> str:
    answer = Client().post("/sign-up/", {"email": email}, follow=True, **meta)
    assert answer.status_code == 200
    return str(answer.content.decode())


def opened(**meta: Any) -> Client:
    """A browser in which the link of a new mail was opened."""
    ask(**meta)
    browser = Client()
    assert browser.get(only_link("sign_up"))["Location"] == "/sign-up/finish/"
    return browser


def finish(browser: Client, **values: str) -> Answer:
    answer: Answer = browser.post("/sign-up/finish/", {**FORM, **values})
    return answer


# --- The main path ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_organisation_signs_up_and_is_in() -> None:
    browser = opened()
    answer = finish(browser)
    user = User.objects.get(email=NORA)
    account = Account.objects.get()
    assert answer["Location"] == f"/a/{account.number}/"
    page = browser.get(answer["Location"]).content.decode()
    assert f"Welcome, Nora. Your account {account.number} is open." in page
    assert (account.name, account.kind, account.country) == ("Quist & Co", "organisation", "DE")
    assert (account.currency, account.timezone) == ("EUR", "Europe/Berlin")
    assert (user.get_full_name(), user.timezone) == ("Nora Quist", "Europe/Berlin")
    assert user.email_verified_at is not None
    assert Membership.objects.get(user=user).is_owner
    assert sign_in(Client(), NORA, PASSWORD).status_code == 302


@pytest.mark.django_db
def test_somebody_who_buys_for_themselves_gives_the_account_their_name() -> None:
    """What stands in the organisation's field is not taken then."""
    finish(opened(), kind="personal")
    account = Account.objects.get()
    assert (account.name, account.kind) == ("Nora Quist", "personal")


@pytest.mark.django_db
def test_it_is_audited() -> None:
    finish(opened())
    account = Account.objects.get()
    with all_accounts_scope("a test reads the audit log"):
        recorded = {event.action: event for event in AuditEvent.objects.all()}
    assert set(recorded) == {
        Action.USER_SIGN_UP_ASKED,
        Action.USER_CREATED,
        Action.ACCOUNT_CREATED,
        Action.USER_SIGNED_IN,
    }
    assert recorded[Action.ACCOUNT_CREATED].account_id == account.pk
    assert recorded[Action.ACCOUNT_CREATED].actor_label == NORA
    assert PASSWORD not in str([event.__dict__ for event in recorded.values()])


@pytest.mark.django_db
def test_the_language_is_the_browsers() -> None:
    ask(headers={"accept-language": "de"})
    browser = Client(headers={"accept-language": "de"})
    browser.get(only_link("sign_up"))
    finish(browser)
    assert User.objects.get().language == "de"
    assert Account.objects.get().locale == "de"


@pytest.mark.django_db
def test_the_session_has_a_new_key() -> None:
    """Security 27."""
    browser = opened()
    before = browser.session.session_key
    finish(browser)
    assert browser.session.session_key != before


# --- The address first --------------------------------------------------------------------------


@pytest.mark.django_db
def test_nothing_is_kept_of_whoever_has_not_opened_the_link() -> None:
    """Security 11: a stranger leaves no user ID and no password behind for somebody's address."""
    ask()
    assert finish(Client()).status_code == 404
    assert not User.objects.exists()
    assert not Account.objects.exists()


@pytest.mark.django_db
def test_known_and_unknown_addresses_are_answered_alike_and_get_one_mail_each(
    people: People,
) -> None:
    """Security 15."""
    make_user("disabled@hartwell.example", is_active=False)
    expected = {
        NORA: "sign_up",
        people.alice.email: "sign_up_known",
        "disabled@hartwell.example": "user_id_disabled",
    }
    assert len({ask(address) for address in expected}) == 1
    assert {address: [m.kind for m in mails(to=address)] for address in expected} == {
        address: [kind] for address, kind in expected.items()
    }


@pytest.mark.django_db
def test_who_has_a_user_id_is_told_how_to_get_in(people: People) -> None:
    ask(people.alice.email)
    [email] = mails("sign_up_known")
    assert "http://testserver/sign-in/" in email.text_body
    assert link_in(email).startswith("/password-reset/link/")
    assert "Alice" not in email.text_body


@pytest.mark.django_db
def test_an_address_is_written_to_five_times_a_day() -> None:
    for _ in range(5):
        ask()
    answer = Client().post("/sign-up/", {"email": NORA})
    assert answer.status_code == 429
    assert len(mails()) == 5


@pytest.mark.django_db
def test_whoever_is_signed_in_is_sent_home(people: People) -> None:
    assert signed_in(people.bob).get("/sign-up/")["Location"] == "/"


# --- Once ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_second_click_and_a_second_tab_open_nothing_more() -> None:
    browser = opened()
    finish(browser)
    for answer in (finish(browser), browser.get("/sign-up/finish/")):
        assert answer.status_code == 302
        assert answer["Location"] == "/"
    assert "You have signed up already." in browser.get("/accounts/").content.decode()
    assert User.objects.count() == Account.objects.count() == 1


@pytest.mark.django_db
def test_the_link_works_once() -> None:
    """Security 10."""
    browser, other = opened(), Client()
    link = link_in(mails("sign_up")[0])
    other.get(link)
    finish(browser)
    assert finish(other).status_code == 404
    assert Client().get(link).status_code == 404
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_scanner_that_opens_it_consumes_nothing() -> None:
    """Security 13."""
    ask()
    link = only_link("sign_up")
    for _ in range(3):
        assert Client().get(link)["Referrer-Policy"] == "no-referrer"
    assert EmailedLink.objects.get().used_at is None


@pytest.mark.django_db
def test_after_a_day_a_new_one_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = opened()
    later = timezone.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    answer = finish(browser)
    assert answer.status_code == 410
    assert 'href="/sign-up/"' in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_address_that_got_a_user_id_meanwhile_says_so() -> None:
    browser = opened()
    make_user(NORA)
    answer = finish(browser)
    assert answer.status_code == 409
    assert "You have a user ID already" in answer.content.decode()
    assert not Account.objects.exists()


@pytest.mark.django_db
def test_an_imported_user_id_that_was_never_verified_becomes_theirs() -> None:
    browser = opened()
    imported = User.objects.create_user(NORA, "a password that staff chose once")
    finish(browser)
    assert User.objects.get().pk == imported.pk
    assert sign_in(Client(), NORA, "a password that staff chose once").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_the_same_moment_it_opens_one_account() -> None:
    browser = opened()
    cookies = browser.cookies

    def send(_number: int) -> int:
        with closing(connection):
            twin = Client(raise_request_exception=False)
            twin.cookies = cookies
            return finish(twin).status_code

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(send, range(4)))
    assert answers.count(302) >= 1
    assert 500 not in answers
    assert User.objects.count() == Account.objects.count() == 1


# --- The form -----------------------------------------------------------------------------------


@pytest.fixture
def browser(db: None) -> Client:
    return opened()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("first_name", "", "Enter your first name."),
        ("last_name", "", "Enter your last name."),
        ("first_name", "Nora\r\nBcc: a@b.example", "Leave out line breaks"),
        ("organisation", "", "Enter the name of the organisation."),
        ("organisation", "Quist\nCo", "Leave out line breaks"),
        ("kind", "", "Choose whether it is for you"),
        ("kind", "bank", "bank is not one of the available choices"),
        ("country", "", "Choose your country."),
        ("country", "XX", "XX is not one of the available choices"),
        ("timezone", "Mars/Olympus", "Mars/Olympus is not one of the available choices"),
        ("password", "", "Choose a password."),
        ("password", "nora@quist.example", "too similar to"),
    ],
)
def test_what_is_wrong_is_told_at_the_field_and_nothing_else_is_lost(
    browser: Client, field: str, value: str, words: str
) -> None:
    page = finish(browser, **{field: value}).content.decode()
    assert words in page
    assert f"id_{field}" in page
    assert PASSWORD not in page
    for kept in ("first_name", "last_name"):
        if kept != field:
            assert f'value="{FORM[kept]}"' in page
    assert not User.objects.exists()
    assert not Account.objects.exists()
