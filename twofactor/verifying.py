"""Whether a code that somebody typed is one of a person's: the limits, the audit, the mail."""

from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest
from django_otp.models import Device

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from twofactor import code_limits, recovery_codes, totp
from twofactor.methods import Kind
from twofactor.notices import tell_not_finished, tell_recovery_code_used
from twofactor.refused_codes import record_limit_reached, record_refused
from twofactor.sms import codes as sms_codes
from twofactor.typed_codes import WrongAppCode, WrongCode
from users.devices import device_with_factor
from users.models import User
from users.rate_limits import Limit, Taken, TooManyAttempts, take

# Wrong codes of a day that anybody may happen to type; at the next one the person is written to.
_UNTOLD = Limit("wrong codes from unknown browsers before the mail", 2, timedelta(days=1))


def verify(request: HttpRequest, user: User, *, kind: Kind, code: str, bound_to: str) -> Device:
    """The device of ``user`` whose code this is, which is used up now.

    ``bound_to`` is what a code by text message must have been sent for. Raises WrongCode and
    TooManyAttempts. Not within a transaction: a refusal would take its count and its audit along.
    """
    attempt = _limited_attempt(request, user, kind=kind)
    with transaction.atomic():
        device = _device_of(user, kind=kind, code=code, bound_to=bound_to)
        if device is not None and kind is Kind.RECOVERY_CODE:
            _note_recovery_code_used(request, user)
    if device is None:
        _note_refused(request, user, kind=kind)
        raise WrongAppCode if kind is Kind.APP else WrongCode
    attempt.give_back()
    return device


def _limited_attempt(request: HttpRequest, user: User, *, kind: Kind) -> Taken:
    """Count one code of ``user`` before it is looked at. Raises TooManyAttempts."""
    try:
        return code_limits.take_attempt(request, user)
    except TooManyAttempts as refusal:
        record_limit_reached(request, user, kind=kind, until=refusal.retry_at)
        tell_not_finished(request, user)
        raise


def _device_of(user: User, *, kind: Kind, code: str, bound_to: str) -> Device | None:
    """Each of these reads the code as typed, and is exact under parallel use by itself."""
    match kind:
        case Kind.APP:
            return totp.verify_app_code(user, code)
        case Kind.SMS:
            return sms_codes.verify_sms_code(user, code, bound_to=bound_to)
        case Kind.RECOVERY_CODE:
            return recovery_codes.use_code(user, code)


def _note_refused(request: HttpRequest, user: User, *, kind: Kind) -> None:
    record_refused(request, user, kind=kind)
    if code_limits.was_the_last(request, user) or _looks_like_a_stranger(request, user):
        tell_not_finished(request, user)


def _looks_like_a_stranger(request: HttpRequest, user: User) -> bool:
    """Whether this wrong code makes them too many for a browser that never showed a right one."""
    if device_with_factor(request, user) is not None:
        return False
    try:
        take([_UNTOLD.by(str(user.pk))])
    except TooManyAttempts:
        return True
    return False


def _note_recovery_code_used(request: HttpRequest, user: User) -> None:
    left = recovery_codes.codes_left(user)
    record(
        Action.RECOVERY_CODE_USED,
        actor=actor_of(request),
        subject=f"user {user.email}",
        details={"left": left},
    )
    tell_recovery_code_used(request, user, left=left, is_few=left <= recovery_codes.FEW)
