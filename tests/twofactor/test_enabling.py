"""Turning two-factor authentication on and off, each a step of its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from tests.auditing import events
from tests.factories import PASSWORD, make_user
from tests.people import People, sign_in, signed_in
from tests.two_factor import add_app, add_phone, two_factor_on
from tests.twofactor.setting_up import (
    OVERVIEW,
    codes_on,
    require,
    set_up_app,
    signed_in_with_best,
)
from tests.twofactor.signing_in import request_of
from tests.users.mailing import mails
from twofactor import totp
from twofactor.enabling import enable
from twofactor.methods import Kind, is_enabled, kind_of_session
from twofactor.models import AuthenticatorApp, RecoveryCodes, TwoFactor
from twofactor.recovery_codes import codes_left, make_codes, use_code

pytestmark = pytest.mark.django_db

ON = f"{OVERVIEW}turn-on/"
OFF = f"{OVERVIEW}turn-off/"


def test_a_method_alone_changes_nothing_at_sign_in(people: People) -> None:
    """M9: enabling is its own step."""
    add_app(people.alice)
    browser = Client()
    assert sign_in(browser, people.alice.email).status_code == 302
    assert browser.get("/profile/").status_code == 200


def test_turning_it_on_shows_ten_codes_and_asks_at_the_next_sign_in(people: People) -> None:
    """M9."""
    add_app(people.alice)
    browser, other = signed_in_with_best(people.alice), signed_in_with_best(people.alice)
    key = browser.session.session_key
    answer = browser.post(ON)
    assert answer.status_code == 200
    codes = codes_on(answer)
    assert len(codes) == 10 and codes_left(people.alice) == 10
    assert is_enabled(people.alice)
    assert browser.session.session_key != key
    assert other.get("/profile/").status_code == 302
    assert browser.get("/profile/").status_code == 200
    assert [event.actor_label for event in events(Action.TWO_FACTOR_ENABLED)] == [
        people.alice.email
    ]
    [mail] = mails("two_factor_on", to=people.alice.email)
    assert not any(code in mail.text_body for code in codes)
    newcomer = Client()
    assert sign_in(newcomer, people.alice.email, PASSWORD)["Location"].startswith("/sign-in/code/")
    assert newcomer.get("/profile/").status_code == 302


def test_the_session_that_set_it_up_counts_as_begun_with_the_app(people: People) -> None:
    """Nobody signs in once more right after setting it up."""
    browser = signed_in_with_best(people.alice)
    set_up_app(browser)
    browser.post(ON)
    request = browser.get(OVERVIEW).wsgi_request
    assert kind_of_session(request) is Kind.APP


def test_a_session_that_has_shown_no_code_does_not_count_as_one_that_has(people: People) -> None:
    add_app(people.alice)
    browser = signed_in(people.alice)
    browser.post(ON)
    assert is_enabled(people.alice)
    assert kind_of_session(browser.get(OVERVIEW).wsgi_request) is None


def test_a_second_click_is_harmless_and_says_so(people: People) -> None:
    add_app(people.alice)
    browser = signed_in_with_best(people.alice)
    codes = codes_on(browser.post(ON))
    answer = browser.post(ON, follow=True)
    assert "Two-factor authentication is on already." in answer.content.decode()
    assert use_code(people.alice, codes[0])
    assert len(mails("two_factor_on")) == 1
    assert len(events(Action.TWO_FACTOR_ENABLED)) == 1


@pytest.mark.parametrize("there", ["nothing", "recovery codes", "an unconfirmed app"])
def test_it_is_not_turned_on_without_a_method_that_stands_alone(people: People, there: str) -> None:
    """M9: recovery codes are never the only method."""
    if there == "recovery codes":
        make_codes(people.alice)
    if there == "an unconfirmed app":
        totp.begin_set_up(people.alice)
    answer = signed_in_with_best(people.alice).post(ON, follow=True)
    assert "Set up an authenticator app or a phone first." in answer.content.decode()
    assert not is_enabled(people.alice)
    assert mails() == [] and events(Action.TWO_FACTOR_ENABLED) == []


def test_a_phone_alone_is_enough(people: People) -> None:
    """M9: at least one method."""
    add_phone(people.alice)
    assert len(codes_on(signed_in_with_best(people.alice).post(ON))) == 10


@pytest.mark.django_db(transaction=True)
def test_of_many_clicks_at_once_one_turns_it_on() -> None:
    user = make_user()
    add_app(user)

    def click(_number: int) -> int:
        try:
            return len(enable(request_of(user), user))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        shown = list(threads.map(click, range(8)))
    assert sorted(shown) == [0] * 7 + [10]
    assert len(mails("two_factor_on")) == 1


# --- Off ----------------------------------------------------------------------------------------


def test_turning_it_off_asks_first_and_says_what_will_happen(people: People) -> None:
    two_factor_on(people.alice)
    page = signed_in_with_best(people.alice).get(OFF).content.decode()
    assert "What will happen" in page and "Your recovery codes stop working." in page
    assert is_enabled(people.alice)


def test_turning_it_off_leaves_the_methods_and_takes_the_recovery_codes(people: People) -> None:
    """M9; security 27."""
    app = two_factor_on(people.alice)
    codes = make_codes(people.alice)
    browser, other = signed_in_with_best(people.alice), signed_in_with_best(people.alice)
    key = browser.session.session_key
    answer = browser.post(OFF, follow=True)
    assert "Two-factor authentication is off." in answer.content.decode()
    assert not is_enabled(people.alice)
    assert AuthenticatorApp.objects.get() == app
    assert use_code(people.alice, codes[0]) is None
    assert not RecoveryCodes.objects.exists()
    assert browser.session.session_key != key
    assert other.get(OVERVIEW).status_code == 302
    assert len(events(Action.TWO_FACTOR_DISABLED)) == 1
    [mail] = mails("two_factor_off", to=people.alice.email)
    assert "/password-reset/" in mail.text_body
    newcomer = Client()
    sign_in(newcomer, people.alice.email)
    assert newcomer.get("/profile/").status_code == 200


def test_turning_it_off_twice_is_harmless_and_says_so(people: People) -> None:
    two_factor_on(people.alice)
    browser = signed_in_with_best(people.alice)
    browser.post(OFF)
    answer = browser.post(OFF, follow=True)
    assert "Two-factor authentication is off already." in answer.content.decode()
    assert len(mails("two_factor_off")) == 1
    assert len(events(Action.TWO_FACTOR_DISABLED)) == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_turning_it_off_is_refused_while_somebody_requires_it(
    people: People, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """M9: the account is named."""
    two_factor_on(people.alice)
    codes = make_codes(people.alice)
    require(monkeypatch, Kind.APP, Kind.SMS, name="Hartwell & Sons")
    browser, other = signed_in_with_best(people.alice), signed_in_with_best(people.alice)
    answer = getattr(browser, method)(OFF)
    assert answer.status_code == {"get": 200, "post": 409}[method]
    page = answer.content.decode()
    assert "Hartwell &amp; Sons requires two-factor authentication of you." in page
    assert 'method="post"' not in page[page.index('id="main"') :]
    assert is_enabled(people.alice) and TwoFactor.objects.count() == 1
    assert use_code(people.alice, codes[0])
    assert mails() == [] and events(Action.TWO_FACTOR_DISABLED) == []
    assert other.get(OVERVIEW).status_code == 200


def test_the_owner_is_led_to_where_requiring_it_is_stopped(people: People) -> None:
    people.account.two_factor_required_from = timezone.now()
    people.account.save(update_fields=["two_factor_required_from"])
    security = f"/a/{people.account.number}/settings/security/"
    for user, is_owner in ((people.alice, True), (people.bob, False)):
        two_factor_on(user)
        page = signed_in_with_best(user).get(OFF).content.decode()
        assert ("You are the owner." in page) is is_owner
        assert (f'href="{security}"' in page) is is_owner
        assert ("A user manager of an account can exempt you there." in page) is not is_owner


def test_it_can_be_turned_on_again_with_new_codes(people: People) -> None:
    two_factor_on(people.alice)
    former = make_codes(people.alice)
    browser = signed_in_with_best(people.alice)
    browser.post(OFF)
    made = codes_on(browser.post(ON))
    assert len(made) == 10 and use_code(people.alice, former[0]) is None
    assert use_code(people.alice, made[0])
