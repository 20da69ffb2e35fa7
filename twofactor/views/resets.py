"""Stopping a two-factor reset: by its link, which needs no session, and by whoever is signed in."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.acting import actor_of
from common import link_session
from twofactor.models import TwoFactorReset
from twofactor.reset_mail import STOP
from twofactor.reset_refusals import ResetLinkEnded, ResetOver
from twofactor.resetting import find_to_stop, pending_reset, stop_reset
from users.models import User
from users.signed_in import person_page


@sensitive_variables("token_hash")
@require_safe
def stop_link(request: HttpRequest, reset_id: UUID, token_hash: str) -> HttpResponse:
    """Takes the token out of the address; one that is not genuine makes no session."""
    try:
        find_to_stop(reset_id, token_hash)
    except ResetLinkEnded:
        return link_session.open_page_without(request, STOP, page="twofactor:reset_stop")
    return link_session.open_page(request, STOP, reset_id, token_hash, page="twofactor:reset_stop")


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest) -> HttpResponse:
    """The link stays in the session, so that the page can say that it was stopped."""
    try:
        reset = _kept(request)
    except ResetLinkEnded:
        template = "twofactor/reset_link_ended.html"
        return render(request, template, status=HTTPStatus.NOT_FOUND)
    if request.method == "POST":
        # A second click, or too late: the page says which.
        _stop(request, reset)
        return redirect("twofactor:reset_stop")
    context = {"reset": reset, "person": reset.user}
    return render(request, "twofactor/reset_stop.html", context)


@require_POST
@person_page
def stop_own(request: HttpRequest, user: User) -> HttpResponse:
    reset = pending_reset(user)
    if reset is not None and _stop(request, reset):
        messages.success(request, _("Stopped. Your two-factor authentication stays as it is."))
    else:
        messages.info(request, str(ResetOver()))
    return redirect("twofactor:overview")


def _stop(request: HttpRequest, reset: TwoFactorReset) -> bool:
    try:
        stop_reset(reset.pk, actor=actor_of(request))
    except ResetOver:
        return False
    return True


def _kept(request: HttpRequest) -> TwoFactorReset:
    found = link_session.kept(request, STOP)
    if found is None:
        raise ResetLinkEnded
    return find_to_stop(*found)
