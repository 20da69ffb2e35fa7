"""Between a right password and a session: a sign-in that waits for a code (ASVS 6.3.4).

It is kept in the browser's session, in which nobody is signed in, and lasts five minutes.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import get_user, logout
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django_otp import login as remember_device_of_session
from django_otp.models import Device

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common.exceptions import DomainError
from twofactor.changing import lock_methods
from twofactor.methods import is_enabled, kind_of
from twofactor.purposes import Purpose
from users.models import User
from users.signin import open_session

LASTS = timedelta(minutes=5)
_PENDING = "pending_sign_in"
_KEY_BYTES = 16


class SignInOver(DomainError):
    """It waits no more, or the method whose code was right is gone: begin anew."""

    def __init__(self) -> None:
        super().__init__(_("This sign-in has ended. Sign in again."))


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """Somebody who knew the password, and has yet to show a second factor."""

    # Random, of this one sign-in.
    key: str
    user: User
    next_page: str
    expires_at: datetime

    @property
    def bound_to(self) -> str:
        """What a code by text message is sent for: this sign-in, and no other."""
        return Purpose.SIGN_IN.of(self.key)


def hold_sign_in(request: HttpRequest, user: User, *, next_page: str) -> str | None:
    """Have ``user`` asked for a code before a session begins, if they have turned that on."""
    if not is_enabled(user):
        return None
    with transaction.atomic():
        if isinstance(get_user(request), User):
            logout(request)
        # Nobody who knew this browser's session before may go on with it (ASVS 7.2.4).
        request.session.cycle_key()
        record(
            Action.USER_PASSWORD_ACCEPTED,
            actor=actor_of(request),
            subject=f"user {user.email}",
        )
    request.session[_PENDING] = {
        "key": secrets.token_hex(_KEY_BYTES),
        "user": user.pk,
        # Of the password that was right: another one since ends this.
        "password": user.get_session_auth_hash(),
        "next_page": next_page,
        "expires_at": (timezone.now() + LASTS).isoformat(),
    }
    return reverse("twofactor:challenge")


def pending_sign_in(request: HttpRequest) -> PendingSignIn | None:
    """The sign-in that waits in this browser; None when there is none, or it waits no more."""
    found = request.session.get(_PENDING)
    if found is None:
        return None
    expires_at = datetime.fromisoformat(found["expires_at"])
    user = User.objects.filter(
        pk=found["user"], is_active=True, email_verified_at__isnull=False
    ).first()
    if user is None or expires_at <= timezone.now():
        return None
    if not constant_time_compare(found["password"], user.get_session_auth_hash()):
        return None
    # Turned off meanwhile: whoever signs in now is not asked, and this one begins anew.
    if not is_enabled(user):
        return None
    return PendingSignIn(found["key"], user, found["next_page"], expires_at)


def page_of_pending(request: HttpRequest) -> str | None:
    """The challenge, for whoever opens the sign-in page while theirs waits for a code."""
    return reverse("twofactor:challenge") if pending_sign_in(request) else None


def page_after_pending(request: HttpRequest) -> str | None:
    """Where the sign-in in this browser was to lead, also when it waits no more; None without."""
    found = request.session.get(_PENDING)
    return None if found is None else str(found["next_page"])


def is_over(request: HttpRequest) -> bool:
    """Whether another request of this browser has ended the session that this one came in."""
    key = request.session.session_key
    return key is None or not request.session.exists(key)


def drop_pending(request: HttpRequest) -> None:
    request.session.pop(_PENDING, None)


def complete_sign_in(request: HttpRequest, pending: PendingSignIn, *, device: Device) -> None:
    """Begin the session, under a new key; ``device`` is the one whose code was right.

    Raises SignInOver when the sign-in or the method has ended since the code was looked at.
    """
    with transaction.atomic():
        # Somebody may be turning two-factor off, removing the method or resetting all of it.
        lock_methods(pending.user)
        if pending_sign_in(request) is None or not _is_there(device):
            raise SignInOver
        drop_pending(request)
        open_session(request, pending.user, method=kind_of(device).value)
        remember_device_of_session(request, device)  # type: ignore[no-untyped-call]


def _is_there(device: Device) -> bool:
    return type(device).objects.filter(pk=device.pk, confirmed=True).exists()
