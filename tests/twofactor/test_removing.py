"""Removing a method: what is asked, what is refused, and what goes with it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from audit.actions import Action
from tests.auditing import events
from tests.people import People, sign_in
from tests.two_factor import add_app, add_phone, code_of, two_factor_on
from tests.twofactor.setting_up import (
    OVERVIEW,
    require,
    signed_in_with_best,
)
from tests.users.mailing import mails
from twofactor import totp
from twofactor.methods import Kind, is_enabled, name_of
from twofactor.models import AuthenticatorApp, RecoveryCode, RecoveryCodes, SmsPhone, TwoFactor
from twofactor.recovery_codes import make_codes
from users.models import User

pytestmark = pytest.mark.django_db


def removal_of(method: AuthenticatorApp | SmsPhone) -> str:
    kind = "apps" if isinstance(method, AuthenticatorApp) else "phone"
    return f"{OVERVIEW}{kind}/{method.public_id}/remove/"


@pytest.mark.parametrize("kind", [Kind.APP, Kind.SMS])
def test_a_method_is_removed_after_a_page_that_says_what_will_happen(
    people: People, kind: Kind
) -> None:
    """M9; security 27: other sessions end, this one goes on under a new key."""
    app, phone = two_factor_on(people.alice), add_phone(people.alice)
    method = app if kind is Kind.APP else phone
    browser, other = signed_in_with_best(people.alice), signed_in_with_best(people.alice)
    key = browser.session.session_key
    page = browser.get(removal_of(method)).content.decode()
    assert f"Remove {name_of(method)}?" in page and "last method" not in page
    answer = browser.post(removal_of(method), follow=True)
    assert f"{name_of(method)} is removed." in answer.content.decode()
    assert not type(method).objects.filter(pk=method.pk).exists()
    assert is_enabled(people.alice)
    assert browser.session.session_key != key
    assert other.get(OVERVIEW).status_code == 302
    [event] = events(Action.TWO_FACTOR_METHOD_REMOVED)
    assert event.details == {"method": kind, "name": method.name}
    [mail] = mails("two_factor_method_removed", to=people.alice.email)
    assert name_of(method) in mail.text_body and "is off" not in mail.text_body


def test_codes_of_a_removed_app_are_taken_no_more(people: People) -> None:
    add_phone(people.alice)
    app = two_factor_on(people.alice)
    code = code_of(app)
    signed_in_with_best(people.alice).post(removal_of(app))
    assert totp.verify_app_code(people.alice, code) is None


def test_the_last_method_takes_two_factor_along_and_says_so(people: People) -> None:
    """M9: recovery codes are never the only method."""
    app = two_factor_on(people.alice)
    make_codes(people.alice)
    browser = signed_in_with_best(people.alice)
    page = browser.get(removal_of(app)).content.decode()
    assert "It is your last method, so two-factor authentication is turned off." in page
    browser.post(removal_of(app))
    assert not is_enabled(people.alice)
    assert not RecoveryCodes.objects.exists() and not RecoveryCode.objects.exists()
    assert len(events(Action.TWO_FACTOR_DISABLED)) == 1
    [mail] = mails("two_factor_method_removed")
    assert "two-factor authentication is off" in mail.text_body
    newcomer = Client()
    sign_in(newcomer, people.alice.email)
    assert newcomer.get("/profile/").status_code == 200


def test_a_method_that_was_never_turned_on_is_removed_without_more(people: People) -> None:
    app = add_app(people.alice)
    browser = signed_in_with_best(people.alice)
    assert "last method" not in browser.get(removal_of(app)).content.decode()
    browser.post(removal_of(app))
    assert events(Action.TWO_FACTOR_DISABLED) == []
    assert not AuthenticatorApp.objects.exists()


def test_one_of_several_apps_is_not_the_last_method(people: People) -> None:
    first = two_factor_on(people.alice)
    add_app(people.alice, secret=b"another secret, twenty", name="Tablet")
    page = signed_in_with_best(people.alice).get(removal_of(first)).content.decode()
    assert "last method" not in page


def test_a_second_click_is_harmless_and_says_so(people: People) -> None:
    phone = add_phone(people.alice)
    two_factor_on(people.alice)
    browser = signed_in_with_best(people.alice)
    browser.post(removal_of(phone))
    answer = browser.post(removal_of(phone), follow=True)
    assert "This method was removed already." in answer.content.decode()
    assert len(mails("two_factor_method_removed")) == 1


def test_a_method_of_somebody_else_is_none(people: People) -> None:
    """Security 2: the same answer as for one that never was."""
    app, phone = two_factor_on(people.alice), add_phone(people.alice)
    stranger = signed_in_with_best(people.charlie)
    for method in (app, phone):
        nobodys = removal_of(method).replace(str(method.public_id), str(uuid4()))
        for address in (removal_of(method), nobodys):
            answer = stranger.post(address, follow=True)
            assert "This method was removed already." in answer.content.decode()
            assert stranger.get(address)["Location"] == OVERVIEW
    assert AuthenticatorApp.objects.get() == app and SmsPhone.objects.get() == phone
    assert mails() == [] and events(Action.TWO_FACTOR_METHOD_REMOVED) == []


# --- While somebody requires it -----------------------------------------------------------------


def assert_refused(user: User, method: AuthenticatorApp | SmsPhone, *, naming: str) -> None:
    browser, other = signed_in_with_best(user), signed_in_with_best(user)
    for answer, status in (
        (browser.get(removal_of(method)), 200),
        (browser.post(removal_of(method)), 409),
    ):
        page = answer.content.decode()
        assert answer.status_code == status
        assert naming in page and 'method="post"' not in page[page.index('id="main"') :]
    assert type(method).objects.filter(pk=method.pk).exists()
    assert is_enabled(user)
    assert mails() == [] and events(Action.TWO_FACTOR_METHOD_REMOVED) == []
    assert other.get(OVERVIEW).status_code == 200


def test_the_last_accepted_method_cannot_be_removed_while_it_is_required(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M9: whoever requires it is named."""
    app = two_factor_on(people.alice)
    require(monkeypatch, Kind.APP, Kind.SMS, name="Hartwell & Sons")
    naming = "Hartwell &amp; Sons requires two-factor authentication of you."
    assert_refused(people.alice, app, naming=naming)


