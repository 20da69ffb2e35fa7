from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from tests.factories import PASSWORD, make_staff, make_user
from tests.hashers import QuickArgon2PasswordHasher
from tests.people import Answer, People, sign_in, signed_in
from tests.users.mailing import mails, only_link
from users import signin
from users.models import EmailedLink, User, UserSession
from users.session_store import hash_of

pytestmark = pytest.mark.django_db

WRONG = "not the password of anybody"


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test reads the audit log"):
        return list(AuditEvent.objects.filter(action=action))


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def comparable(answer: Answer, typed: str) -> str:
    """The page less what was typed and less the token, which differ from one to the next."""
    lines = answer.content.decode().replace(typed, "").splitlines()
    return "\n".join(line for line in lines if "csrfmiddlewaretoken" not in line)


# --- Getting in ---------------------------------------------------------------------------------


def test_address_and_password_open_a_session(people: People) -> None:
    browser = Client()
    answer = sign_in(browser, people.alice.email)
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert browser.session["_auth_user_id"] == str(people.alice.pk)


def test_an_address_is_taken_however_it_is_written(people: People) -> None:
    browser = Client()
    sign_in(browser, "  Alice@HARTWELL.example ")
    assert is_signed_in(browser)


def test_the_session_has_a_new_key_once_somebody_is_signed_in(people: People) -> None:
    browser = Client()
    session = browser.session
    session["planted"] = "by whoever knows this key"
    session.save()
    sign_in(browser, people.alice.email)
    assert is_signed_in(browser)
    assert browser.session.session_key != session.session_key
    assert not UserSession.objects.filter(pk=hash_of(str(session.session_key))).exists()


def test_signing_in_is_audited(people: People) -> None:
    sign_in(Client(), people.alice.email)
    [event] = events(Action.USER_SIGNED_IN)
    assert event.actor_user_id == people.alice.pk
    assert event.subject == "user alice@hartwell.example"
    assert event.remote_address == "127.0.0.1"
    assert event.details == {"method": "password"}


def test_whoever_is_signed_in_is_sent_on(people: People) -> None:
    answer = signed_in(people.alice).get("/sign-in/", {"next": "/accounts/"})
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/"


def test_looking_at_the_page_writes_nothing(db: None) -> None:
    assert Client().get("/sign-in/").status_code == 200
    assert not UserSession.objects.exists()


# --- Not getting in -----------------------------------------------------------------------------


@pytest.fixture
def refused(people: People) -> dict[str, str]:
    """Addresses that a wrong password is tried with."""
    make_user("disabled@hartwell.example", is_active=False)
    User.objects.create_user("invited@hartwell.example")
    return {
        "known": people.alice.email,
        "unknown": "nobody@hartwell.example",
        "disabled": "disabled@hartwell.example",
        "without a password": "invited@hartwell.example",
    }


def test_the_answer_does_not_tell_which_addresses_are_known(refused: dict[str, str]) -> None:
    pages = {comparable(sign_in(Client(), address, WRONG), address) for address in refused.values()}
    assert len(pages) == 1


def test_the_right_password_of_a_disabled_user_is_answered_alike(refused: dict[str, str]) -> None:
    wrong = sign_in(Client(), refused["known"], WRONG)
    right = sign_in(Client(), refused["disabled"], PASSWORD)
    assert comparable(right, refused["disabled"]) == comparable(wrong, refused["known"])


