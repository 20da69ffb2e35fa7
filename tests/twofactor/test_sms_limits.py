"""Security 26: what somebody who earns by messages can have sent is little, and told in time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone, translation
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.factories import make_user
from tests.two_factor import add_app, two_factor_on
from tests.twofactor.gateways import GB, RememberingGateway
from twofactor.models import RecoveryCode, RecoveryCodes, SmsCode, SmsMessage, SmsPhone
from twofactor.sms.codes import send_code
from twofactor.sms.refusals import (
    DailyCapReached,
    SetUpCapReached,
    SmsRefused,
    TooManyMessages,
)
from twofactor.sms.segments import segments_of
from users.devices import remember_device
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


def phone_of(user: User, number: str = GB, *, confirmed: bool = True) -> SmsPhone:
    phone: SmsPhone = SmsPhone.objects.create(
        user=user, name="Phone", number=number, confirmed=confirmed
    )
    return phone


def phones(count: int) -> list[SmsPhone]:
    """Of as many people, with as many numbers."""
    return [phone_of(make_user(), f"+4474001234{number:02d}") for number in range(count)]


def set_ups(count: int, *, first: int = 0) -> list[SmsPhone]:
    """Of as many people, each of whom has typed a number and not confirmed it."""
    numbers = range(first, first + count)
    return [phone_of(make_user(), f"+4474001236{each:02d}", confirmed=False) for each in numbers]


def request_of(user: User, *, remote_address: str = "") -> HttpRequest:
    """From a network that nothing came from before, unless it is named."""
    fresh = f"198.51.{user.pk // 256 % 256}.{user.pk % 256}"
    request = RequestFactory().post("/", REMOTE_ADDR=remote_address or fresh)
    request.user = user
    return request


def request_with_factor(user: User) -> HttpRequest:
    """From a browser in which ``user`` has shown a second factor before."""
    request = request_of(user)
    response = HttpResponse()
    remember_device(request, response, user, has_shown_factor=True)
    name = django_settings.DEVICE_COOKIE_NAME
    request.COOKIES[name] = response.cookies[name].value
    return request


def is_sent(phone: SmsPhone, request: HttpRequest | None = None) -> bool:
    try:
        send_code(request or request_of(phone.user), phone, bound_to="sign-in/one")
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


def test_three_a_day_to_a_number_that_nobody_confirmed_over_all_persons(
    clock: list[datetime], gateway: RememberingGateway
) -> None:
    people = [phone_of(make_user(), confirmed=False) for _ in range(5)]
    assert [is_sent(phone) for phone in people] == [True, True, True, False, False]
    # Who was refused for the number has lost nothing of their own.
    move_number(people[4], 1)
    assert is_sent(people[4])
    clock[0] += timedelta(days=1, seconds=1)
    assert is_sent(people[3])


def test_strangers_who_enter_ones_number_do_not_lock_one_out(
    clock: list[datetime], gateway: RememberingGateway
) -> None:
    """Whoever has confirmed it gets their own messages, ten a day."""
    for stranger in range(4):
        assert is_sent(phone_of(make_user(), confirmed=False)) == (stranger < 3)
    own = phone_of(make_user())
    for attempt in range(11):
        clock[0] = NOON + timedelta(minutes=15 * attempt)
        assert is_sent(own) == (attempt < 10)


def test_who_knows_the_password_does_not_use_up_the_messages_of_a_browser_in_use(
    clock: list[datetime], gateway: RememberingGateway
) -> None:
    """The cookie says that a code was shown there; a password alone makes none that does."""
    (phone,) = phones(1)
    for attempt in range(10):
        clock[0] = NOON + timedelta(minutes=15 * attempt)
        assert is_sent(phone)
    assert not is_sent(phone)
    own = request_with_factor(phone.user)
    assert is_sent(phone, own)
    # Not within the pause, and not for somebody else.
    assert not is_sent(phone, own)
    (other,) = phones(1)
    clock[0] += timedelta(minutes=1)
    assert not is_sent(phone, request_with_factor(other.user))


def test_all_browsers_in_use_have_ten_messages_a_day_together(
    clock: list[datetime], gateway: RememberingGateway
) -> None:
    """Whoever earns by messages to a phone of their own gets no more by signing in anew."""
    (phone,) = phones(1)
    sent = []
    for attempt in range(12):
        clock[0] = NOON + timedelta(minutes=15 * attempt)
        sent.append(is_sent(phone, request_with_factor(phone.user)))
    assert sent == [True] * 10 + [False] * 2


def test_ten_messages_a_day_to_new_numbers_leave_for_one_network(
    clock: list[datetime], gateway: RememberingGateway
) -> None:
    """However many user IDs somebody has; who signs in there gets theirs."""
    here = "203.0.113.7"
    sent = [is_sent(each, request_of(each.user, remote_address=here)) for each in set_ups(11)]
    assert sent == [True] * 10 + [False]
    (elsewhere,) = set_ups(1, first=50)
    assert is_sent(elsewhere)
    (own,) = phones(1)
    assert is_sent(own, request_of(own.user, remote_address=here))
    clock[0] += timedelta(days=1, seconds=1)
    (next_day,) = set_ups(1, first=51)
    assert is_sent(next_day, request_of(next_day.user, remote_address=here))


def test_new_numbers_use_half_of_the_cap_at_most(
    clock: list[datetime], gateway: RememberingGateway, settings: Settings
) -> None:
    """The other half is for those who sign in: the cap is no switch that a stranger can turn."""
    settings.SMS_DAILY_CAP = Decimal("0.60")
    own = phones(3)
    new = set_ups(4)
    assert [is_sent(each) for each in new] == [True, True, True, False]
    with pytest.raises(SetUpCapReached, match="No more phones can be set up today") as refusal:
        send_code(request_of(new[3].user), new[3], bound_to="set-up/one")
    assert refusal.value.retry_at == datetime(2026, 11, 23, tzinfo=NOON.tzinfo)
    assert [is_sent(each) for each in own] == [True, True, True]
    # What signing in cost is not counted against new numbers.
    clock[0] = datetime(2026, 11, 23, 12, 0, tzinfo=NOON.tzinfo)
    assert [is_sent(each) for each in [*own[:2], new[3]]] == [True, True, True]


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
    for attempt in range(10):
        clock[0] = NOON + timedelta(minutes=15 * attempt)
        assert is_sent(phone)
    clock[0] += timedelta(minutes=10)
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
        same_number = [phone_of(make_user(), GB, confirmed=False) for _ in range(8)]
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
