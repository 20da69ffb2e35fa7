"""The second step of signing in: what it asks, what it takes, and how long it waits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.actions import Action
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.auditing import events
from tests.people import People, sign_in
from tests.two_factor import NUMBER, add_app, code_of, two_factor_on, two_factor_on_by_phone
from tests.twofactor.gateways import RememberingGateway
from tests.twofactor.signing_in import (
    CHALLENGE,
    enter,
    half_signed_in,
    is_in,
    request_of,
)
from twofactor.challenge import LASTS, hold_sign_in
from twofactor.methods import Kind
from twofactor.models import AuthenticatorApp, SmsPhone, TwoFactor
from twofactor.recovery_codes import make_codes
from twofactor.verifying import verify
from twofactor.views import challenge
from users.models import RateHit, User, UserSession

pytestmark = pytest.mark.django_db


def at(monkeypatch: pytest.MonkeyPatch, moment: object) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment)


def kind_in(browser: Client) -> str:
    """What the session was begun with."""
    return str(browser.session.get("otp_device_id", "")).split("/")[0]


# --- The way in ---------------------------------------------------------------------------------


def test_without_two_factor_the_password_is_enough(people: People) -> None:
    browser = Client()
    assert sign_in(browser, people.alice.email)["Location"] == "/"
    assert is_in(browser)


def test_a_method_that_is_set_up_asks_for_nothing_until_two_factor_is_on(people: People) -> None:
    """M9: turning on is a step of its own."""
    add_app(people.alice)
    assert sign_in(Client(), people.alice.email)["Location"] == "/"


def test_a_right_code_leads_to_where_the_person_was_going(people: People) -> None:
    """U5."""
    page = f"/a/{people.account.number}/settings/users/"
    browser = half_signed_in(people.alice, next_page=page)
    answer = enter(browser, code_of(two_factor_on(people.alice)))
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert is_in(browser)


@pytest.mark.parametrize(
    "next_page", ["//elsewhere.example", "https://elsewhere.example/", "\\\\e"]
)
def test_nobody_is_led_off_the_site(people: People, next_page: str) -> None:
    """Security 28."""
    browser = half_signed_in(people.alice, next_page=next_page)
    assert enter(browser, code_of(two_factor_on(people.alice)))["Location"] == "/"


def test_the_page_asks_for_the_apps_code_as_phones_like_it(people: People) -> None:
    page = half_signed_in(people.alice).get(CHALLENGE).content.decode()
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    assert "autofocus" in page
    assert "Code from your app" in page


def test_several_apps_are_named_and_each_will_do(people: People) -> None:
    two_factor_on(people.alice)
    other = add_app(people.alice, secret=b"another secret of 20", name="Tablet")
    browser = half_signed_in(people.alice)
    assert "from any of your apps: Phone, Tablet." in browser.get(CHALLENGE).content.decode()
    enter(browser, code_of(other))
    assert is_in(browser)


def test_a_wrong_code_signs_nobody_in_and_is_audited(people: People) -> None:
    browser = half_signed_in(people.alice)
    page = enter(browser, "000000").content.decode()
    assert "This code is wrong, too old, or was used already." in page
    assert not is_in(browser)
    [event] = events(Action.TWO_FACTOR_CODE_REFUSED)
    assert (event.subject, event.details) == (f"user {people.alice.email}", {"method": "app"})
    assert "000000" not in str(event.details)
    enter(browser, code_of(two_factor_on(people.alice)))
    assert is_in(browser)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "12 34 5x"])
def test_what_can_be_no_code_is_told_and_counts_as_no_attempt(people: People, typed: str) -> None:
    browser = half_signed_in(people.alice)
    for _time in range(8):
        assert "Enter the six digits of the code." in enter(browser, typed).content.decode()
    assert events(Action.TWO_FACTOR_CODE_REFUSED) == []
    enter(browser, code_of(two_factor_on(people.alice)))
    assert is_in(browser)


def test_the_sign_in_is_audited_once_and_only_after_the_code(people: People) -> None:
    browser = half_signed_in(people.alice)
    assert events(Action.USER_SIGNED_IN) == []
    [event] = events(Action.USER_PASSWORD_ACCEPTED)
    assert (event.subject, event.actor_user_id) == (f"user {people.alice.email}", None)
    enter(browser, code_of(two_factor_on(people.alice)))
    [event] = events(Action.USER_SIGNED_IN)
    assert event.details == {"method": "app"}
    assert len(events(Action.USER_PASSWORD_ACCEPTED)) == 1


def test_a_second_click_finds_one_signed_in_already(people: People) -> None:
    browser = half_signed_in(people.alice)
    code = code_of(two_factor_on(people.alice))
    enter(browser, code)
    answer = enter(browser, code)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert events(Action.TWO_FACTOR_CODE_REFUSED) == []


def test_a_second_click_that_the_first_overtakes_is_led_on(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were sent while the sign-in waited; the first ended the session of the second."""
    browser, code = half_signed_in(people.alice), code_of(two_factor_on(people.alice))
    first = Client()
    first.cookies["session"] = browser.cookies["session"].value

    def overtaken(*given: Any, **named: Any) -> object:
        monkeypatch.setattr(challenge, "verify", verify)
        assert enter(first, code)["Location"] == "/"
        return verify(*given, **named)

    monkeypatch.setattr(challenge, "verify", overtaken)
    answer = enter(browser, code)
    assert (answer.status_code, answer["Location"]) == (302, CHALLENGE)
    assert is_in(first)


