"""Takes what a person sends to confirm who they are (``users.confirming``)."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ConfirmationMiddleware:
    """Before the view that asked for it: with the right answers, the view goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)
