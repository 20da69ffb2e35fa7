"""Codes by text message: six digits for one purpose of one session, for five minutes, once."""

import secrets
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common.tokens import hash_of_token, is_token, token_for
from twofactor.models import SmsCode, SmsPhone
from twofactor.sms.gateways.chosen import chosen_gateway
from twofactor.sms.messages import Intent, hand_over, intend
from twofactor.sms.numbers import NumberUnusable, masked, mobile_number
from twofactor.sms.refusals import (
    AddressNotVerified,
    NothingSent,
    NumberNotServed,
    PerhapsSent,
    SmsNotOffered,
    SmsRefused,
)
from twofactor.typed_codes import six_digits
from users.models import User

LASTS: Final = timedelta(minutes=5)
_PURPOSE: Final = "twofactor.sms.codes"
_DIGITS: Final = 6


def is_sms_offered() -> bool:
    """Whether this installation sends text messages at all."""
    return bool(settings.SMS_GATEWAY)


def send_code(request: HttpRequest, phone: SmsPhone, *, bound_to: str) -> None:
    """Send a code that counts for ``bound_to`` alone; any other one for it counts no more.

    Raises SmsRefused, of a kind each (``twofactor.sms.refusals``). Not within a transaction.
    """
    try:
        _send(request, phone, bound_to=bound_to)
    except SmsRefused as refusal:
        _record(request, phone, Action.TWO_FACTOR_SMS_REFUSED, reason=type(refusal).__name__)
        raise
    _record(request, phone, Action.TWO_FACTOR_SMS_SENT)


def verify_sms_code(user: User, code: str, *, bound_to: str) -> SmsPhone | None:
    """The confirmed phone of ``user`` that ``code`` was sent to for ``bound_to``; used up then.

    Of several requests with one code one gets it. A phone that was never confirmed proves nothing.
    """
    with transaction.atomic():
        phone: SmsPhone | None = SmsPhone.objects.filter(user=user, confirmed=True).first()
        if phone is None or not use_code(phone, code, bound_to=bound_to):
            return None
        SmsPhone.objects.filter(pk=phone.pk).update(last_used_at=timezone.now())
    return phone


def is_on_its_way(phone: SmsPhone, *, bound_to: str) -> bool:
    """Whether a code was sent for ``bound_to`` that would count now."""
    return _counting(phone, bound_to).exists()


def use_code(phone: SmsPhone, code: str, *, bound_to: str) -> bool:
    """Whether ``code`` is the one that counts; used up then. In a transaction."""
    digits = six_digits(code)
    row = _counting(phone, bound_to).select_for_update().first()
    if digits is None or row is None or not is_token(_PURPOSE, row.pk, digits, row.code_hash):
        return False
    row.used_at = timezone.now()
    row.save(update_fields=["used_at"])
    return True


def _counting(phone: SmsPhone, bound_to: str) -> QuerySet[SmsCode]:
    return SmsCode.objects.filter(
        phone=phone,
        bound_to=bound_to,
        used_at=None,
        replaced_at=None,
        expires_at__gt=timezone.now(),
    )


def _send(request: HttpRequest, phone: SmsPhone, *, bound_to: str) -> None:
    user: User = phone.user
    gateway = chosen_gateway()
    if gateway is None:
        raise SmsNotOffered(user)
    if user.email_verified_at is None or not user.is_active:
        raise AddressNotVerified(user)
    intent, code = _intend(request, phone, bound_to=bound_to)
    try:
        hand_over(intent, gateway)
    except PerhapsSent:
        raise
    except SmsRefused:
        # Nobody has it: a page that waits for it would wait in vain.
        SmsCode.objects.filter(pk=code.pk).update(replaced_at=timezone.now())
        raise


def _intend(request: HttpRequest, phone: SmsPhone, *, bound_to: str) -> tuple[Intent, SmsCode]:
    """The code and its message, committed before anything leaves."""
    user: User = phone.user
    try:
        number = mobile_number(phone.number)
    except NumberUnusable as refusal:
        raise NumberNotServed(str(refusal), user) from refusal
    digits = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
    with transaction.atomic(durable=True):
        # First of all, as it has of several requests of one person one wait for the other.
        intent = intend(request, phone, number, _text(user, digits))
        if not SmsPhone.objects.select_for_update(no_key=True).filter(pk=phone.pk).exists():
            # Removed, or begun anew, in another window.
            raise NothingSent(user)
        now = timezone.now()
        _counting(phone, bound_to).update(replaced_at=now)
        pk = uuid4()
        code = SmsCode.objects.create(
            pk=pk,
            phone=phone,
            bound_to=bound_to,
            code_hash=hash_of_token(token_for(_PURPOSE, pk, digits)),
            created_at=now,
            expires_at=now + LASTS,
        )
    return intent, code


def _text(user: User, digits: str) -> str:
    """What is sent. By the last line browsers know which site the code is for (WebOTP)."""
    with translation.override(user.language):
        # Translators: without typographic marks, so that it stays one message (GSM 03.38).
        words = _(
            "%(code)s is your code for %(operator)s. It is valid for 5 minutes. Do not give it to"
            " anybody."
        ) % {"code": digits, "operator": settings.OPERATOR_NAME}
    return f"{words}\n\n@{urlsplit(settings.SITE_URL).hostname} #{digits}"


def _record(request: HttpRequest, phone: SmsPhone, action: Action, **details: str) -> None:
    record(
        action,
        actor=actor_of(request),
        subject=f"user {phone.user.email}",
        details={"number": masked(phone.number), **details},
    )
