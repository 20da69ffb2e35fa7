"""``/healthz``: whether this web process can serve, for a load balancer or supervisor to ask.

It is asked by IP address, without https and without a cookie, every few seconds. So it is answered
by a middleware, before anything that looks at the host, redirects or opens a session.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from watching.reaching import DatabaseAway, bell_answers, require_database

PATH: Final = "/healthz"
# What Django's SecurityMiddleware, which never sees this answer, sets on all others.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class HealthMiddleware:
    """200 while PostgreSQL answers, else 503; in three seconds at the latest: two for PostgreSQL
    and, when that answers, one for Redis.

    Redis is told and does not count: the bell may be lost. Nothing else is said: whoever reaches
    this port may ask.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != PATH:
            return self.get_response(request)
        is_asked = request.method in {"GET", "HEAD"}
        answer = _health() if is_asked else HttpResponseNotAllowed(["GET", "HEAD"])
        for name, value in _HEADERS.items():
            answer.headers[name] = value
        return answer


def _health() -> JsonResponse:
    try:
        require_database()
    except DatabaseAway:
        return _answer("down", database="away", status=HTTPStatus.SERVICE_UNAVAILABLE)
    if bell_answers():
        return _answer("ok", database="ok", bell="ok")
    return _answer("degraded", database="ok", bell="away")


def _answer(word: str, *, status: HTTPStatus = HTTPStatus.OK, **parts: str) -> JsonResponse:
    return JsonResponse({"status": word, **parts}, status=status)
