"""Each signed-in person reads pages in their own language and time zone."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.translation import get_supported_language_variant

from users.models import User


class ReaderMiddleware:
    """Overrides what the browser asks for; whoever is not signed in keeps that."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        language = _supported(user.language)
        with translation.override(language), timezone.override(_zone(user.timezone)):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def _supported(language: str) -> str:
    try:
        return get_supported_language_variant(language)
    except LookupError:
        return settings.LANGUAGE_CODE


def _zone(name: str) -> ZoneInfo:
    """A zone that the installed tables do not know (renamed since it was chosen) becomes UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
