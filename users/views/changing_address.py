from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from common import link_session
from users.changing_address import (
    CONFIRM,
    UNDO,
    change_to_confirm,
    change_to_undo,
    confirm_change,
    undo_change,
)
from users.creating import EmailTaken
from users.links import LinkUnusable, link_refused, without_referrer
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
        if request.method == "POST":
            change = confirm_change(request)
            messages.success(
                request, _("You sign in with %(address)s now.") % {"address": change.new_email}
            )
            is_signed_in = request.user.is_authenticated
            return redirect("users:email" if is_signed_in else "users:sign_in")
        change = _kept(request, CONFIRM, change_to_confirm)
    except (LinkUnusable, EmailTaken):
        return link_refused(request, LinkUnusable(), again=_AGAIN)
    return render(request, "users/email_confirm.html", {"change": change})


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest) -> HttpResponse:
    try:
        if request.method == "POST":
            change = undo_change(request)
            return render(request, "users/email_undone.html", {"change": change})
        change = _kept(request, UNDO, change_to_undo)
    except (LinkUnusable, EmailTaken):
        return render(request, "users/email_undo_refused.html", status=404)
    return render(request, "users/email_undo.html", {"change": change})


Finder = Callable[[UUID, str], EmailAddressChange]


def _open(
    request: HttpRequest, purpose: str, find: Finder, change_id: UUID, token_hash: str, *, page: str
) -> HttpResponse:
    """On to ``page``, which needs no token; it also says what is wrong with a bad one."""
    try:
        find(change_id, token_hash)
    except LinkUnusable:
        # Not this one's page then, but neither a former link's.
        link_session.drop(request, purpose)
    else:
        link_session.keep(request, purpose, change_id, token_hash)
    return without_referrer(redirect(page))


def _kept(request: HttpRequest, purpose: str, find: Finder) -> EmailAddressChange:
    found = link_session.kept(request, purpose)
    if found is None:
        raise LinkUnusable
    return find(*found)
