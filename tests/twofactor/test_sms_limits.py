"""Security 26: what somebody who earns by messages can have sent is little, and told in time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone, translation
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.factories import make_user
from tests.two_factor import add_app, two_factor_on
from tests.twofactor.gateways import GB, RememberingGateway
from twofactor.models import RecoveryCode, RecoveryCodes, SmsCode, SmsMessage, SmsPhone
from twofactor.sms.codes import send_code
from twofactor.sms.refusals import DailyCapReached, SmsRefused, TooManyMessages
from twofactor.sms.segments import segments_of
from users.models import User

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.get_default_timezone())


@pytest.fixture(autouse=True)
def prices(settings: Settings) -> None:
    settings.SMS_PRICE, settings.SMS_DAILY_CAP = Decimal("0.10"), Decimal("20.00")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time, as its only element."""
    moments = [NOON]
    monkeypatch.setattr(timezone, "now", lambda: moments[0])
    return moments


def phone_of(user: User, number: str = GB) -> SmsPhone:
    phone: SmsPhone = SmsPhone.objects.create(
        user=user, name="Phone", number=number, confirmed=True
    )
    return phone


def phones(count: int) -> list[SmsPhone]:
    """Of as many people, with as many numbers."""
    return [phone_of(make_user(), f"+4474001234{number:02d}") for number in range(count)]


def request_of(user: User) -> HttpRequest:
    request = RequestFactory().post("/")
    request.user = user
    return request


def is_sent(phone: SmsPhone) -> bool:
    try:
        send_code(request_of(phone.user), phone, bound_to="sign-in/one")
    except SmsRefused:
        return False
    return True


def refusal_of(phone: SmsPhone) -> str:
    with pytest.raises(SmsRefused) as refusal:
        send_code(request_of(phone.user), phone, bound_to="sign-in/one")
    return str(refusal.value)


def move_number(phone: SmsPhone, number: int) -> None:
    SmsPhone.objects.filter(pk=phone.pk).update(number=f"+4474001235{number:02d}")
    phone.refresh_from_db()


def test_one_in_thirty_seconds(clock: list[datetime], gateway: RememberingGateway) -> None:
    (phone,) = phones(1)
    assert is_sent(phone)
    clock[0] += timedelta(seconds=29)
    assert not is_sent(phone)
    clock[0] += timedelta(seconds=2)
    assert is_sent(phone)


def test_five_an_hour_and_ten_a_day_for_a_person(
    clock: list[datetime], gateway: RememberingGateway
) -> None:
    """To whatever numbers."""
    (phone,) = phones(1)
    sent = []
    for attempt in range(30):
        clock[0] = NOON + timedelta(minutes=6 * attempt)
        move_number(phone, attempt)
        sent.append(is_sent(phone))
    assert sent == [True] * 5 + [False] * 5 + [True] * 5 + [False] * 15
    clock[0] = NOON + timedelta(days=1, seconds=1)
    assert is_sent(phone)


def test_three_a_day_to_a_number_over_all_persons(
    clock: list[datetime], gateway: RememberingGateway
) -> None:
    people = [phone_of(make_user()) for _ in range(5)]
    assert [is_sent(phone) for phone in people] == [True, True, True, False, False]
    # Who was refused for the number has lost nothing of their own.
    move_number(people[4], 1)
    assert is_sent(people[4])
    clock[0] += timedelta(days=1, seconds=1)
    assert is_sent(people[3])


def test_what_is_over_a_limit_leaves_nothing_behind(gateway: RememberingGateway) -> None:
    (phone,) = phones(1)
    assert [is_sent(phone), is_sent(phone)] == [True, False]
    assert len(gateway.sent) == SmsMessage.objects.count() == SmsCode.objects.count() == 1
    # The code that left still counts.
    assert SmsCode.objects.get().replaced_at is None


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (timedelta(seconds=10), "another text message in 20 seconds."),
        (timedelta(minutes=35), "another text message in 25 minutes."),
    ],
)
def test_it_says_when_the_next_is_free(
    after: timedelta, says: str, clock: list[datetime], gateway: RememberingGateway
) -> None:
    (phone,) = phones(1)
    for attempt in range(1 if after < timedelta(minutes=1) else 5):
        clock[0] = NOON + timedelta(seconds=31 * attempt)
        move_number(phone, attempt)
        assert is_sent(phone)
    clock[0] = NOON + after
    assert says in refusal_of(phone)


