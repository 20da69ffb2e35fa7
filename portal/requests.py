"""What no honest request contains."""

from collections.abc import Callable

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class NoNulMiddleware:
    """Refuses an address with a NUL byte in it, which PostgreSQL takes in no text: answered 400.

    Form fields refuse it themselves; this is for the many places that read a query parameter.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.path_info:
            raise SuspiciousOperation("a NUL byte in the address")
        return self.get_response(request)
