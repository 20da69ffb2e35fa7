"""Codes by text message: bound, short-lived, once, and nowhere in clear."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from config.settings import LANGUAGES
from tests.factories import make_user
from tests.twofactor.gateways import FR, GB, RememberingGateway
from twofactor.models import SmsCode, SmsMessage, SmsPhone
from twofactor.sms.codes import LASTS, is_on_its_way, send_code, verify_sms_code
from twofactor.sms.gateways.base import GatewayRefused, GatewayUnavailable
from twofactor.sms.refusals import (
    AddressNotVerified,
    NothingSent,
    NumberNotServed,
    NumberRefused,
    PerhapsSent,
    SmsNotOffered,
    SmsRefused,
)
from twofactor.sms.segments import segments_of
from users.models import RateHit, User

pytestmark = pytest.mark.django_db

ONE = "sign-in/one"
OTHER = "sign-in/other"


def request_of(user: User) -> HttpRequest:
    request = RequestFactory().post("/")
    request.user = user
    return request


def phone_of(user: User, number: str = GB, *, confirmed: bool = True) -> SmsPhone:
    phone: SmsPhone = SmsPhone.objects.create(
        user=user, name="Phone", number=number, confirmed=confirmed
    )
    return phone


def send(phone: SmsPhone, bound_to: str = ONE) -> None:
    """One more, whatever was sent before."""
    RateHit.objects.all().delete()
    send_code(request_of(phone.user), phone, bound_to=bound_to)


@pytest.fixture
def phone() -> SmsPhone:
    return phone_of(make_user("alice@hartwell.example"))


def test_the_message_says_whose_code_it_is_and_for_which_site(
    phone: SmsPhone, gateway: RememberingGateway, settings: Settings
) -> None:
    settings.SITE_URL = "https://panel.example:8443"
    settings.OPERATOR_NAME = "Northwind"
    send(phone)
    (number, text), (code,) = gateway.sent[0], gateway.codes
    assert number == GB
    assert text == (
        f"{code} is your code for Northwind. It is valid for 5 minutes."
        f" Do not give it to anybody.\n\n@panel.example #{code}"
    )


@pytest.mark.parametrize("language", [code for code, _name in LANGUAGES])
def test_the_message_is_in_the_persons_language_and_of_one_part(
    language: str, phone: SmsPhone, gateway: RememberingGateway, settings: Settings
) -> None:
    settings.SITE_URL = "https://billing.northwind-hosting.example"
    phone.user.language = language
    send(phone)
    assert segments_of(gateway.sent[0][1]) == 1


def test_a_code_counts_once(phone: SmsPhone, gateway: RememberingGateway) -> None:
    """Security 20."""
    send(phone)
    (code,) = gateway.codes
    assert verify_sms_code(phone.user, code, bound_to=ONE) == phone
    assert verify_sms_code(phone.user, code, bound_to=ONE) is None
    phone.refresh_from_db()
    assert phone.last_used_at is not None


def test_a_code_counts_for_nothing_but_what_it_was_sent_for(
    phone: SmsPhone, gateway: RememberingGateway
) -> None:
    """Security 20: in another session it is no code, and stays one in its own."""
    send(phone)
    (code,) = gateway.codes
    assert verify_sms_code(phone.user, code, bound_to=OTHER) is None
    assert verify_sms_code(phone.user, code, bound_to=ONE) == phone


def test_a_code_is_nobody_elses(phone: SmsPhone, gateway: RememberingGateway) -> None:
    send(phone)
    stranger = phone_of(make_user("charlie@elsewhere.example"), FR).user
    assert verify_sms_code(stranger, gateway.codes[0], bound_to=ONE) is None
    assert verify_sms_code(make_user(), gateway.codes[0], bound_to=ONE) is None


def test_a_code_counts_for_five_minutes(phone: SmsPhone, gateway: RememberingGateway) -> None:
    send(phone)
    assert timedelta(minutes=5) == LASTS
    SmsCode.objects.update(expires_at=timezone.now())
    assert not is_on_its_way(phone, bound_to=ONE)
    assert verify_sms_code(phone.user, gateway.codes[0], bound_to=ONE) is None


def test_a_newer_code_ends_the_one_before(phone: SmsPhone, gateway: RememberingGateway) -> None:
    send(phone)
    send(phone, OTHER)
    send(phone)
    first, other, second = gateway.codes
    assert verify_sms_code(phone.user, first, bound_to=ONE) is None
    assert verify_sms_code(phone.user, other, bound_to=OTHER) == phone
    assert verify_sms_code(phone.user, second, bound_to=ONE) == phone


def test_a_wrong_code_uses_nothing_up(phone: SmsPhone, gateway: RememberingGateway) -> None:
    send(phone)
    (code,) = gateway.codes
    assert verify_sms_code(phone.user, f"{(int(code) + 1) % 10**6:06d}", bound_to=ONE) is None
    assert verify_sms_code(phone.user, code, bound_to=ONE) == phone


def test_a_phone_that_was_never_confirmed_proves_nothing(gateway: RememberingGateway) -> None:
    """Security 20 of unconfirmed devices."""
    phone = phone_of(make_user(), confirmed=False)
    send(phone)
    assert verify_sms_code(phone.user, gateway.codes[0], bound_to=ONE) is None


def test_a_removed_phone_takes_its_codes_along(
    phone: SmsPhone, gateway: RememberingGateway
) -> None:
    send(phone)
    phone.delete()
    assert verify_sms_code(phone.user, gateway.codes[0], bound_to=ONE) is None


def test_to_a_phone_that_was_removed_meanwhile_nothing_is_sent(
    phone: SmsPhone, gateway: RememberingGateway
) -> None:
    """In another window, while this one still shows it."""
    SmsPhone.objects.filter(pk=phone.pk).delete()
    with pytest.raises(NothingSent):
        send(phone)
    assert gateway.sent == []
    assert (SmsMessage.objects.count(), SmsCode.objects.count()) == (0, 0)


def test_the_database_has_no_code_in_it(
    phone: SmsPhone, gateway: RememberingGateway, settings: Settings
) -> None:
    """Under a key that is elsewhere: a million hashes are soon made."""
    send(phone)
    row = SmsCode.objects.get()
    assert gateway.codes[0] not in f"{row.code_hash} {row.bound_to} {row.pk.int}"
    settings.TOKEN_KEYS = ["another key"]
    assert verify_sms_code(phone.user, gateway.codes[0], bound_to=ONE) is None
    settings.TOKEN_KEYS = ["another key", "another secret of the tests, never used elsewhere, long"]
    assert verify_sms_code(phone.user, gateway.codes[0], bound_to=ONE) == phone


def test_what_was_sent_is_recorded_without_the_number(
    phone: SmsPhone, gateway: RememberingGateway
) -> None:
    send(phone)
    with all_accounts_scope("a test reads the log"):
        event = AuditEvent.objects.get(action=Action.TWO_FACTOR_SMS_SENT)
    assert event.subject == "user alice@hartwell.example"
    assert event.details == {"number": "•••• 3456"}
    message = SmsMessage.objects.get()
    assert (message.state, message.country, message.gateway_reference) == (
        SmsMessage.State.SENT,
        "GB",
        "reference 1",
    )


def refuse_about_number() -> None:
    raise GatewayRefused("21610", "Unsubscribed recipient", is_about_number=True)


def refuse() -> None:
    raise GatewayRefused("21606", "From is not ours", is_about_number=False)


def be_away() -> None:
    raise GatewayUnavailable("refused connection", may_have_sent=False)


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [(refuse_about_number, NumberRefused), (refuse, NothingSent), (be_away, NothingSent)],
)
def test_a_message_that_surely_did_not_leave_counts_for_nothing_but_the_pause(
    answer: Callable[[], None],
    refusal: type[SmsRefused],
    phone: SmsPhone,
    gateway: RememberingGateway,
) -> None:
    gateway.before = answer
    with pytest.raises(refusal):
        send(phone)
    message = SmsMessage.objects.get()
    assert message.state == SmsMessage.State.FAILED
    assert message.error
    assert not is_on_its_way(phone, bound_to=ONE)
    assert RateHit.objects.count() == 1
    with all_accounts_scope("a test reads the log"):
        event = AuditEvent.objects.get(action=Action.TWO_FACTOR_SMS_REFUSED)
    assert event.details["reason"] == refusal.__name__


def test_a_message_of_which_nobody_knows_counts_and_so_does_its_code(
    phone: SmsPhone, gateway: RememberingGateway
) -> None:
    def answer_nothing() -> None:
        raise GatewayUnavailable("read timed out", may_have_sent=True)

    gateway.before = answer_nothing
    with pytest.raises(PerhapsSent):
        send(phone)
    message = SmsMessage.objects.get()
    assert (message.state, message.error) == (SmsMessage.State.SENDING, "read timed out")
    assert is_on_its_way(phone, bound_to=ONE)
    assert RateHit.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_the_gateway_is_called_outside_any_transaction_with_the_message_stored(
    phone: SmsPhone, gateway: RememberingGateway
) -> None:
    """Whatever is killed in between leaves a row that counts."""
    seen: list[tuple[bool, str]] = []

    def look() -> None:
        seen.append((connection.in_atomic_block, SmsMessage.objects.get().state))

    gateway.before = look
    send(phone)
    assert seen == [(False, SmsMessage.State.SENDING)]


def test_nobody_gets_a_message_without_a_verified_address(gateway: RememberingGateway) -> None:
    """Security 26."""
    phone = phone_of(make_user(email_verified_at=None))
    with pytest.raises(AddressNotVerified):
        send(phone)
    assert (gateway.sent, SmsMessage.objects.count(), SmsCode.objects.count()) == ([], 0, 0)


def test_a_country_that_is_served_no_more_gets_no_message(
    phone: SmsPhone, gateway: RememberingGateway, settings: Settings
) -> None:
    """Security 26: also a number that was set up before."""
    settings.SMS_COUNTRIES = ["FR"]
    with pytest.raises(NumberNotServed, match="United Kingdom"):
        send(phone)
    assert (gateway.sent, SmsMessage.objects.count()) == ([], 0)


def test_without_a_gateway_nothing_is_sent(phone: SmsPhone, settings: Settings) -> None:
    settings.SMS_GATEWAY = ""
    with pytest.raises(SmsNotOffered):
        send(phone)
    assert SmsMessage.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_code_exactly_one_succeeds(gateway: RememberingGateway) -> None:
    """Security 20."""
    phone = phone_of(make_user())
    user = phone.user

    def use(code: str) -> bool:
        with closing(connection):
            return verify_sms_code(user, code, bound_to=ONE) is not None

    with ThreadPoolExecutor(8) as pool:
        for _round in range(25):
            send(phone)
            assert sum(pool.map(use, [gateway.codes[-1]] * 8)) == 1
