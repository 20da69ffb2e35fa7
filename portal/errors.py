"""The one place that turns a refusal into an answer, and the pages of HTTP's own errors."""

import logging
from collections.abc import Callable
from functools import singledispatch
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from accounts.access import (
    Access,
    AccountNotFound,
    PermissionMissing,
    SignInRequired,
    find_access,
)
from accounts.granting import who_can_grant
from accounts.permissions import in_words
from accounts.two_factor.policy import TwoFactorRequired
from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common.exceptions import DomainError
from common.scoping import account_scope
from common.storage import DocumentAltered, DocumentMissing, StorageUnavailable
from portal.context import operator
from portal.denials import names_of_flags_granting
from portal.stopping import record_once, stop_for
from twofactor.methods import is_enabled
from twofactor.requirements import SecondFactorNeeded
from twofactor.views.confirming import confirmation_page
from users.confirming import ConfirmationNeeded
from users.models import User
from users.rate_limits import MOST_MINUTES, TooManyAttempts, seconds_until
from users.redirecting import led_to_sign_in
from users.signin import MoreIsAsked

logger = logging.getLogger(__name__)

# A storage that is away is asked again after as many seconds: workers do so after 20, people tire.
_STORAGE_RETRY_SECONDS = 60
# What is kept of an address that somebody asked for; longer ones are no pages of ours.
_PATH_LENGTH = 300


class RefusalMiddleware:
    """Answers every DomainError that a view lets through.

    It is called when the view's transaction has rolled back, so an audit row that is written here
    stays.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer(exception, request) if isinstance(exception, DomainError) else None


@singledispatch
def answer(refusal: DomainError, request: HttpRequest) -> HttpResponse:
    """The page for ``refusal``; kinds that need more than their message have their own below."""
    return _refused(request, str(refusal), HTTPStatus.CONFLICT)


@answer.register
def _sign_in_first(refusal: SignInRequired, request: HttpRequest) -> HttpResponse:
    return led_to_sign_in(request)


@answer.register
def _more_is_asked(refusal: MoreIsAsked, request: HttpRequest) -> HttpResponse:
    return redirect(refusal.page)


@answer.register
def _confirm_first(refusal: ConfirmationNeeded, request: HttpRequest) -> HttpResponse:
    """At the same address: from there it goes on with what was sent."""
    return confirmation_page(request)


@answer.register
def _second_factor_first(refusal: SecondFactorNeeded, request: HttpRequest) -> HttpResponse:
    """Why, and a button: to set it up, or to sign in with what is set up."""
    user = request.user
    context = {
        "refusal": refusal,
        "is_enabled": isinstance(user, User) and is_enabled(user),
    }
    status = HTTPStatus.FORBIDDEN
    return render(request, "errors/second_factor_needed.html", context, status=status)


@answer.register
def _account_not_found(refusal: AccountNotFound, request: HttpRequest) -> HttpResponse:
    """Audited without the account: whether there is one is not for its owner's log to tell."""
    with transaction.atomic():
        record(
            Action.ACCESS_DENIED,
            actor=actor_of(request),
            subject=f"account {refusal.number}",
            details=_asked_for(request),
        )
    return not_found(request)


@answer.register
def _permission_missing(refusal: PermissionMissing, request: HttpRequest) -> HttpResponse:
    access = refusal.access
    with account_scope(access.account):
        record(
            Action.ACCESS_DENIED,
            actor=actor_of(request),
            account_id=access.account.pk,
            subject=f"account {access.account.number}",
            details={"permission": refusal.permission, **_asked_for(request)},
        )
    context = {
        "access": access,
        "refusal": refusal,
        "missing": in_words(refusal.permission),
        "who_can_grant": who_can_grant(access.account, refusal.permission),
        "flags": names_of_flags_granting(access.account, refusal.permission),
    }
    return render(request, "errors/permission_missing.html", context, status=HTTPStatus.FORBIDDEN)


@answer.register
def _two_factor_required(refusal: TwoFactorRequired, request: HttpRequest) -> HttpResponse:
    """Outside the account's frame: there is its name and number, and whom to ask, by name."""
    record_once(request, refusal)
    context = {"stop": stop_for(request, refusal)}
    status = HTTPStatus.FORBIDDEN
    return render(request, "errors/two_factor_required.html", context, status=status)


@answer.register
def _too_many_attempts(refusal: TooManyAttempts, request: HttpRequest) -> HttpResponse:
    context = {
        "retry_at": refusal.retry_at,
        "wait_minutes": refusal.wait_minutes,
        "most_minutes": MOST_MINUTES,
        "back": _where_from(request),
    }
    status = HTTPStatus.TOO_MANY_REQUESTS
    response = render(request, "errors/too_many_attempts.html", context, status=status)
    response["Retry-After"] = seconds_until(refusal.retry_at)
    return response


@answer.register
def _document_unusable(
    refusal: DocumentAltered | DocumentMissing, request: HttpRequest
) -> HttpResponse:
    """Told to the operator as an error: the archive of documents needs somebody to look at it."""
    logger.error("%s: %s", request.path, refusal)
    # The refusal itself stays English, for the log.
    if isinstance(refusal, DocumentAltered):
        words = _("This document was altered after it was stored.")
    else:
        words = _("This document is missing from the archive.")
    return _refused(request, words, HTTPStatus.INTERNAL_SERVER_ERROR)


@answer.register
def _storage_unavailable(outage: StorageUnavailable, request: HttpRequest) -> HttpResponse:
    """Not the document's fault and not for long; what is wrong is for the log alone."""
    logger.error("%s: documents cannot be read: %s", request.path, outage)
    words = _("Documents cannot be reached at the moment. Try again in a minute.")
    response = _refused(request, words, HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = _STORAGE_RETRY_SECONDS
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _bare_page("errors/400.html", HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "errors/403.html", status=HTTPStatus.FORBIDDEN)


def forged_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid CSRF token: most often one that was open for longer than a session."""
    return render(request, "errors/form_expired.html", status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """In the frame of the account for its members; everybody else cannot tell it from none."""
    return render(request, "errors/404.html", _frame_of(request), status=HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return _bare_page("errors/500.html", HTTPStatus.INTERNAL_SERVER_ERROR)


def _refused(request: HttpRequest, words: str, status: HTTPStatus) -> HttpResponse:
    """In the frame of the account whose page refused, where there is one, with a way back."""
    context = {**_frame_of(request), "refusal": words, "back": _where_from(request)}
    return render(request, "errors/refused.html", context, status=status)


def _frame_of(request: HttpRequest) -> dict[str, object]:
    access = _access_if_any(request)
    layout = "layouts/account.html" if access else "layouts/person.html"
    return {"access": access, "layout": layout}


def _access_if_any(request: HttpRequest) -> Access | None:
    match = request.resolver_match
    number = match.kwargs.get("account_number") if match else None
    if number is None:
        return None
    try:
        return find_access(request, number)
    except DomainError:
        return None


def _where_from(request: HttpRequest) -> str:
    """The page that the reader came from if it is one of ours, else the first page."""
    page = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if is_ours else reverse("portal:home")


def _bare_page(template: str, status: HTTPStatus) -> HttpResponse:
    """Without the request: neither session nor database may be able to answer."""
    return HttpResponse(render_to_string(template, operator()), status=status)


def _asked_for(request: HttpRequest) -> dict[str, Any]:
    return {"method": request.method, "path": request.path[:_PATH_LENGTH]}
