"""Security 26: what text messages cost is told before nobody gets any more."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_user
from tests.watching.steps import HOUR, MINUTE, alarms, hear_everybody
from twofactor.models import SmsMessage
from users.models import User
from watching.alarms import Code
from watching.looks.text_messages import cost_of_today

pytestmark = pytest.mark.django_db

SENT, SENDING, FAILED = SmsMessage.State.SENT, SmsMessage.State.SENDING, SmsMessage.State.FAILED


@pytest.fixture(autouse=True)
def in_order(settings: Settings) -> None:
    hear_everybody()
    settings.SMS_GATEWAY = "mailbox"
    settings.SMS_PRICE, settings.SMS_DAILY_CAP = Decimal("0.10"), Decimal("1.00")


@pytest.fixture
def user() -> User:
    return make_user()


def messages(
    user: User,
    *states: SmsMessage.State,
    ago: timedelta = timedelta(),
    price: str = "0.10",
    is_set_up: bool = False,
) -> None:
    for state in states:
        SmsMessage.objects.create(
            user=user,
            number="+447400123456",
            country="GB",
            price=Decimal(price),
            is_set_up=is_set_up,
            state=state,
            gateway="mailbox",
            created_at=Now() - ago,
        )


def found() -> dict[Code, str]:
    return {code: alarm.says for code, alarm in alarms().items()}


def test_few_messages_are_nothing_to_tell(user: User) -> None:
    messages(user, *[SENT] * 7)
    assert found() == {}


def test_four_fifths_of_the_cap_are_told_and_then_its_end(user: User) -> None:
    messages(user, *[SENT] * 7, SENDING)
    assert "cost 0.80 of 1.00" in found()[Code.TEXT_MESSAGES_COSTLY]
    messages(user, SENT)
    assert [*found()] == [Code.TEXT_MESSAGES_COSTLY]
    messages(user, SENT)
    assert [*found()] == [Code.TEXT_MESSAGES_STOPPED]
    assert alarms()[Code.TEXT_MESSAGES_STOPPED].is_alarm


def test_it_is_told_when_no_more_phones_can_be_set_up(user: User) -> None:
    """Half of the cap is for them; signing in goes on."""
    messages(user, *[SENT] * 4, is_set_up=True)
    messages(user, *[SENT] * 2)
    assert found() == {}
    messages(user, SENT, is_set_up=True)
    messages(user, FAILED, is_set_up=True)
    assert "no more phones can be set up" in found()[Code.TEXT_MESSAGES_COSTLY]


def test_a_cap_that_the_next_message_would_break_is_reached(user: User) -> None:
    messages(user, SENT, price="0.95")
    assert [*found()] == [Code.TEXT_MESSAGES_STOPPED]


def test_yesterday_and_what_never_left_cost_nothing(user: User) -> None:
    messages(user, SENT, price="5.00", ago=timedelta(days=1))
    messages(user, FAILED, price="5.00")
    assert found() == {}


def test_it_passes_at_midnight(user: User) -> None:
    messages(user, SENT, price="1.00")
    today = timezone.now()
    assert [*cost_of_today(today)] != []
    assert [*cost_of_today(today + timedelta(days=1))] == []


def test_a_gateway_that_sends_nothing_is_told(user: User) -> None:
    messages(user, FAILED, FAILED, ago=MINUTE)
    assert found() == {}
    messages(user, SENDING, ago=2 * MINUTE)
    assert "The last 3 text messages" in found()[Code.TEXT_MESSAGES_FAIL]


def test_messages_that_leave_or_are_long_past_say_nothing(user: User) -> None:
    messages(user, *[FAILED] * 5, ago=2 * HOUR)
    messages(user, *[FAILED] * 5, ago=2 * MINUTE)
    messages(user, SENT, ago=MINUTE)
    messages(user, FAILED, FAILED, SENDING)
    assert found() == {}


def test_without_a_gateway_there_is_nothing_to_watch(user: User, settings: Settings) -> None:
    settings.SMS_GATEWAY = ""
    settings.SMS_DAILY_CAP = Decimal(0)
    messages(user, *[FAILED] * 5, ago=2 * MINUTE)
    assert found() == {}
