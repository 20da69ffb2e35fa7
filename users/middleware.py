"""What is kept of a signed-in person's requests, and the language and time zone of the answers."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.translation import get_supported_language_variant
from django_otp import DEVICE_ID_SESSION_KEY

from common.codes import zone_named
from users.devices import remember_device
from users.models import User, UserSession
from users.session_store import SessionStore, ends_at

# How exact *last seen* is: the one thing that a GET writes is written no more often than this.
_NOTED_EVERY = timedelta(minutes=5)


class SessionUseMiddleware:
    """Notes when a session was last used, and tells whoever comes with one that has ended.

    Whether it is still good is not decided here: it is when its row is there and not expired
    (``users.session_store``), its person active and verified (``users.backends``), and the password
    the same (Django).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        before, factor_before = _person(request), _factor(request)
        ended = before is None and settings.SESSION_COOKIE_NAME in request.COOKIES
        if ended and SESSION_KEY in request.session:
            # Somebody who may not be signed in any more.
            request.session.flush()
        elif ended and request.session.session_key:
            ended = False
        if before is not None:
            _note_use(request)
        response = self.get_response(request)
        after = _person(request)
        factor = _factor(request)
        if after is not None and (after != before or factor != factor_before):
            remember_device(request, response, after, has_shown_factor=factor is not None)
        if ended:
            _say_that_it_ended(response)
        return response


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _factor(request: HttpRequest) -> str | None:
    """The device of two-factor authentication that the session has seen a code of."""
    return request.session.get(DEVICE_ID_SESSION_KEY) if request.session.session_key else None


def _note_use(request: HttpRequest) -> None:
    """On the row alone: what else the session holds, another request may be changing."""
    session = request.session
    row = session.row if isinstance(session, SessionStore) else None
    now = timezone.now()
    if row is not None and row.last_seen_at < now - _NOTED_EVERY:
        until = ends_at(started_at=row.started_at, last_used_at=now)
        UserSession.objects.filter(pk=row.pk).update(last_seen_at=now, expire_date=until)


def _say_that_it_ended(response: HttpResponseBase) -> None:
    """On the sign-in page, if that is where the answer leads."""
    sign_in = f"{resolve_url(settings.LOGIN_URL)}?"
    location = response.headers.get("Location", "")
    if response.status_code == HTTPStatus.FOUND and location.startswith(sign_in):
        response.headers["Location"] = f"{location}&ended=1"


class ReaderMiddleware:
    """Overrides what the browser asks for; whoever is not signed in keeps that."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        language = _supported(user.language)
        with translation.override(language), timezone.override(zone_named(user.timezone)):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def _supported(language: str) -> str:
    try:
        return get_supported_language_variant(language)
    except LookupError:
        return settings.LANGUAGE_CODE
