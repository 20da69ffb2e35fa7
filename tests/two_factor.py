"""Second factors of people in tests, and the codes that their apps would show.

Codes are made here by RFC 6238 itself, and not by what the program makes them with.
"""

import hmac
import time

from django.utils import timezone

from twofactor.models import AuthenticatorApp, SmsPhone, TwoFactor
from twofactor.sealing import seal, unseal
from users.models import User

# What RFC 6238 tests with.
SECRET = b"12345678901234567890"
# Text messages are sent to such numbers.
NUMBER = "+447400123456"
_STEP_SECONDS = 30


def add_app(user: User, *, secret: bytes = SECRET, name: str = "Phone") -> AuthenticatorApp:
    """A confirmed authenticator app; whether two-factor is on stays as it was."""
    app: AuthenticatorApp = AuthenticatorApp.objects.create(
        user=user,
        name=name,
        encrypted_secret=seal(secret),
        confirmed=True,
        confirmed_at=timezone.now(),
    )
    return app


def two_factor_on(user: User) -> AuthenticatorApp:
    """Two-factor turned on with an app: the one that is there, or a new one."""
    TwoFactor.objects.get_or_create(user=user)
    return AuthenticatorApp.objects.filter(user=user, confirmed=True).first() or add_app(user)


def add_phone(user: User, *, number: str = NUMBER) -> SmsPhone:
    """A confirmed phone; whether two-factor is on stays as it was."""
    phone: SmsPhone = SmsPhone.objects.create(
        user=user,
        name=f"… {number[-3:]}",
        number=number,
        confirmed=True,
        confirmed_at=timezone.now(),
    )
    return phone


def two_factor_on_by_phone(user: User, *, number: str = NUMBER) -> SmsPhone:
    """A new confirmed phone, and two-factor turned on."""
    TwoFactor.objects.get_or_create(user=user)
    return add_phone(user, number=number)


def code_of(app: AuthenticatorApp, *, steps: int = 0) -> str:
    """What ``app`` shows now, or ``steps`` of 30 s later."""
    return totp(unseal(app.encrypted_secret), step_now() + steps)


def step_now() -> int:
    """The step of 30 s in which the code of this moment is shown."""
    return int(time.time()) // _STEP_SECONDS


def totp(secret: bytes, step: int) -> str:
    """Six digits of ``secret`` at ``step`` (RFC 6238 on RFC 4226, SHA-1)."""
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
