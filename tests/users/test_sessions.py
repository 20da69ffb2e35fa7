"""Sessions: what a person sees of theirs, how they end, and what the database holds of them."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import PASSWORD
from tests.people import People, sign_in, signed_in
from users.models import UserSession
from users.session_store import hash_of
from users.sessions import browser_in_words

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0"


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment)


def row_of(browser: Client) -> UserSession:
    return UserSession.objects.get(pk=hash_of(str(browser.session.session_key)))


def test_the_database_holds_no_key_that_opens_a_session(people: People) -> None:
    """Security 12."""
    browser = signed_in(people.alice)
    key = browser.cookies[settings.SESSION_COOKIE_NAME].value
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM users_usersession AS t")
        stored = cursor.fetchall()
    assert len(stored) == 1
    assert key not in str(stored)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = row_of(browser).session_key
    assert thief.get("/profile/").status_code == 302


def test_signing_in_again_in_the_same_browser_changes_the_key(people: People) -> None:
    """Security 27."""
    browser = Client()
    sign_in(browser, people.alice.email)
    first = browser.session.session_key
    browser.post("/sign-out/")
    sign_in(browser, people.alice.email)
    assert browser.session.session_key != first
    assert UserSession.objects.filter(user=people.alice).count() == 1


def test_the_password_asked_for_once_more_changes_the_key_and_nothing_else(people: People) -> None:
    """ASVS 7.2.4. What its person knows the session by stays: since when, from where, with what."""
    browser = Client(headers={"user-agent": FIREFOX})
    sign_in(browser, people.alice.email)
    other, former = signed_in(people.alice), row_of(browser)
    stolen = Client()
    stolen.cookies[settings.SESSION_COOKIE_NAME] = str(browser.session.session_key)
    asked = {"confirm-for": "GET", "confirm-password": "not her password"}
    browser.post("/profile/email/", asked)
    assert row_of(browser).pk == former.pk
    browser.post("/profile/email/", {**asked, "confirm-password": PASSWORD})
    row = row_of(browser)
    assert row.pk != former.pk
    assert not UserSession.objects.filter(pk=former.pk).exists()
    assert (row.user_id, row.started_at) == (people.alice.pk, former.started_at)
    page = browser.get("/profile/sessions/").content.decode()
    assert page.count("Firefox on Windows") == 1
    assert page.count("This one") == 1
    assert stolen.get("/profile/").status_code == 302
    assert other.get("/profile/").status_code == 200


def test_a_session_that_is_not_used_ends(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, now = signed_in(people.alice), timezone.now()
    at(monkeypatch, now + settings.SESSION_IDLE_LIMIT - timedelta(hours=1))
    assert browser.get("/profile/").status_code == 200
    at(monkeypatch, timezone.now() + settings.SESSION_IDLE_LIMIT + timedelta(seconds=1))
    answer = browser.get("/profile/")
    assert answer["Location"] == "/sign-in/?next=/profile/&ended=1"
    assert "Your session has ended" in browser.get(answer["Location"]).content.decode()


def test_a_session_that_is_used_ends_after_thirty_days(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, now = signed_in(people.alice), timezone.now()
    for day in (10, 20, 29):
        at(monkeypatch, now + timedelta(days=day))
        assert browser.get("/profile/").status_code == 200
    at(monkeypatch, now + timedelta(days=30, seconds=1))
    assert browser.get("/profile/").status_code == 302


def test_looking_at_pages_writes_at_most_every_five_minutes(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, now = signed_in(people.alice), timezone.now()

    def writes() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            browser.get("/profile/")
        written = [query["sql"] for query in captured.captured_queries]
        return [sql for sql in written if sql.startswith(("UPDATE", "INSERT", "DELETE"))]

    assert writes() == []
    at(monkeypatch, now + timedelta(minutes=6))
    [update] = writes()
    assert update.startswith('UPDATE "users_usersession"')
    assert "session_data" not in update
    assert writes() == []


def test_the_list_shows_browsers_in_words_and_marks_this_one(people: People) -> None:
    browser = Client(headers={"user-agent": FIREFOX})
    sign_in(browser, people.alice.email)
    signed_in(people.alice)
    signed_in(people.bob)
    page = browser.get("/profile/sessions/").content.decode()
    assert page.count("Firefox on Windows") == 1
    assert page.count("Unknown browser") >= 1
    assert page.count("This one") == 1
    assert page.count("/end/") == 1
    assert "127.0.0.1" in page


def test_one_session_is_ended(people: People) -> None:
    browser, other = signed_in(people.alice), signed_in(people.alice)
    address = f"/profile/sessions/{row_of(other).public_id}/end/"
    assert browser.get(address).status_code == 405
    page = browser.post(address, follow=True).content.decode()
    assert "The session is ended." in page
    assert other.get("/profile/").status_code == 302
    assert browser.get("/profile/").status_code == 200
    assert "had ended already" in browser.post(address, follow=True).content.decode()


def test_this_one_is_ended_by_signing_out(people: People) -> None:
    browser = signed_in(people.alice)
    browser.post(f"/profile/sessions/{row_of(browser).public_id}/end/")
    assert browser.get("/profile/").status_code == 200


def test_all_others_are_ended_at_once(people: People) -> None:
    browser, *others = (signed_in(people.alice) for _ in range(3))
    bobs = signed_in(people.bob)
    page = browser.post("/profile/sessions/end-others/", follow=True).content.decode()
    assert "2 sessions are ended." in page
    assert [other.get("/profile/").status_code for other in others] == [302, 302]
    assert browser.get("/profile/").status_code == bobs.get("/profile/").status_code == 200
    again = browser.post("/profile/sessions/end-others/", follow=True).content.decode()
    assert "You are signed in nowhere else." in again


def test_nobody_ends_anothers_session(people: People) -> None:
    bobs = signed_in(people.bob)
    charlie = signed_in(people.charlie)
    charlie.post(f"/profile/sessions/{row_of(bobs).public_id}/end/")
    assert bobs.get("/profile/").status_code == 200


def test_expired_sessions_are_cleared_away_at_sign_in(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        signed_in(people.bob)
    at(monkeypatch, timezone.now() + settings.SESSION_IDLE_LIMIT + timedelta(seconds=1))
    sign_in(Client(), people.alice.email)
    assert UserSession.objects.count() == 1


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like"
            " Gecko) Version/18.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML,"
            " like Gecko) CriOS/130.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
            "Edge on Windows",
        ),
        ("curl/8.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_named_as_people_call_them(user_agent: str, words: str) -> None:
    assert browser_in_words(user_agent) == words


def test_who_sends_a_form_too_late_comes_back_to_the_page_with_the_form(people: People) -> None:
    """The form's own address may answer nothing to a link."""
    sent = Client().post(
        "/profile/two-factor/turn-on/", headers={"referer": "http://testserver/profile/two-factor/"}
    )
    assert sent["Location"] == "/sign-in/?next=/profile/two-factor/"
    elsewhere = Client().post(
        "/profile/two-factor/turn-on/", headers={"referer": "https://evil.example/profile/"}
    )
    assert elsewhere["Location"] == "/sign-in/?next=/profile/two-factor/turn-on/"
