"""Authenticator apps: a secret that the app is told once, and the codes it makes (RFC 6238)."""

import base64
import secrets
import time
from typing import Final
from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp.oath import hotp

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from twofactor import notices
from twofactor.changing import lock_methods, renew_session
from twofactor.methods import Kind
from twofactor.models import AuthenticatorApp
from twofactor.refusals import TooManyApps
from twofactor.refused_codes import record_refused
from twofactor.sealing import seal, unseal
from twofactor.typed_codes import WrongAppCode, six_digits
from users.models import User

STEP_SECONDS: Final = 30
DIGITS: Final = 6
# Of clocks that differ: a code counts for one step before and after its own (docs/decisions/0140).
TOLERANCE: Final = 1
# Of one person.
MOST_APPS: Final = 10
# As RFC 4226 recommends: 160 bits.
_SECRET_BYTES: Final = 20
_GROUP: Final = 4


def begin_set_up(user: User) -> AuthenticatorApp:
    """An app that is yet to show that it has the secret; one that was begun before is dropped.

    Raises TooManyApps.
    """
    with transaction.atomic():
        lock_methods(user)
        own = AuthenticatorApp.objects.filter(user=user)
        if own.filter(confirmed=True).count() >= MOST_APPS:
            raise TooManyApps
        own.filter(confirmed=False).delete()
        app: AuthenticatorApp = AuthenticatorApp.objects.create(
            user=user,
            name="",
            confirmed=False,
            encrypted_secret=seal(secrets.token_bytes(_SECRET_BYTES)),
        )
    return app


def provisioning_uri(app: AuthenticatorApp, user: User) -> str:
    """What the QR code says, in the form that all apps read."""
    # A colon ends it.
    issuer = settings.OPERATOR_NAME.replace(":", " ")
    label = f"{quote(issuer, safe='')}:{quote(user.email, safe='@')}"
    words = {
        "secret": _base32(app),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": STEP_SECONDS,
    }
    return f"otpauth://totp/{label}?{urlencode(words, quote_via=quote)}"


def typed_key(app: AuthenticatorApp) -> str:
    """The secret for whoever cannot scan: base 32 in groups of four."""
    key = _base32(app)
    return " ".join(key[start : start + _GROUP] for start in range(0, len(key), _GROUP))


def confirm_app(
    request: HttpRequest, user: User, public_id: UUID, *, code: str, name: str
) -> AuthenticatorApp:
    """Make the app a method of ``user``, by a code that it shows.

    One that is confirmed already stays as it is. Raises WrongAppCode, and Http404 for an app that
    is not theirs or was begun anew since. Nothing counts the attempts: who may see the page has
    seen the secret. Not within a transaction: a refusal would take its audit along.
    """
    with transaction.atomic():
        lock_methods(user)
        app: AuthenticatorApp = get_object_or_404(AuthenticatorApp, user=user, public_id=public_id)
        if app.confirmed:
            return app
        step = _step_of(app, six_digits(code))
        if step is not None:
            app.name = name
            _take_on(request, user, app, step=step)
    if step is None:
        record_refused(request, user, kind=Kind.APP)
        raise WrongAppCode
    return app


def verify_app_code(user: User, code: str) -> AuthenticatorApp | None:
    """The app of ``user`` that shows ``code`` now; it is used up then, for everybody.

    The rows are locked, so of several requests with one code one gets it. An app that was never
    confirmed shows nothing.
    """
    digits = six_digits(code)
    with transaction.atomic():
        apps = AuthenticatorApp.objects.select_for_update().filter(user=user, confirmed=True)
        app: AuthenticatorApp
        for app in apps.order_by("pk"):
            step = _step_of(app, digits)
            if step is not None:
                app.last_step = step
                app.last_used_at = timezone.now()
                app.save(update_fields=["last_step", "last_used_at"])
                return app
    return None


def _take_on(request: HttpRequest, user: User, app: AuthenticatorApp, *, step: int) -> None:
    """For who holds the lock; ``step`` is that of the code which ``app`` has shown."""
    app.confirmed = True
    app.confirmed_at = app.last_used_at = timezone.now()
    app.last_step = step
    app.save(update_fields=["name", "confirmed", "confirmed_at", "last_used_at", "last_step"])
    record(
        Action.TWO_FACTOR_METHOD_ADDED,
        actor=actor_of(request),
        subject=f"user {user.email}",
        details={"method": Kind.APP, "name": app.name},
    )
    notices.tell_method_added(request, user, method=app.name)
    renew_session(request, user, device=app)


def _step_of(app: AuthenticatorApp, digits: str | None) -> int | None:
    """The step whose code ``digits`` are, if it is near enough and after the last that was used."""
    if digits is None:
        return None
    secret = unseal(app.encrypted_secret)
    now = int(time.time()) // STEP_SECONDS
    for step in range(max(now - TOLERANCE, app.last_step + 1), now + TOLERANCE + 1):
        if constant_time_compare(_code_at(secret, step), digits):
            return step
    return None


def _code_at(secret: bytes, step: int) -> str:
    return f"{hotp(secret, step, digits=DIGITS):0{DIGITS}d}"  # type: ignore[no-untyped-call]


def _base32(app: AuthenticatorApp) -> str:
    return base64.b32encode(unseal(app.encrypted_secret)).decode("ascii").rstrip("=")
