"""Who is signed in shows anew that it is they: the password, and a code where two-factor is on."""

import secrets

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp import login as remember_device_of_session
from django_otp.models import Device

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common.exceptions import DomainError
from twofactor.methods import Kind, is_enabled, kind_of_session
from twofactor.models import SmsPhone
from twofactor.sms.codes import send_code
from twofactor.typed_codes import WrongCode
from twofactor.verifying import verify
from users.confirming import note_confirmation
from users.models import User
from users.signin import check_current_password

# In the session: random, of this one confirmation; what a code by text message is sent for.
_ERRAND = "confirmation"
_KEY_BYTES = 16


class WrongPassword(DomainError):
    """Not the password of whoever is signed in."""

    def __init__(self) -> None:
        super().__init__(_("This is not your password. Enter it again."))


def confirm(
    request: HttpRequest, user: User, *, password: str, kind: Kind | None, code: str
) -> None:
    """Note that ``user`` sits there; the session goes on under a new key (ASVS 7.2.4).

    Raises WrongPassword, WrongCode and TooManyAttempts. Not within a transaction: a refusal would
    take its count and its audit along.
    """
    if not check_current_password(request, user, password):
        raise WrongPassword
    device = None
    if is_enabled(user):
        if kind is None:
            raise WrongCode
        device = verify(request, user, kind=kind, code=code, bound_to=bound_to(request))
    with transaction.atomic():
        # Once more, as the password alone was not all that was asked.
        request.session.cycle_key()
        request.session.pop(_ERRAND, None)
        note_confirmation(request)
        if device is not None:
            _note_device(request, device)
        record(
            Action.USER_CONFIRMED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"method": "password" if kind is None else kind.value},
        )


def send_confirmation_code(request: HttpRequest, phone: SmsPhone) -> None:
    """Send a code for this confirmation. Raises SmsRefused and TooManyAttempts."""
    request.session.setdefault(_ERRAND, secrets.token_hex(_KEY_BYTES))
    send_code(request, phone, bound_to=bound_to(request))


def bound_to(request: HttpRequest) -> str:
    """What a code is sent for here. Nothing was ever sent for a confirmation that has no key."""
    return f"confirmation {request.session.get(_ERRAND, '')}"


def _note_device(request: HttpRequest, device: Device) -> None:
    """Unless the session has shown a better one: some accounts take no text messages."""
    if kind_of_session(request) is not Kind.APP:
        remember_device_of_session(request, device)  # type: ignore[no-untyped-call]
