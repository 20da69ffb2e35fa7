"""Whether text messages leave, and what those of today cost."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db.models import Count, Max, Min, Q

from twofactor.models import SmsMessage
from twofactor.sms.limits import cost_of_day
from watching.alarms import Alarm, Code, in_words
from watching.looks.pages import table_page

# Of the cap: until it is reached somebody can still find out what is going on.
NEAR_CAP: Final = Decimal("0.8")
# A number that cannot be reached is one person's trouble; so many messages in a row are not.
FAILED_IN_A_ROW: Final = 3
FAILED_WITHIN: Final = timedelta(hours=1)
# A gateway answers within ten seconds: what is on its way for longer was never answered.
UNANSWERED_AFTER: Final = timedelta(minutes=1)


def failing_gateway(at: datetime) -> Iterator[Alarm]:
    """No message has left since as many did not."""
    if not settings.SMS_GATEWAY:
        return
    state = SmsMessage.State
    recent = SmsMessage.objects.filter(created_at__gt=at - FAILED_WITHIN, created_at__lte=at)
    last_sent_at = recent.filter(state=state.SENT).aggregate(at=Max("created_at"))["at"]
    failed = recent.filter(
        Q(state=state.FAILED) | Q(state=state.SENDING, created_at__lt=at - UNANSWERED_AFTER)
    )
    if last_sent_at is not None:
        failed = failed.filter(created_at__gt=last_sent_at)
    found = failed.aggregate(count=Count("pk"), since=Min("created_at"))
    if found["count"] >= FAILED_IN_A_ROW:
        yield Alarm(
            code=Code.TEXT_MESSAGES_FAIL,
            says=f"The last {found['count']} text messages within {in_words(FAILED_WITHIN)} were"
            " refused or not answered by the gateway.",
            since=found["since"],
            count=found["count"],
            page=table_page(SmsMessage),
        )


def cost_of_today(at: datetime) -> Iterator[Alarm]:
    """By SMS_PRICE: no further message fits below the cap, or little is left of it or of the part
    that new numbers may use.
    """
    if not settings.SMS_GATEWAY:
        return
    cost = cost_of_day(at)
    is_over = not cost.has_room_for(settings.SMS_PRICE)
    is_set_up_over = not cost.has_room_for_set_up(settings.SMS_PRICE)
    if is_over or is_set_up_over or cost.spent >= NEAR_CAP * cost.cap:
        outlook = "at the cap, no more leave"
        if is_over:
            outlook = "no more leave before midnight (UTC)"
        elif is_set_up_over:
            outlook = "no more phones can be set up before midnight (UTC)"
        yield Alarm(
            code=Code.TEXT_MESSAGES_STOPPED if is_over else Code.TEXT_MESSAGES_COSTLY,
            says=f"Text messages of today cost {cost.spent:.2f} of {cost.cap:.2f}: {outlook}.",
            page=table_page(SmsMessage),
        )
