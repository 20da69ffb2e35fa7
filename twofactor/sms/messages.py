"""One text message: stored as about to leave, handed to the gateway, marked with what became of it.

The gateway is called between two transactions, so that nobody waits for it with rows locked, and a
process that is killed in between leaves a row that says so, and counts.
"""

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from twofactor.models import SmsMessage, SmsPhone
from twofactor.sms import limits as sms_limits
from twofactor.sms.gateways.base import Gateway, GatewayRefused, GatewayUnavailable
from twofactor.sms.numbers import MobileNumber, masked
from twofactor.sms.refusals import NothingSent, NumberRefused, PerhapsSent
from twofactor.sms.segments import segments_of
from users.models import User
from users.rate_limits import Taken

logger = logging.getLogger(__name__)

_ERROR_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Intent:
    """A message that is about to leave, as it stands in the database."""

    message: SmsMessage
    user: User
    text: str
    # Its place within the limits.
    place: Taken


def intend(request: HttpRequest, phone: SmsPhone, number: MobileNumber, text: str) -> Intent:
    """Count and store the message to ``phone``, in the caller's transaction.

    Raises TooManyMessages, DailyCapReached and SetUpCapReached, and the caller must roll back.
    """
    user: User = phone.user
    is_set_up = not phone.confirmed
    place = sms_limits.count_message(request, phone, number=number.e164)
    price = settings.SMS_PRICE * segments_of(text)
    sms_limits.require_room_under_cap(user, price=price, is_set_up=is_set_up)
    message = SmsMessage.objects.create(
        user=user,
        number=number.e164,
        country=number.country,
        price=price,
        is_set_up=is_set_up,
        gateway=settings.SMS_GATEWAY,
        created_at=timezone.now(),
    )
    return Intent(message, user, text, place)


def hand_over(intent: Intent, gateway: Gateway) -> None:
    """Have the message sent, once. Not within a transaction.

    Raises NumberRefused and NothingSent when it surely did not leave, which then counts for
    nothing; PerhapsSent when nobody knows.
    """
    message = intent.message
    try:
        reference = gateway.send(message.number, intent.text)
    except GatewayRefused as refusal:
        logger.warning("text message %s was refused: %s", message.pk, refusal.code)
        _never_left(intent, _shown(refusal, message))
        told = NumberRefused if refusal.is_about_number else NothingSent
        raise told(intent.user) from refusal
    except GatewayUnavailable as away:
        logger.warning("the gateway did not take text message %s: %s", message.pk, away)
        if away.may_have_sent:
            SmsMessage.objects.filter(pk=message.pk).update(error=_shown(away, message))
            raise PerhapsSent(intent.user) from away
        _never_left(intent, _shown(away, message))
        raise NothingSent(intent.user) from away
    SmsMessage.objects.filter(pk=message.pk).update(
        state=SmsMessage.State.SENT, gateway_reference=reference
    )


def _never_left(intent: Intent, error: str) -> None:
    with transaction.atomic():
        SmsMessage.objects.filter(pk=intent.message.pk).update(
            state=SmsMessage.State.FAILED, error=error
        )
        intent.place.give_back()


def _shown(answer: Exception, message: SmsMessage) -> str:
    """What the gateway said, as staff read it: gateways repeat the number."""
    return str(answer).replace(message.number, masked(message.number))[:_ERROR_LENGTH]
