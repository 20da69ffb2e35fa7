"""The second step of signing in: what it asks, what it takes, and how long it waits."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.people import People, sign_in
from tests.two_factor import add_app, code_of, two_factor_on
from tests.twofactor.gateways import RememberingGateway
from tests.twofactor.signing_in import (
    CHALLENGE,
    PHONE,
    add_phone,
    enter,
    forget_attempts,
    half_signed_in,
    is_in,
)
from twofactor.challenge import LASTS
from twofactor.methods import Kind
from twofactor.models import AuthenticatorApp, SmsPhone, TwoFactor
from twofactor.recovery_codes import make_codes
from users.models import User, UserSession

pytestmark = pytest.mark.django_db


def at(monkeypatch: pytest.MonkeyPatch, moment: object) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment)


def kind_in(browser: Client) -> str:
    """What the session was begun with."""
    return str(browser.session.get("otp_device_id", "")).split("/")[0]


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test reads the audit log"):
        return list(AuditEvent.objects.filter(action=action).order_by("pk"))


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
    enter(browser, code_of(two_factor_on(people.alice)))
    assert len(events(Action.USER_SIGNED_IN)) == 1


def test_a_second_click_finds_one_signed_in_already(people: People) -> None:
    browser = half_signed_in(people.alice)
    code = code_of(two_factor_on(people.alice))
    enter(browser, code)
    answer = enter(browser, code)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert events(Action.TWO_FACTOR_CODE_REFUSED) == []


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
    add_phone(people.alice)
    browser = Client()
    sign_in(browser, people.alice.email)
    page = browser.get(CHALLENGE).content.decode()
    assert "Send me a code" in page
    assert "ends in 56" in page
    assert PHONE not in page
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
    add_phone(people.alice)
    browser = half_signed_in(people.alice)
    browser.post(f"{CHALLENGE}sms/")
    answer = browser.post(f"{CHALLENGE}sms/", follow=True)
    assert answer.status_code == 200
    assert "Use your authenticator app" in answer.content.decode()
    assert len(gateway.sent) == 1


def test_a_message_needs_a_sign_in_that_waits(people: People, gateway: RememberingGateway) -> None:
    add_phone(people.alice)
    assert Client().post(f"{CHALLENGE}sms/")["Location"] == "/sign-in/"
    assert gateway.sent == []


def test_an_installation_without_a_gateway_offers_no_messages(
    people: People, gateway: RememberingGateway, settings: object
) -> None:
    two_factor_on(people.alice)
    add_phone(people.alice)
    settings.SMS_GATEWAY = ""  # type: ignore[attr-defined]
    browser = half_signed_in(people.alice)
    assert "text message" not in browser.get(f"{CHALLENGE}?method=sms").content.decode()
    browser.post(f"{CHALLENGE}sms/")
    assert gateway.sent == []


def test_who_has_nothing_that_works_is_told_whom_to_write_to(
    people: People, settings: object
) -> None:
    add_phone(people.alice)
    settings.SMS_GATEWAY = ""  # type: ignore[attr-defined]
    browser = Client()
    sign_in(browser, people.alice.email)
    page = browser.get(CHALLENGE).content.decode()
    assert "None of the methods" in page
    assert "support@operator.example" in page
    assert not is_in(browser)


# --- Recovery codes -----------------------------------------------------------------------------


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
def test_it_waits_no_more_when_its_person_has_changed(people: People, change: object) -> None:
    browser, code = half_signed_in(people.alice), code_of(two_factor_on(people.alice))
    change(people.alice)  # type: ignore[operator]
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
    browser = half_signed_in(people.alice)
    enter(browser, code_of(two_factor_on(people.alice)))
    browser.post("/sign-out/")
    half_signed_in(people.bob, browser=browser)
    assert not is_in(browser)


def test_the_session_names_the_method_that_was_shown(people: People) -> None:
    browser = half_signed_in(people.alice)
    enter(browser, code_of(two_factor_on(people.alice)))
    assert kind_in(browser) == "twofactor.authenticatorapp"


def test_a_phone_that_was_never_confirmed_is_not_offered(
    people: People, gateway: RememberingGateway
) -> None:
    two_factor_on(people.alice)
    SmsPhone.objects.create(user=people.alice, name="", number=PHONE, confirmed=False)
    browser = half_signed_in(people.alice)
    assert "text message" not in browser.get(CHALLENGE).content.decode()
    browser.post(f"{CHALLENGE}sms/")
    assert gateway.sent == []
    forget_attempts()