def test_every_address_costs_one_hash(
    refused: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time is not under test, what takes it is: exactly one Argon2 computation each."""
    hashed: list[str] = []
    encode, verify = QuickArgon2PasswordHasher.encode, QuickArgon2PasswordHasher.verify

    def counted_encode(self: QuickArgon2PasswordHasher, *args: str) -> str:
        hashed.append("encode")
        return encode(self, *args)

    def counted_verify(self: QuickArgon2PasswordHasher, *args: str) -> bool:
        hashed.append("verify")
        return verify(self, *args)

    monkeypatch.setattr(QuickArgon2PasswordHasher, "encode", counted_encode)
    monkeypatch.setattr(QuickArgon2PasswordHasher, "verify", counted_verify)
    costs = {}
    for kind, address in refused.items():
        hashed.clear()
        sign_in(Client(), address, WRONG)
        costs[kind] = len(hashed)
    assert set(costs.values()) == {1}, costs


def test_every_address_costs_the_same_statements(refused: dict[str, str]) -> None:
    """Security 15, staff included."""
    refused["staff"] = make_staff().email
    counts = {}
    for kind, address in refused.items():
        with CaptureQueriesContext(connection) as captured:
            sign_in(Client(), address, WRONG)
        counts[kind] = [query["sql"].split()[0] for query in captured.captured_queries]
    known = counts.pop("known")
    assert all(others == known for others in counts.values()), counts


def test_a_failure_is_audited_with_the_address_and_without_the_password(people: People) -> None:
    sign_in(Client(), people.alice.email, WRONG)
    [event] = events(Action.USER_SIGN_IN_FAILED)
    assert event.subject == "user alice@hartwell.example"
    assert event.actor_kind == "anonymous"
    assert WRONG not in str(event.__dict__)


def test_an_address_as_long_as_the_form_takes_is_audited(db: None) -> None:
    longest = f"{'x' * 64}@{'y' * 60}.{'z' * 60}.{'y' * 59}.example"
    answer = sign_in(Client(), longest, WRONG)
    assert answer.status_code == 200
    assert len(events(Action.USER_SIGN_IN_FAILED)) == 1


def test_what_was_typed_is_kept_but_for_the_password(people: People) -> None:
    page = sign_in(Client(), people.alice.email, WRONG).content.decode()
    assert 'value="alice@hartwell.example"' in page
    assert WRONG not in page


def test_an_empty_form_says_what_to_enter_at_the_fields_and_on_top(db: None) -> None:
    page = sign_in(Client(), "", "").content.decode()
    assert page.count("Enter your email address.") == 2
    assert 'href="#id_email"' in page
    assert 'aria-describedby="id_email_error"' in page
    assert page.count("Enter your password.") == 2
    assert events(Action.USER_SIGN_IN_FAILED) == []


def test_a_form_without_its_token_is_refused(people: People) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = sign_in(browser, people.alice.email)
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()
    assert not is_signed_in(browser)


# --- The brake ----------------------------------------------------------------------------------


def fail_often(address: str, **meta: str) -> None:
    for _ in range(signin.MAX_FAILURES):
        assert sign_in(Client(), address, WRONG, **meta).status_code == 200


def test_after_ten_failures_even_the_right_password_has_to_wait(people: People) -> None:
    fail_often(people.alice.email)
    browser = Client()
    answer = sign_in(browser, people.alice.email)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= signin.WINDOW.total_seconds()
    assert "Try again in 5 minutes, at" in answer.content.decode()
    assert not is_signed_in(browser)


def test_five_minutes_later_it_is_open_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_often(people.alice.email)
    later = timezone.now() + signin.WINDOW + timedelta(seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    browser = Client()
    assert sign_in(browser, people.alice.email).status_code == 302
    assert is_signed_in(browser)


def test_an_address_nobody_has_is_braked_alike(db: None) -> None:
    fail_often("nobody@hartwell.example")
    assert sign_in(Client(), "nobody@hartwell.example", WRONG).status_code == 429


def test_a_stranger_locks_nobody_out_of_a_browser_that_they_have_used(people: People) -> None:
    """Security 16: guesses from elsewhere and from beside them fill counters of other browsers."""
    own = Client()
    sign_in(own, people.alice.email)
    own.post("/sign-out/")
    fail_often(people.alice.email)
    assert sign_in(Client(), people.alice.email, REMOTE_ADDR="192.0.2.7").status_code == 429
    assert sign_in(own, people.alice.email).status_code == 302


def test_the_browsers_own_counter_fills_up_too(people: People) -> None:
    own = Client()
    sign_in(own, people.alice.email)
    own.post("/sign-out/")
    for _ in range(signin.MAX_FAILURES):
        assert sign_in(own, people.alice.email, WRONG).status_code == 200
    assert sign_in(own, people.alice.email).status_code == 429


def test_a_browser_that_another_has_used_counts_for_nobody_else(people: People) -> None:
    bobs = Client()
    sign_in(bobs, people.bob.email)
    bobs.post("/sign-out/")
    fail_often(people.alice.email, REMOTE_ADDR="192.0.2.7")
    assert sign_in(bobs, people.alice.email).status_code == 429


def test_an_altered_device_cookie_counts_for_nothing(people: People) -> None:
    own = Client()
    sign_in(own, people.alice.email)
    own.post("/sign-out/")
    cookie = own.cookies[settings.DEVICE_COOKIE_NAME]
    assert cookie["httponly"]
    assert "alice" not in cookie.value
    own.cookies[settings.DEVICE_COOKIE_NAME] = cookie.value[:-1] + "!"
    fail_often(people.alice.email, REMOTE_ADDR="192.0.2.7")
    assert sign_in(own, people.alice.email).status_code == 429


def test_one_client_tries_ten_addresses_and_no_more(people: People) -> None:
    for number in range(signin.MAX_FAILURES):
        assert sign_in(Client(), f"user-{number}@hartwell.example", WRONG).status_code == 200
    assert sign_in(Client(), people.bob.email).status_code == 429
    assert sign_in(Client(), people.bob.email, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_a_right_password_counts_for_nothing(people: People) -> None:
    for _ in range(signin.MAX_FAILURES + 2):
        assert sign_in(Client(), people.alice.email).status_code == 302


# --- Before the address is verified -------------------------------------------------------------


def test_the_right_password_of_an_unverified_user_sends_a_link_and_opens_nothing(
    db: None,
) -> None:
    make_user("new@hartwell.example", email_verified_at=None)
    browser = Client()
    answer = sign_in(browser, "new@hartwell.example", next_page="/accounts/")
    assert "We sent a link to new@hartwell.example" in answer.content.decode()
    assert not is_signed_in(browser)
    link = only_link("verify_address", to="new@hartwell.example")
    # A scanner that opens it changes nothing.
    assert browser.get(link)["Location"] == "/verify/"
    assert User.objects.get(email="new@hartwell.example").email_verified_at is None
    answer = browser.post("/verify/")
    assert answer["Location"] == "/sign-in/?next=%2Faccounts%2F"
    assert sign_in(browser, "new@hartwell.example").status_code == 302
    assert is_signed_in(browser)
    [event] = events(Action.USER_ADDRESS_VERIFIED)
    assert event.subject == "user new@hartwell.example"


@pytest.mark.parametrize(("length", "is_kept"), [(2000, True), (2001, False), (2048, False)])
def test_a_page_too_long_for_the_link_to_keep_is_forgotten(
    db: None, length: int, is_kept: bool
) -> None:
    make_user("new@hartwell.example", email_verified_at=None)
    wanted = "/accounts/".ljust(length, "x")
    assert sign_in(Client(), "new@hartwell.example", next_page=wanted).status_code == 200
    assert EmailedLink.objects.get().next_page == (wanted if is_kept else "")


def test_a_wrong_password_of_an_unverified_user_sends_nothing(db: None) -> None:
    make_user("new@hartwell.example", email_verified_at=None)
    answer = sign_in(Client(), "new@hartwell.example", WRONG)
    assert "do not belong together" in answer.content.decode()
    assert mails() == []


def test_a_session_ends_when_its_address_is_no_longer_verified(people: People) -> None:
    browser = signed_in(people.bob)
    assert browser.get("/accounts/").status_code == 200
    User.objects.filter(pk=people.bob.pk).update(email_verified_at=None)
    assert browser.get("/accounts/").status_code == 302


def test_a_made_up_forwarding_header_evades_nothing(people: People) -> None:
    for last in range(signin.MAX_FAILURES):
        sign_in(Client(), people.alice.email, WRONG, HTTP_X_FORWARDED_FOR=f"198.51.100.{last}")
    answer = sign_in(Client(), people.alice.email, HTTP_X_FORWARDED_FOR="198.51.100.99")
    assert answer.status_code == 429


# --- Where to, afterwards -----------------------------------------------------------------------


def test_sign_in_leads_to_the_page_that_was_asked_for(people: People) -> None:
    wanted = f"/a/{people.account.number}/billing/invoices/?number=INV-1"
    page = Client().get("/sign-in/", {"next": wanted}).content.decode()
    assert f'<input type="hidden" name="next" value="{wanted}">' in page
    answer = sign_in(Client(), people.alice.email, next_page=wanted)
    assert answer["Location"] == wanted


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "http://testserver.evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "https:evil.example",
        "https:///evil.example",
        "javascript:alert(1)",
        "data:text/html,hello",
        "\x08//evil.example",
        "http://[evil.example",
        "//evil.example/%2f..",
        "/\n/evil.example",
        "https://testserver/accounts/",
        " //evil.example",
        "////evil.example",
        "http:\\\\evil.example",
    ],
)
def test_sign_in_never_leads_off_the_site(people: People, elsewhere: str) -> None:
    answer = sign_in(Client(), people.alice.email, next_page=elsewhere)
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert signed_in(people.alice).get("/sign-in/", {"next": elsewhere})["Location"] == "/"


# --- Getting out --------------------------------------------------------------------------------


def test_signing_out_ends_the_session_here_and_in_the_database(people: People) -> None:
    browser = signed_in(people.alice)
    key = browser.session.session_key
    answer = browser.post("/sign-out/")
    assert answer["Location"] == "/sign-in/"
    assert not is_signed_in(browser)
    assert not UserSession.objects.filter(pk=hash_of(str(key))).exists()
    [event] = events(Action.USER_SIGNED_OUT)
    assert event.actor_user_id == people.alice.pk


def test_a_link_signs_nobody_out(people: People) -> None:
    browser = signed_in(people.alice)
    assert browser.get("/sign-out/").status_code == 405
    assert is_signed_in(browser)


def test_who_was_signed_in_is_told_so(people: People) -> None:
    page = signed_in(people.alice).post("/sign-out/", follow=True).content.decode()
    assert "You are signed out." in page


def test_signing_out_twice_is_no_error_and_opens_no_session(db: None) -> None:
    browser = Client()
    assert browser.post("/sign-out/")["Location"] == "/sign-in/"
    assert events(Action.USER_SIGNED_OUT) == []
    assert not UserSession.objects.exists()
    assert "You are signed out." not in browser.get("/sign-in/").content.decode()


# --- At the terminal ----------------------------------------------------------------------------


def test_whoever_is_made_at_the_terminal_can_sign_in_at_once(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", email="boss@operator.example", interactive=False, verbosity=0)
    browser = Client()
    sign_in(browser, "boss@operator.example")
    assert is_signed_in(browser)
