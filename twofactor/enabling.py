"""Turning two-factor authentication on and off: from then on a sign-in asks for a code, or not."""

from django.db import transaction
from django.http import HttpRequest

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from twofactor import notices
from twofactor.changing import lock_methods, renew_session
from twofactor.methods import is_enabled, methods_of
from twofactor.models import RecoveryCodes, TwoFactor
from twofactor.recovery_codes import make_codes
from twofactor.refusals import NoMethod, StillRequired
from twofactor.requirements import requirements_of
from users.models import User


def enable(request: HttpRequest, user: User) -> list[str]:
    """Turn it on; returns the recovery codes to show, none when it was on already.

    Raises NoMethod: recovery codes alone do not do.
    """
    with transaction.atomic():
        lock_methods(user)
        if is_enabled(user):
            return []
        if not methods_of(user).standing_alone:
            raise NoMethod
        TwoFactor.objects.create(user=user)
        codes = make_codes(user)
        _record(request, user, Action.TWO_FACTOR_ENABLED)
        _record(request, user, Action.RECOVERY_CODES_MADE)
        notices.tell_turned_on(request, user)
        renew_session(request, user)
    return codes


def disable(request: HttpRequest, user: User) -> bool:
    """Turn it off; the methods stay, but for the recovery codes. False when it was off already.

    Raises StillRequired while somebody requires it of ``user`` (docs/decisions/0142).
    """
    with transaction.atomic():
        lock_methods(user)
        if not is_enabled(user):
            return False
        if required_by := requirements_of(user):
            raise StillRequired(required_by)
        drop_two_factor(request, user)
        notices.tell_turned_off(request, user)
        renew_session(request, user)
    return True


def renew_codes(request: HttpRequest, user: User, *, version: int) -> list[str]:
    """New recovery codes in place of those of ``version``; none when these are gone already."""
    with transaction.atomic():
        lock_methods(user)
        present = RecoveryCodes.objects.filter(user=user).first()
        if not is_enabled(user) or (present.version if present else 0) != version:
            return []
        codes = make_codes(user)
        _record(request, user, Action.RECOVERY_CODES_MADE)
        notices.tell_codes_made(request, user)
        renew_session(request, user)
    return codes


def drop_two_factor(request: HttpRequest, user: User) -> None:
    """For those who hold the lock, and have made sure that nobody requires it."""
    TwoFactor.objects.filter(user=user).delete()
    RecoveryCodes.objects.filter(user=user).delete()
    _record(request, user, Action.TWO_FACTOR_DISABLED)


def _record(request: HttpRequest, user: User, action: Action) -> None:
    record(action, actor=actor_of(request), subject=f"user {user.email}")