def test_a_phone_that_is_not_accepted_does_not_stand_in_for_an_app(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M9: no method that this account accepts would remain."""
    app, phone = two_factor_on(people.alice), add_phone(people.alice)
    require(monkeypatch, Kind.APP, name="Hartwell & Sons")
    naming = "Hartwell &amp; Sons requires two-factor authentication of you, with an"
    assert_refused(people.alice, app, naming=naming)
    signed_in_with_best(people.alice).post(removal_of(phone))
    assert not SmsPhone.objects.exists()


def test_recovery_codes_do_not_stand_in_for_a_method(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = two_factor_on(people.alice)
    make_codes(people.alice)
    require(monkeypatch, Kind.APP, Kind.SMS, Kind.RECOVERY_CODE, name="Hartwell")
    assert_refused(people.alice, app, naming="Hartwell requires")


def test_a_method_goes_while_another_that_is_accepted_stays(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M9: refused *only* while none would remain."""
    app, _phone = two_factor_on(people.alice), add_phone(people.alice)
    require(monkeypatch, Kind.APP, Kind.SMS)
    signed_in_with_best(people.alice).post(removal_of(app))
    assert not AuthenticatorApp.objects.exists() and is_enabled(people.alice)


def test_one_of_two_apps_goes_while_an_app_is_required(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M9: the other one is accepted as well."""
    first = two_factor_on(people.alice)
    second = add_app(people.alice, secret=b"another secret, twenty", name="Tablet")
    require(monkeypatch, Kind.APP, name="Hartwell")
    signed_in_with_best(people.alice).post(removal_of(first))
    assert AuthenticatorApp.objects.get() == second
    answer = signed_in_with_best(people.alice).post(removal_of(second))
    assert answer.status_code == 409 and is_enabled(people.alice)


def test_while_it_is_off_nothing_is_lost_with_a_method(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who requires two-factor lets the person in for a method that is not turned on."""
    app = add_app(people.alice)
    require(monkeypatch, Kind.APP)
    signed_in_with_best(people.alice).post(removal_of(app))
    assert not AuthenticatorApp.objects.exists()


def test_an_account_that_refuses_sms_keeps_its_members_app(people: People) -> None:
    """M9, with an account's own rule: Dora is its member, Charlie is not."""
    Account.objects.filter(pk=people.account.pk).update(
        two_factor_required_from=timezone.now() - timedelta(days=1), two_factor_refuses_sms=True
    )
    doras, _phone = two_factor_on(people.dora), add_phone(people.dora)
    assert_refused(people.dora, doras, naming="Hartwell &amp; Sons requires")
    charlies, _other = (
        two_factor_on(people.charlie),
        add_phone(people.charlie, number="+447700900019"),
    )
    signed_in_with_best(people.charlie).post(removal_of(charlies))
    assert not AuthenticatorApp.objects.filter(user=people.charlie).exists()


# --- Closing ------------------------------------------------------------------------------------


def test_closing_a_user_id_deletes_every_method(people: People) -> None:
    """U1: nothing of a closed user ID makes codes, or gets them."""
    two_factor_on(people.dora)
    add_phone(people.dora)
    make_codes(people.dora)
    totp.begin_set_up(people.dora)
    bobs = two_factor_on(people.bob)
    answer = signed_in_with_best(people.dora).post("/profile/close/", {"email": people.dora.email})
    assert answer.status_code == 302
    dora = User.objects.get(pk=people.dora.pk)
    assert dora.closed_at is not None
    for rows in (AuthenticatorApp, SmsPhone, RecoveryCodes, TwoFactor):
        assert not rows.objects.filter(user=dora).exists()
    assert not RecoveryCode.objects.exists()
    assert AuthenticatorApp.objects.get() == bobs and is_enabled(people.bob)