def test_a_long_wait_is_told_as_a_time(clock: list[datetime], gateway: RememberingGateway) -> None:
    (phone,) = phones(1)
    for attempt in range(3):
        clock[0] = NOON + timedelta(minutes=attempt)
        assert is_sent(phone)
    clock[0] = NOON + timedelta(minutes=10)
    with translation.override("en"), timezone.override("Europe/London"):
        assert "after 23 November 2026" in refusal_of(phone)
        assert "12:00" in refusal_of(phone)


def test_it_names_the_other_ways_in_that_the_person_has(gateway: RememberingGateway) -> None:
    (phone,) = phones(1)
    user = phone.user
    assert is_sent(phone)
    assert refusal_of(phone).endswith("Or set up an authenticator app.")
    app = two_factor_on(user)
    assert refusal_of(phone).endswith("Or use your authenticator app.")
    codes = RecoveryCodes.objects.create(user=user, name="codes", confirmed=True)
    RecoveryCode.objects.create(codes=codes, selector="k7", code_hash="!")
    assert refusal_of(phone).endswith("Or use your authenticator app or a recovery code.")
    app.delete()
    assert refusal_of(phone).endswith("Or use a recovery code.")
    codes.delete()
    assert refusal_of(phone).endswith("write to support@operator.example.")
    add_app(user)


def test_the_day_costs_no_more_than_its_cap(
    clock: list[datetime], gateway: RememberingGateway, settings: Settings
) -> None:
    settings.SMS_DAILY_CAP = Decimal("0.35")
    assert [is_sent(phone) for phone in phones(5)] == [True, True, True, False, False]
    assert len(gateway.sent) == 3
    clock[0] = datetime(2026, 11, 23, 0, 0, 1, tzinfo=NOON.tzinfo)
    assert is_sent(SmsPhone.objects.latest("pk"))


def test_who_is_refused_by_the_cap_is_told_until_when_and_loses_nothing(
    clock: list[datetime], gateway: RememberingGateway, settings: Settings
) -> None:
    settings.SMS_DAILY_CAP = Decimal(0)
    (phone,) = phones(1)
    with pytest.raises(DailyCapReached, match="23 November 2026") as refusal:
        send_code(request_of(phone.user), phone, bound_to="sign-in/one")
    assert refusal.value.retry_at == datetime(2026, 11, 23, tzinfo=NOON.tzinfo)
    settings.SMS_DAILY_CAP = Decimal(1)
    assert is_sent(phone)


def test_a_message_of_two_parts_costs_twice(
    gateway: RememberingGateway, settings: Settings
) -> None:
    settings.OPERATOR_NAME = "Łódź Hosting"
    (phone,) = phones(1)
    assert is_sent(phone)
    assert SmsMessage.objects.get().price == Decimal("0.20")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("ä" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("ł" * 70, 1),
        ("ł" * 71, 2),
        ("’" + "a" * 69, 1),
        ("😀" * 36, 2),
    ],
)
def test_parts_of_a_message(text: str, parts: int) -> None:
    """3GPP TS 23.038: 160 of its alphabet, 70 of any other; a little less in each of several."""
    assert segments_of(text) == parts


@pytest.mark.django_db(transaction=True)
def test_limits_and_cap_are_exact_when_all_come_at_once(
    gateway: RememberingGateway, settings: Settings
) -> None:
    settings.SMS_DAILY_CAP = Decimal("1.20")

    def try_it(phone: SmsPhone) -> bool:
        with closing(connection):
            return is_sent(phone)

    one, *others = phones(21)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, [one] * 8)) == 1
        same_number = [phone_of(make_user(), GB) for _ in range(8)]
        assert sum(pool.map(try_it, same_number)) == 3
        # 0.40 of 1.20 are spent.
        assert sum(pool.map(try_it, others)) == 8
    assert len(gateway.sent) == SmsMessage.objects.count() == 12


def test_limits_hold_while_redis_is_away_and_messages_within_them_leave(
    gateway: RememberingGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Security 18."""

    def away(*_: object, **__: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr("redis.connection.AbstractConnection.connect", away)
    (phone,) = phones(1)
    assert [is_sent(phone), is_sent(phone)] == [True, False]


def test_retry_time_is_known_to_the_caller(
    clock: list[datetime], gateway: RememberingGateway
) -> None:
    (phone,) = phones(1)
    assert is_sent(phone)
    with pytest.raises(TooManyMessages) as refusal:
        send_code(request_of(phone.user), phone, bound_to="sign-in/one")
    assert refusal.value.retry_at == NOON + timedelta(seconds=30)
