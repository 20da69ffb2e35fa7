from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from common import link_session
from users.changing_address import (
    CONFIRM,
    UNDO,
    ChangeOfSomebodyElse,
    change_to_confirm,
    change_to_undo,
    confirm_change,
    require_own_change,
    undo_change,
)
from users.creating import EmailTaken
from users.links import LinkUnusable, link_refused
from users.models import EmailAddressChange

_AGAIN = "users:email"


@require_safe
def confirm_link(request: HttpRequest, change_id: UUID, token_hash: str) -> HttpResponse:
    return _open(
        request, CONFIRM, change_to_confirm, change_id, token_hash, page="users:email_confirm"
    )


@require_safe
def undo_link(request: HttpRequest, change_id: UUID, token_hash: str) -> HttpResponse:
    return _open(request, UNDO, change_to_undo, change_id, token_hash, page="users:email_undo")


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    try:
        change = _kept(request, CONFIRM, change_to_confirm)
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        require_own_change(request, change)
        if request.method == "POST":
            change = confirm_change(request)
            messages.success(
                request, _("You sign in with %(address)s now.") % {"address": change.new_email}
            )
            return redirect("users:email")
    except LinkUnusable as refusal:
        return link_refused(request, refusal, again=_AGAIN)
    except ChangeOfSomebodyElse as refusal:
        return render(request, "users/email_anothers.html", {"refusal": refusal}, status=403)
    except EmailTaken as refusal:
        return _taken(request, refusal, is_undo=False)
    return render(request, "users/email_confirm.html", {"change": change})


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest) -> HttpResponse:
    try:
        if request.method == "POST":
            change = undo_change(request)
            return render(request, "users/email_undone.html", {"change": change})
        change = _kept(request, UNDO, change_to_undo)
    except LinkUnusable:
        return render(request, "users/email_undo_refused.html", status=404)
    except EmailTaken as refusal:
        return _taken(request, refusal, is_undo=True)
    return render(request, "users/email_undo.html", {"change": change})


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """And back: signing in keeps what the link brought."""
    messages.info(request, _("Sign in with your present address first, then confirm the new one."))
    return redirect_to_login(reverse("users:email_confirm"))


def _taken(request: HttpRequest, refusal: EmailTaken, *, is_undo: bool) -> HttpResponse:
    context = {"refusal": refusal, "is_undo": is_undo}
    return render(request, "users/email_taken.html", context, status=409)


Finder = Callable[[UUID, str], EmailAddressChange]


def _open(
    request: HttpRequest, purpose: str, find: Finder, change_id: UUID, token_hash: str, *, page: str
) -> HttpResponse:
    """On to ``page``, which needs no token; it also says what is wrong with a bad one."""
    try:
        find(change_id, token_hash)
    except LinkUnusable:
        return link_session.open_page_without(request, purpose, page=page)
    return link_session.open_page(request, purpose, change_id, token_hash, page=page)


def _kept(request: HttpRequest, purpose: str, find: Finder) -> EmailAddressChange:
    found = link_session.kept(request, purpose)
    if found is None:
        raise LinkUnusable
    return find(*found)
