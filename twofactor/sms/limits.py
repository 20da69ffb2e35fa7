"""How many text messages leave (security: SMS pumping), counted in PostgreSQL, exactly.

Fraudsters have messages sent to numbers that earn them a share of the price. So they are few for
each person and number, and all of a day together cost no more than the operator has said.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from twofactor.models import SmsMessage
from twofactor.sms.refusals import DailyCapReached, TooManyMessages
from users.models import User
from users.rate_limits import Limit, Taken, TooManyAttempts, take

# A message that has not arrived by then may yet.
_PAUSE = Limit("text messages of a person, pause", 1, timedelta(seconds=30))
_PER_HOUR = Limit("text messages of a person in an hour", 5, timedelta(hours=1))
_PER_DAY = Limit("text messages of a person in a day", 10, timedelta(days=1))
# Over all persons: nobody's phone is flooded through many user IDs.
_PER_NUMBER = Limit("text messages to a number in a day", 3, timedelta(days=1))

_CAP_LOCK = "twofactor.sms.limits daily cap"


@dataclass(frozen=True, slots=True)
class DayCost:
    """What the messages of one day (UTC) cost so far, by SMS_PRICE at the time of each."""

    spent: Decimal
    cap: Decimal
    ends_at: datetime

    def has_room_for(self, price: Decimal) -> bool:
        return self.spent + price <= self.cap


def count_message(user: User, *, number: str) -> Taken:
    """Count one message in the caller's transaction; returns what may be given back.

    That is all but the pause: also who gets no message waits before the next try. Raises
    TooManyMessages, and the caller's transaction then counts nothing.
    """
    person = str(user.pk)
    try:
        # By itself and first: of several requests of one person, each waits for the one before.
        take([_PAUSE.by(person)])
        return take([_PER_HOUR.by(person), _PER_DAY.by(person), _PER_NUMBER.by(number)])
    except TooManyAttempts as refusal:
        raise TooManyMessages(user, retry_at=refusal.retry_at) from refusal


def require_room_under_cap(user: User, *, price: Decimal) -> None:
    """Raise DailyCapReached unless one more message fits in.

    Every other message waits for the caller's transaction, which stores this one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_CAP_LOCK])
    cost = cost_of_day(timezone.now())
    if not cost.has_room_for(price):
        raise DailyCapReached(user, retry_at=cost.ends_at)


def cost_of_day(at: datetime) -> DayCost:
    """Of the day in UTC around ``at``. What may have left counts; what surely did not, does not."""
    begins_at = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ends_at = begins_at + timedelta(days=1)
    counted = SmsMessage.objects.filter(
        created_at__gte=begins_at,
        created_at__lt=ends_at,
        state__in=(SmsMessage.State.SENDING, SmsMessage.State.SENT),
    )
    spent = counted.aggregate(spent=Sum("price"))["spent"] or Decimal(0)
    return DayCost(spent, settings.SMS_DAILY_CAP, ends_at)
