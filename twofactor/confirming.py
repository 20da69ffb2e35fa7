"""Who is signed in shows anew that it is they: the password, and a code where two-factor is on."""

import secrets

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common.exceptions import DomainError
from twofactor.changing import note_device
from twofactor.methods import Kind, is_enabled
from twofactor.models import SmsPhone
from twofactor.proving import is_about_methods, kinds_that_do
from twofactor.purposes import Purpose
from twofactor.sms.codes import send_code
from twofactor.typed_codes import WrongCode
from twofactor.verifying import verify
from users.confirming import note_confirmation
from users.models import User
from users.signin import check_current_password

# In the session: random, of this one confirmation; what a code by text message is sent for.
_KEY = "confirmation"
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
    if asked := kinds_asked(request, user):
        if kind is None or kind not in asked:
            raise WrongCode
        device = verify(request, user, kind=kind, code=code, bound_to=bound_to(request))
    with transaction.atomic():
        # Once more, as the password alone was not all that was asked.
        request.session.cycle_key()
        request.session.pop(_KEY, None)
        note_confirmation(request)
        if device is not None:
            note_device(request, device)
        record(
            Action.USER_CONFIRMED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"method": "password" if kind is None else kind.value},
        )


def kinds_asked(request: HttpRequest, user: User) -> frozenset[Kind]:
    """Codes of which kinds confirm what is at this address; none where the password suffices."""
    if is_about_methods(request):
        return kinds_that_do(user)
    return frozenset(Kind) if is_enabled(user) else frozenset()


def send_confirmation_code(request: HttpRequest, phone: SmsPhone) -> None:
    """Send a code for this confirmation. Raises SmsRefused and TooManyAttempts."""
    request.session.setdefault(_KEY, secrets.token_hex(_KEY_BYTES))
    send_code(request, phone, bound_to=bound_to(request))


def bound_to(request: HttpRequest) -> str:
    """What a code is sent for here. Nothing was ever sent for a confirmation that has no key."""
    return Purpose.CONFIRMATION.of(request.session.get(_KEY, ""))
