"""Takes what a person sends to confirm who they are (``users.confirming``)."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from twofactor.views.confirming import is_confirmation, take_confirmation
from users.models import User


class ConfirmationMiddleware:
    """Before the view that asked for it: with the right answers, the view goes on.

    After Django's check of forms (CSRF), so that nobody else's page can send it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        _arguments: Any,
        _named_arguments: Any,
    ) -> HttpResponse | None:
        # Views that Django does not check are for programs; reading what they are sent is theirs.
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return None
        if not isinstance(request.user, User) or not is_confirmation(request.POST):
            return None
        return take_confirmation(request, request.user)
