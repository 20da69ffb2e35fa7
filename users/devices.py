"""Browsers in which a person has signed in before (OWASP: device cookies).

Guesses of a stranger fill the counter of an address; such a browser has one of its own, so nobody
can be locked out of the browser they always use. A new password makes all of them strange again:
whoever knew the former one may have signed in with it.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare, salted_hmac

from common.ids import new_public_id
from users.models import User

_SALT = "users.devices"
_LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Device:
    """A browser by its random id, in which ``user`` has signed in with their present password."""

    key: str
    # Whether they have shown a second factor in it: a password alone makes any number of browsers.
    has_shown_factor: bool


def device_of(request: HttpRequest, *, email: str) -> Device | None:
    """This browser, if somebody has signed in here with ``email`` before."""
    found = _read(request)
    user = User.objects.filter(email=email).first() if found else None
    return _device_if_of(user, found)


def device_with_factor(request: HttpRequest, user: User) -> Device | None:
    """This browser, if ``user`` has shown a second factor in it before."""
    device = _device_if_of(user, _read(request))
    return device if device is not None and device.has_shown_factor else None


def remember_device(
    request: HttpRequest, response: HttpResponseBase, user: User, *, has_shown_factor: bool
) -> None:
    """Make the browser that gets ``response`` one in which ``user`` has signed in.

    One that is so already keeps its id: signing in again gives no new counters.
    """
    present = _device_if_of(user, _read(request))
    key = present.key if present else new_public_id()
    shown = has_shown_factor or (present is not None and present.has_shown_factor)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps([_name_of(user), key, shown], salt=_SALT),
        max_age=_LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, str, bool] | None:
    """What the cookie says, if it is one of ours."""
    try:
        name, key, has_shown_factor = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""),
            salt=_SALT,
            max_age=_LIFETIME,
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(name), str(key), bool(has_shown_factor)


def _device_if_of(user: User | None, found: tuple[str, str, bool] | None) -> Device | None:
    if user is None or found is None:
        return None
    name, key, has_shown_factor = found
    return Device(key, has_shown_factor) if constant_time_compare(name, _name_of(user)) else None


def _name_of(user: User) -> str:
    """Of the person and their password, unreadable to whoever looks into the browser."""
    text = f"{user.pk}\0{user.get_session_auth_hash()}"
    return salted_hmac(_SALT, text, algorithm="sha256").hexdigest()