def test_whoever_is_signed_in_or_comes_by_a_bookmark_is_led_on(people: People) -> None:
    assert Client().get(CHALLENGE)["Location"] == "/sign-in/"
    assert enter(Client(), "123456")["Location"] == "/sign-in/"
    browser = half_signed_in(people.alice)
    enter(browser, code_of(two_factor_on(people.alice)))
    assert browser.get(CHALLENGE)["Location"] == "/"


# --- Text messages ------------------------------------------------------------------------------


def test_a_text_message_leaves_by_a_button_and_its_code_signs_in(
    people: People, gateway: RememberingGateway
) -> None:
    two_factor_on_by_phone(people.alice)
    browser = Client()
    sign_in(browser, people.alice.email)
    page = browser.get(CHALLENGE).content.decode()
    assert "Send me a code" in page
    assert "ends in 56" in page
    assert NUMBER not in page
    assert gateway.sent == []
    page = browser.post(f"{CHALLENGE}sms/", follow=True).content.decode()
    assert "We sent you a code." in page
    assert "Send a new code" in page
    enter(browser, gateway.codes[0], kind=Kind.SMS)
    assert is_in(browser)
    assert kind_in(browser) == "twofactor.smsphone"


def test_a_refused_message_is_told_and_the_other_methods_stay(
    people: People, gateway: RememberingGateway
) -> None:
    """Security 26: the second within 30 s."""
    two_factor_on(people.alice)
    two_factor_on_by_phone(people.alice)
    browser = half_signed_in(people.alice)
    browser.post(f"{CHALLENGE}sms/")
    answer = browser.post(f"{CHALLENGE}sms/", follow=True)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "You can get another text message in" in page
    assert "Or use your authenticator app." in page
    assert "Use your authenticator app" in page
    assert len(gateway.sent) == 1


def test_a_message_needs_a_sign_in_that_waits(people: People, gateway: RememberingGateway) -> None:
    two_factor_on_by_phone(people.alice)
    assert Client().post(f"{CHALLENGE}sms/")["Location"] == "/sign-in/"
    assert gateway.sent == []


def test_an_installation_without_a_gateway_offers_no_messages(
    people: People, gateway: RememberingGateway, settings: Settings
) -> None:
    two_factor_on(people.alice)
    two_factor_on_by_phone(people.alice)
    settings.SMS_GATEWAY = ""
    browser = half_signed_in(people.alice)
    assert "text message" not in browser.get(f"{CHALLENGE}?method=sms").content.decode()
    browser.post(f"{CHALLENGE}sms/")
    assert gateway.sent == []


def test_who_has_nothing_that_works_is_told_whom_to_write_to(
    people: People, settings: Settings
) -> None:
    two_factor_on_by_phone(people.alice)
    settings.SMS_GATEWAY = ""
    browser = Client()
    sign_in(browser, people.alice.email)
    page = browser.get(CHALLENGE).content.decode()
    assert "None of the methods" in page
    assert "support@operator.example" in page
    assert not is_in(browser)


# --- Recovery codes -----------------------------------------------------------------------------


def test_a_refused_code_leaves_the_field_empty_and_the_page_begins_there(people: People) -> None:
    two_factor_on(people.alice)
    page = enter(half_signed_in(people.alice), "987654").content.decode()
    assert "check that the clock of your phone is set automatically" in page
    assert "987654" not in page
    assert page.count("autofocus") == 1
    assert "autofocus" in page.partition('name="code"')[2].partition(">")[0]


def test_the_last_recovery_code_is_told_as_such_and_the_first_urges_nobody(people: People) -> None:
    two_factor_on(people.alice)
    codes = make_codes(people.alice)
    said = {}
    for left, code in zip(range(9, -1, -1), codes, strict=True):
        RateHit.objects.all().delete()
        browser = half_signed_in(people.alice)
        enter(browser, code, kind=Kind.RECOVERY_CODE)
        said[left] = browser.get("/profile/two-factor/").content.decode()
    assert "You have 4 recovery codes left.<" in said[4] and "before you need them" not in said[4]
    assert "You have 3 recovery codes left. Make new ones in your profile before" in said[3]
    assert "You have no recovery codes left. Make new ones in your profile." in said[0]
    assert "You have no recovery codes left. Make new ones.<" in said[0]
    assert "You have 0" not in said[0]


