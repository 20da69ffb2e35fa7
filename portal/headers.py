"""Response headers that no package of Django sets, on every response, errors included."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_ALWAYS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


class HeadersMiddleware:
    """Nothing that the program answers is stored, unless the answer itself says otherwise.

    Static files say so (WhiteNoise). Pages are about one person and one account, and a copy in a
    shared computer's cache would outlive the session (ASVS 14.3.2).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store, private")
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        return response
