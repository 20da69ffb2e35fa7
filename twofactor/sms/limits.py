"""How many text messages leave (security: SMS pumping), counted in PostgreSQL, exactly.

Fraudsters have messages sent to numbers that earn them a share of the price. So they are few for
each person and number, and all of a day together cost no more than the operator has said.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Q, Sum
from django.http import HttpRequest
from django.utils import timezone

from twofactor.models import SmsMessage, SmsPhone
from twofactor.sms.refusals import DailyCapReached, SetUpCapReached, TooManyMessages
from users.devices import device_with_factor
from users.models import User
from users.rate_limits import Counter, Limit, Taken, TooManyAttempts, by_client, take

# A message that has not arrived by then may yet.
_PAUSE = Limit("text messages of a person, pause", 1, timedelta(seconds=30))
_PER_HOUR = Limit("text messages of a person in an hour", 5, timedelta(hours=1))
_PER_DAY = Limit("text messages of a person in a day", 10, timedelta(days=1))
# Of numbers that nobody has confirmed, over all persons: nobody's phone is flooded through many
# user IDs. A confirmed one has its person's limits alone, so that no stranger can use them up.
_PER_NUMBER = Limit("text messages to a number in a day", 3, timedelta(days=1))
_SET_UPS_PER_CLIENT = Limit("text messages to new numbers in a day", 10, timedelta(days=1))
# Of the cap, so that whoever has messages sent to one new number after the other leaves something
# for those who sign in.
_SHARE_OF_SET_UPS = Decimal("0.5")

_CAP_LOCK = "twofactor.sms.limits daily cap"


@dataclass(frozen=True, slots=True)
class DayCost:
    """What the messages of one day (UTC) cost so far, by SMS_PRICE at the time of each."""

    spent: Decimal
    # Of it, on messages to numbers that were being set up.
    spent_on_set_ups: Decimal
    cap: Decimal
    ends_at: datetime

    def has_room_for(self, price: Decimal) -> bool:
        return self.spent + price <= self.cap

    def has_room_for_set_up(self, price: Decimal) -> bool:
        return self.spent_on_set_ups + price <= self.cap * _SHARE_OF_SET_UPS


def count_message(request: HttpRequest, phone: SmsPhone, *, number: str) -> Taken:
    """Count one message in the caller's transaction; returns what may be given back.

    That is all but the pause: also who gets no message waits before the next try. Raises
    TooManyMessages, and the caller's transaction then counts nothing.
    """
    person = _person(request, phone)
    set_up = [] if phone.confirmed else _of_set_up(request, number)
    try:
        # By itself and first: of several requests of one person, each waits for the one before.
        take([_PAUSE.by(person)])
        return take([_PER_HOUR.by(person), _PER_DAY.by(person), *set_up])
    except TooManyAttempts as refusal:
        raise TooManyMessages(phone.user, retry_at=refusal.retry_at) from refusal


def require_room_under_cap(user: User, *, price: Decimal, is_set_up: bool) -> None:
    """Raise DailyCapReached or SetUpCapReached unless one more message fits in.

    Every other message waits for the caller's transaction, which stores this one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_CAP_LOCK])
    cost = cost_of_day(timezone.now())
    if not cost.has_room_for(price):
        raise DailyCapReached(user, retry_at=cost.ends_at)
    if is_set_up and not cost.has_room_for_set_up(price):
        raise SetUpCapReached(user, retry_at=cost.ends_at)


def cost_of_day(at: datetime) -> DayCost:
    """Of the day in UTC around ``at``. What may have left counts; what surely did not, does not."""
    begins_at = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ends_at = begins_at + timedelta(days=1)
    counted = SmsMessage.objects.filter(
        created_at__gte=begins_at,
        created_at__lt=ends_at,
        state__in=(SmsMessage.State.SENDING, SmsMessage.State.SENT),
    )
    sums = counted.aggregate(
        spent=Sum("price", default=Decimal(0)),
        on_set_ups=Sum("price", default=Decimal(0), filter=Q(is_set_up=True)),
    )
    return DayCost(sums["spent"], sums["on_set_ups"], settings.SMS_DAILY_CAP, ends_at)


def _person(request: HttpRequest, phone: SmsPhone) -> str:
    """Whose limits hold: who knows the password does not use up those of the browsers in use.

    All browsers in which the person has shown a second factor have one allowance: how many there
    are is up to the person, and what they may cost is not.
    """
    user: User = phone.user
    is_known = device_with_factor(request, user) is not None
    return f"{user.pk}\0known" if is_known else str(user.pk)


def _of_set_up(request: HttpRequest, number: str) -> list[Counter]:
    return [_PER_NUMBER.by(number), *by_client(_SET_UPS_PER_CLIENT, request)]
