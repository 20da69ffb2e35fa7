"""Whether a code that somebody typed is one of a person's: the limits, the audit, the mail."""

from django.db import transaction
from django.http import HttpRequest
from django_otp.models import Device

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from twofactor import code_limits, recovery_codes, totp
from twofactor.methods import Kind
from twofactor.sms import codes as sms_codes
from twofactor.typed_codes import WrongCode, recovery_code, six_digits
from twofactor.verifying_mail import tell_not_finished, tell_recovery_code_used
from users.models import User
from users.rate_limits import Taken, TooManyAttempts


def verify(request: HttpRequest, user: User, *, kind: Kind, code: str, bound_to: str) -> Device:
    """The device of ``user`` whose code this is, which is used up now.

    ``bound_to`` is what a code by text message must have been sent for. Raises WrongCode and
    TooManyAttempts. Not within a transaction: a refusal would take its count and its audit along.
    """
    attempt = limited_attempt(request, user)
    with transaction.atomic():
        device = _device_of(user, kind=kind, code=code, bound_to=bound_to)
        if device is not None and kind is Kind.RECOVERY_CODE:
            _note_recovery_code_used(request, user)
    if device is None:
        _note_refused(request, user, kind=kind)
        raise WrongCode
    attempt.give_back()
    return device


def limited_attempt(request: HttpRequest, user: User) -> Taken:
    """Count one code of ``user`` before it is looked at. Raises TooManyAttempts."""
    try:
        return code_limits.take_attempt(request, user)
    except TooManyAttempts:
        tell_not_finished(user)
        raise


def _device_of(user: User, *, kind: Kind, code: str, bound_to: str) -> Device | None:
    """Each of these is exact under parallel use by itself: it locks what it marks as used."""
    if kind is Kind.RECOVERY_CODE:
        return recovery_codes.use_code(user, recovery_code(code))
    digits = six_digits(code)
    if digits is None:
        return None
    if kind is Kind.SMS:
        return sms_codes.verify_sms_code(user, digits, bound_to=bound_to)
    return totp.verify_app_code(user, digits)


def _note_refused(request: HttpRequest, user: User, *, kind: Kind) -> None:
    with transaction.atomic():
        record(
            Action.TWO_FACTOR_CODE_REFUSED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"method": kind.value},
        )
    if code_limits.was_the_last(request, user):
        tell_not_finished(user)


def _note_recovery_code_used(request: HttpRequest, user: User) -> None:
    left = recovery_codes.codes_left(user)
    record(
        Action.RECOVERY_CODE_USED,
        actor=actor_of(request),
        subject=f"user {user.email}",
        details={"left": left},
    )
    tell_recovery_code_used(user, left=left)
