"""A new password by mail: for whom there is a user ID and for whom there is none."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from tests.factories import make_user
from tests.people import People, sign_in, signed_in
from tests.users.mailing import link_in, mails, only_link
from users import resetting
from users.links import kept_link
from users.models import EmailAddressChange, EmailedLink, User, UserSession

pytestmark = pytest.mark.django_db

NEW = "a newly made up passphrase"


def ask(email: str, browser: Client | None = None, **meta: Any) -> str:
    answer = (browser or Client()).post("/password-reset/", {"email": email}, follow=True, **meta)
    assert answer.status_code == 200
    return str(answer.content.decode())


def reset(browser: Client, password: str = NEW) -> int:
    return int(browser.post("/password-reset/new/", {"password": password}).status_code)


# --- Asking -------------------------------------------------------------------------------------


@pytest.fixture
def addresses(people: People) -> dict[str, str]:
    make_user("disabled@hartwell.example", is_active=False)
    User.objects.create_user("imported@hartwell.example")
    now = timezone.now()
    EmailAddressChange.objects.create(
        user=people.dora,
        old_email="former@hartwell.example",
        new_email=people.dora.email,
        expires_at=now,
        confirmed_at=now,
        undo_until=now + timedelta(days=7),
    )
    return {
        "address_changed": "former@hartwell.example",
        "password_reset": people.alice.email,
        "no_user_id": "nobody@hartwell.example",
        "user_id_disabled": "disabled@hartwell.example",
    }


def test_every_address_gets_the_same_page_and_exactly_one_mail(
    addresses: dict[str, str],
) -> None:
    """Security 15: whether there is a user ID is told in the mailbox alone."""
    pages = {ask(address) for address in addresses.values()}
    assert len(pages) == 1
    for kind, address in addresses.items():
        assert [email.kind for email in mails(to=address)] == [kind]


def test_every_address_costs_the_same_statements(addresses: dict[str, str]) -> None:
    def shape(sql: str) -> str:
        """What it does to which table; savepoints are numbered."""
        return re.sub(r"\d+|\('.*", "", " ".join(sql.split()[:4]))

    statements: dict[str, list[str]] = {}
    for kind, address in addresses.items():
        with CaptureQueriesContext(connection) as captured:
            ask(address)
        statements[kind] = [shape(query["sql"]) for query in captured.captured_queries]
    known = statements.pop("password_reset")
    for kind, others in statements.items():
        assert others == known, kind


def test_the_mails_say_what_to_do(addresses: dict[str, str]) -> None:
    for address in addresses.values():
        ask(address)
    [known] = mails("password_reset")
    assert link_in(known).startswith("/password-reset/link/")
    [unknown] = mails("no_user_id")
    assert link_in(unknown).startswith("/sign-up/link/")
    [disabled] = mails("user_id_disabled")
    assert "support@operator.example" in disabled.text_body
    assert "/link/" not in disabled.text_body


def test_an_address_gets_five_a_day_whether_it_is_known_or_not(addresses: dict[str, str]) -> None:
    for kind in ("password_reset", "no_user_id"):
        for _ in range(5):
            ask(addresses[kind])
        answer = Client().post("/password-reset/", {"email": addresses[kind]})
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 23 * 60 * 60
        assert len(mails(kind)) == 5


def test_a_client_cannot_write_to_the_whole_world(db: None) -> None:
    for number in range(50):
        ask(f"user-{number}@hartwell.example")
    answer = Client().post("/password-reset/", {"email": "one-more@hartwell.example"})
    assert answer.status_code == 429
    assert len(mails()) == 50


def test_links_come_from_the_site_whatever_the_request_calls_it(
    people: People, settings: Settings
) -> None:
    """Security 29."""
    settings.ALLOWED_HOSTS = ["*"]
    ask(people.alice.email, headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    [email] = mails("password_reset")
    link_in(email)
    assert "evil.example" not in email.text_body + email.html_body


@pytest.mark.parametrize(
    "typed",
    ["", "no address", "a@b", "a@b.example\r\nBcc: c@d.example", "x" * 10_000 + "@a.example"],
)
def test_what_is_no_address_is_a_field_error(db: None, typed: str) -> None:
    answer = Client().post("/password-reset/", {"email": typed})
    assert answer.status_code == 200
    assert "Please check what you entered" in answer.content.decode()
    assert mails() == []


# --- The link -----------------------------------------------------------------------------------


@pytest.fixture
def link(people: People) -> str:
    ask(people.alice.email)
    return only_link("password_reset")


def test_opening_it_consumes_nothing_and_takes_the_token_out_of_the_address(link: str) -> None:
    """Security 13."""
    for browser in (Client(), Client()):
        answer = browser.get(link)
        assert answer.status_code == 302
        assert answer["Location"] == "/password-reset/new/"
        assert answer["Referrer-Policy"] == "no-referrer"
    assert EmailedLink.objects.get().used_at is None
    page = browser.get("/password-reset/new/").content.decode()
    assert "alice@hartwell.example" in page
    assert link.split("/")[-2] not in page


def test_it_sets_the_password_and_signs_nobody_in(people: People, link: str) -> None:
    """Security 22."""
    browser = Client()
    browser.get(link)
    assert reset(browser) == 302
    assert "_auth_user_id" not in browser.session
    assert sign_in(browser, people.alice.email, NEW).status_code == 302
    assert browser.session["_auth_user_id"] == str(people.alice.pk)


def test_every_session_ends(people: People, link: str) -> None:
    """Security 27."""
    elsewhere = signed_in(people.alice)
    bobs = signed_in(people.bob)
    browser = Client()
    browser.get(link)
    reset(browser)
    assert elsewhere.get("/accounts/").status_code == 302
    assert not UserSession.objects.filter(user=people.alice).exists()
    assert bobs.get("/accounts/").status_code == 200


def test_it_works_in_a_browser_that_is_still_signed_in(people: People, link: str) -> None:
    browser = signed_in(people.alice)
    browser.get(link)
    answer = browser.post("/password-reset/new/", {"password": NEW}, follow=True)
    assert "Sign in with the new one." in answer.content.decode()
    assert browser.get("/profile/").status_code == 302


def test_its_person_is_told_and_it_is_audited(people: People, link: str) -> None:
    browser = Client()
    browser.get(link)
    reset(browser)
    [told] = mails("password_changed", to=people.alice.email)
    assert "http://testserver/password-reset/" in told.text_body
    with all_accounts_scope("a test reads the audit log"):
        [event] = AuditEvent.objects.filter(action=Action.USER_PASSWORD_RESET)
    assert event.subject == "user alice@hartwell.example"
    assert NEW not in str(event.__dict__)


def test_it_is_how_an_imported_user_gets_in(db: None) -> None:
    User.objects.create_user("imported@hartwell.example")
    ask("imported@hartwell.example")
    browser = Client()
    browser.get(only_link("password_reset"))
    reset(browser)
    assert sign_in(browser, "imported@hartwell.example", NEW).status_code == 302
    assert "_auth_user_id" in browser.session


def test_used_twice_it_does_nothing(people: People, link: str) -> None:
    """Security 10."""
    first, second = Client(), Client()
    first.get(link)
    second.get(link)
    assert reset(first) == 302
    assert reset(second, "quite another passphrase") == 404
    assert Client().get(link).status_code == 404
    assert sign_in(Client(), people.alice.email, NEW).status_code == 302


def test_a_newer_one_ends_it(people: People, link: str) -> None:
    ask(people.alice.email)
    answer = Client().get(link)
    assert answer.status_code == 404
    assert "open the newest" in answer.content.decode()
    assert "alice" not in answer.content.decode()


def test_after_an_hour_it_says_when_it_expired(
    people: People, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Client()
    browser.get(link)
    later = timezone.now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    for answer in (Client().get(link), browser.get("/password-reset/new/")):
        assert answer.status_code == 410
        assert "It expired on" in answer.content.decode()
        assert 'href="/password-reset/"' in answer.content.decode()
    assert reset(browser) == 410
    assert sign_in(Client(), people.alice.email, NEW).status_code == 200


def test_an_altered_one_reveals_nothing(people: People, link: str) -> None:
    *_start, row, token, _end = link.split("/")
    changed = "A" if token[0] != "A" else "B"
    wrong = [
        link.replace(token, changed + token[1:]),
        link.replace(row, str(uuid4())),
        link.replace("/password-reset/link/", "/verify/link/"),
        link.replace("/password-reset/link/", "/sign-up/link/"),
    ]
    for address in wrong:
        answer = Client().get(address)
        assert answer.status_code == 404
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "alice" not in answer.content.decode()
    assert Client().get("/password-reset/new/").status_code == 404


def test_no_column_of_the_database_holds_the_token(link: str) -> None:
    """Security 12."""
    token = link.split("/")[-2]
    [email] = mails("password_reset")
    stored = str(email.__dict__) + str(EmailedLink.objects.get().__dict__)
    assert token not in stored


def test_it_opens_nothing_once_the_user_is_disabled(people: People, link: str) -> None:
    browser = Client()
    browser.get(link)
    User.objects.filter(pk=people.alice.pk).update(is_active=False)
    assert reset(browser) == 404


@pytest.mark.parametrize("meanwhile", ["used", "disabled"])
def test_what_happens_before_its_person_is_locked_counts(
    people: People, link: str, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Client()
    browser.get(link)
    find = kept_link

    def slowly(*args: Any, locked: bool = False) -> EmailedLink:
        found = find(*args, locked=locked)
        if not locked and meanwhile == "used":
            EmailedLink.objects.filter(pk=found.pk).update(used_at=timezone.now())
        elif not locked:
            User.objects.filter(pk=people.alice.pk).update(is_active=False)
        return found

    monkeypatch.setattr(resetting, "kept_link", slowly)
    password = User.objects.get(pk=people.alice.pk).password
    assert reset(browser) == 404
    assert User.objects.get(pk=people.alice.pk).password == password
    assert mails("password_changed") == []


def test_a_weak_password_is_refused_and_the_link_still_works(people: People, link: str) -> None:
    browser = Client()
    browser.get(link)
    answer = browser.post("/password-reset/new/", {"password": "password1234"})
    assert "This password is too common." in answer.content.decode()
    assert "password1234" not in answer.content.decode()
    assert reset(browser) == 302


def test_rows_with_addresses_of_people_who_never_came_go(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("nobody@hartwell.example")
    later = timezone.now() + timedelta(days=32)
    monkeypatch.setattr(timezone, "now", lambda: later)
    ask("somebody@hartwell.example")
    assert [link.email for link in EmailedLink.objects.all()] == ["somebody@hartwell.example"]
