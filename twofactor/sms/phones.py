"""A person's number for codes by text message: begun, confirmed, changed for another one."""

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common.exceptions import DomainError
from twofactor import notices
from twofactor.changing import lock_methods, renew_session
from twofactor.code_limits import take_attempt
from twofactor.methods import Kind
from twofactor.models import SmsPhone
from twofactor.purposes import Purpose
from twofactor.refused_codes import record_refused
from twofactor.sms import codes as sms_codes
from twofactor.sms.numbers import masked, mobile_number, named
from twofactor.typed_codes import WrongCode
from users.models import User


class SameNumber(DomainError):
    """It is set up already."""

    def __init__(self) -> None:
        super().__init__(_("This is the number that gets your codes already. Enter another one."))


def begin_phone(user: User, number: str) -> SmsPhone:
    """A phone that is yet to show that it gets our messages; send it a code for ``set_up_of``.

    One that was begun before with another number is dropped; the one that works stays. ``number``
    begins with a plus. Raises NumberUnusable, SameNumber.
    """
    wanted = mobile_number(number).e164
    with transaction.atomic():
        lock_methods(user)
        own = SmsPhone.objects.filter(user=user)
        if own.filter(confirmed=True, number=wanted).exists():
            raise SameNumber
        begun: SmsPhone | None = own.filter(confirmed=False, number=wanted).first()
        if begun is None:
            own.filter(confirmed=False).delete()
            begun = SmsPhone.objects.create(
                user=user, name=masked(wanted), number=wanted, confirmed=False
            )
    return begun


def set_up_of(phone: SmsPhone) -> str:
    """What a code that confirms ``phone`` is bound to."""
    return Purpose.SET_UP.of(str(phone.public_id))


def confirm_phone(request: HttpRequest, user: User, public_id: UUID, code: str) -> SmsPhone:
    """Make the phone the one that gets codes, in place of a former one, by a code it was sent.

    One that is confirmed already stays as it is. Raises WrongCode, TooManyAttempts, and Http404 for
    a phone that is not theirs or was begun anew since. Not within a transaction.
    """
    attempt = take_attempt(request, user)
    with transaction.atomic():
        lock_methods(user)
        phone: SmsPhone = get_object_or_404(SmsPhone, user=user, public_id=public_id)
        is_right = phone.confirmed or sms_codes.use_code(phone, code, bound_to=set_up_of(phone))
        if is_right and not phone.confirmed:
            _take_over(request, user, phone)
    if not is_right:
        record_refused(request, user, kind=Kind.SMS)
        raise WrongCode
    attempt.give_back()
    return phone


def _take_over(request: HttpRequest, user: User, phone: SmsPhone) -> None:
    """For who holds the lock."""
    former = SmsPhone.objects.filter(user=user, confirmed=True).first()
    if former is not None:
        former.delete()
    phone.confirmed = True
    phone.confirmed_at = phone.last_used_at = timezone.now()
    phone.save(update_fields=["confirmed", "confirmed_at", "last_used_at"])
    replaced = {"from": masked(former.number)} if former else {}
    record(
        Action.TWO_FACTOR_METHOD_ADDED,
        actor=actor_of(request),
        subject=f"user {user.email}",
        details={"method": Kind.SMS, "to": masked(phone.number), **replaced},
    )
    notices.tell_method_added(request, user, method=named(phone.number))
    renew_session(request, user, device=phone)