def test_a_recovery_code_signs_in_once_and_is_told_by_mail(people: People) -> None:
    two_factor_on(people.alice)
    code = make_codes(people.alice)[3]
    browser = half_signed_in(people.alice)
    assert "Use a recovery code" in browser.get(CHALLENGE).content.decode()
    page = enter(browser, code, kind=Kind.RECOVERY_CODE, follow=True).content.decode()
    assert "You have 9 recovery codes left." in page
    [event] = events(Action.RECOVERY_CODE_USED)
    assert event.details == {"left": 9}
    with all_accounts_scope("a test reads mail"):
        mail = OutgoingEmail.objects.get(kind="recovery_code_used")
    assert mail.recipient_address == people.alice.email
    assert "9 codes are left." in mail.text_body
    assert code not in mail.text_body
    again = half_signed_in(people.alice)
    enter(again, code, kind=Kind.RECOVERY_CODE)
    assert not is_in(again)


# --- The sign-in that waits ---------------------------------------------------------------------


def test_it_waits_five_minutes_and_then_says_how_to_begin_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Security 21."""
    page = f"/a/{people.account.number}/"
    browser, app = half_signed_in(people.alice, next_page=page), two_factor_on(people.alice)
    now = timezone.now()
    at(monkeypatch, now + LASTS - timedelta(seconds=1))
    assert "Code from your app" in browser.get(CHALLENGE).content.decode()
    at(monkeypatch, now + LASTS + timedelta(seconds=1))
    for answer in (browser.get(CHALLENGE), enter(browser, code_of(app))):
        assert "Sign in again" in answer.content.decode()
        assert f"/sign-in/?next=%2Fa%2F{people.account.number}%2F" in answer.content.decode()
    assert not is_in(browser)
    assert AuthenticatorApp.objects.get().last_step == -1


def _disabled(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _unverified(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)


def _new_password(user: User) -> None:
    user.set_password("a wholly new password")
    user.save()


def _turned_off(user: User) -> None:
    TwoFactor.objects.filter(user=user).delete()


@pytest.mark.parametrize("change", [_disabled, _unverified, _new_password, _turned_off])
def test_it_waits_no_more_when_its_person_has_changed(
    people: People, change: Callable[[User], None]
) -> None:
    browser, code = half_signed_in(people.alice), code_of(two_factor_on(people.alice))
    change(people.alice)
    assert "Sign in again" in enter(browser, code).content.decode()
    assert not is_in(browser)
    assert UserSession.objects.filter(user=people.alice).count() == 0


def test_it_can_be_cancelled(people: People) -> None:
    browser, code = half_signed_in(people.alice), code_of(two_factor_on(people.alice))
    assert browser.post(f"{CHALLENGE}cancel/")["Location"] == "/sign-in/"
    assert browser.post(f"{CHALLENGE}cancel/")["Location"] == "/sign-in/"
    enter(browser, code)
    assert not is_in(browser)


def test_the_key_changes_with_the_password_and_with_the_code(people: People) -> None:
    """Security 27; ASVS 7.2.4."""
    browser = half_signed_in(people.bob)
    keys = [browser.session.session_key]
    half_signed_in(people.alice, browser=browser)
    keys.append(browser.session.session_key)
    enter(browser, code_of(two_factor_on(people.alice)))
    keys.append(browser.session.session_key)
    assert len(set(keys)) == 3
    assert UserSession.objects.count() == 1


def test_whoever_is_signed_in_is_so_no_more_once_another_begins(people: People) -> None:
    """One browser is never half somebody and wholly somebody else."""
    two_factor_on(people.alice)
    request = request_of(people.bob)
    former = Client()
    former.cookies["session"] = str(request.session.session_key)
    assert is_in(former)
    assert hold_sign_in(request, people.alice, next_page="") == CHALLENGE
    request.session.save()
    browser = Client()
    browser.cookies["session"] = str(request.session.session_key)
    assert not is_in(browser) and not is_in(former)
    assert people.alice.email in browser.get(CHALLENGE).content.decode()
    assert UserSession.objects.filter(user=people.bob).count() == 0


def test_the_session_names_the_method_that_was_shown(people: People) -> None:
    browser = half_signed_in(people.alice)
    enter(browser, code_of(two_factor_on(people.alice)))
    assert kind_in(browser) == "twofactor.authenticatorapp"


def test_a_phone_that_was_never_confirmed_is_not_offered(
    people: People, gateway: RememberingGateway
) -> None:
    two_factor_on(people.alice)
    SmsPhone.objects.create(user=people.alice, name="", number=NUMBER, confirmed=False)
    browser = half_signed_in(people.alice)
    assert "text message" not in browser.get(CHALLENGE).content.decode()
    browser.post(f"{CHALLENGE}sms/")
    assert gateway.sent == []


def test_the_sign_in_page_leads_on_while_a_code_is_waited_for(people: People) -> None:
    """Whoever opens another page meanwhile is not asked for their password again."""
    browser = half_signed_in(people.alice)
    answer = browser.get("/profile/", follow=True)
    assert answer.redirect_chain[-1][0] == CHALLENGE
    browser.post("/sign-in/code/cancel/")
    assert browser.get("/sign-in/").status_code == 200
