"""Removing a method, or all of them."""

from django.db import transaction
from django.http import HttpRequest
from django_otp.models import Device

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import Actor, record
from twofactor import notices
from twofactor.changing import lock_methods, renew_session
from twofactor.enabling import drop_two_factor
from twofactor.methods import Kind, Methods, kind_of, methods_of, name_of
from twofactor.models import AuthenticatorApp, RecoveryCodes, SmsPhone, TwoFactor
from twofactor.refusals import StillRequired
from twofactor.requirements import requirements_of
from users.models import User


def remove_method(request: HttpRequest, user: User, device: Device) -> bool:
    """False when ``device`` is no longer a confirmed one of theirs. Raises StillRequired."""
    with transaction.atomic():
        lock_methods(user)
        theirs = type(device).objects.filter(user=user, confirmed=True)
        found: Device | None = theirs.filter(pk=device.pk).first()
        if found is not None:
            _remove(request, user, found)
    return found is not None


def remove_everything(user: User, actor: Actor) -> None:
    """Leave ``user`` without any method, confirmed or not; the caller tells and records why."""
    TwoFactor.objects.filter(user=user).delete()
    for devices in (AuthenticatorApp, SmsPhone, RecoveryCodes):
        devices.objects.filter(user=user).delete()


def require_removable(user: User, *, without: Device) -> None:
    """Raise StillRequired if somebody would accept none of the methods that are left.

    While two-factor is off nobody lets the person in for a method, so nothing is lost with it.
    """
    methods = methods_of(user)
    if not methods.is_enabled:
        return
    left = _left(methods, without)
    if refusing := [each for each in requirements_of(user) if not left & each.accepts]:
        raise StillRequired(refusing)


def is_last(methods: Methods, device: Device) -> bool:
    """Whether two-factor is turned off with it: recovery codes do not stand alone."""
    return not _left(methods, device)


def _left(methods: Methods, device: Device) -> frozenset[Kind]:
    """The kinds that stand alone and remain without ``device``."""
    if kind_of(device) is Kind.APP and len(methods.apps) > 1:
        return methods.standing_alone
    return methods.standing_alone - {kind_of(device)}


def _remove(request: HttpRequest, user: User, device: Device) -> None:
    """For who holds the lock."""
    require_removable(user, without=device)
    methods = methods_of(user)
    record(
        Action.TWO_FACTOR_METHOD_REMOVED,
        actor=actor_of(request),
        subject=f"user {user.email}",
        details={"method": kind_of(device), "name": device.name},
    )
    device.delete()
    is_off = methods.is_enabled and is_last(methods, device)
    if is_off:
        drop_two_factor(request, user)
    notices.tell_method_removed(request, user, method=name_of(device), is_off=is_off)
    renew_session(request, user)
