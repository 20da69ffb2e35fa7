"""Browsers in which a person has signed in before (OWASP: device cookies).

Guesses of a stranger fill the counter of an address; such a browser has one of its own, so nobody
can be locked out of the browser they always use.
"""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare, salted_hmac

from common.ids import new_public_id

_SALT = "users.devices"
_LIFETIME = timedelta(days=365)


def device_of(request: HttpRequest, *, email: str) -> str | None:
    """This browser's random id, if somebody has signed in here with ``email`` before."""
    try:
        name, device = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""),
            salt=_SALT,
            max_age=_LIFETIME,
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(device) if constant_time_compare(name, _name_of(email)) else None


def remember_device(response: HttpResponseBase, *, email: str) -> None:
    """Make the browser that gets ``response`` one in which ``email`` has signed in."""
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps([_name_of(email), new_public_id()], salt=_SALT),
        max_age=_LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _name_of(email: str) -> str:
    """The address, unreadable to whoever looks into the browser."""
    return salted_hmac(_SALT, email, algorithm="sha256").hexdigest()
