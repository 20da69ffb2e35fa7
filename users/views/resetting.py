from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from users.forms import EmailForm, NewPasswordForm
from users.links import (
    LinkExpired,
    LinkUnusable,
    Purpose,
    kept_link,
    link_refused,
    open_link,
)
from users.resetting import ask_for_reset, reset_password, user_of_reset

_AGAIN = "users:password_reset"


@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        ask_for_reset(request, email=form.cleaned_data["email"])
        return redirect("users:password_reset_sent")
    return render(request, "users/password_reset.html", {"form": form})


@require_safe
def password_reset_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "users/password_reset_sent.html")


@require_safe
def password_reset_link(request: HttpRequest, link_id: UUID, token_hash: str) -> HttpResponse:
    return open_link(
        request,
        Purpose.PASSWORD_RESET,
        link_id,
        token_hash,
        page="users:password_reset_new",
        again=_AGAIN,
    )


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset_new(request: HttpRequest) -> HttpResponse:
    try:
        user = user_of_reset(kept_link(request, Purpose.PASSWORD_RESET))
        form = NewPasswordForm(request.POST if request.method == "POST" else None, user=user)
        if form.is_valid():
            reset_password(request, password=form.cleaned_data["password"])
            messages.success(request, _("Your password is changed. Sign in with the new one."))
            return redirect("users:sign_in")
    except (LinkUnusable, LinkExpired) as refusal:
        return link_refused(request, refusal, again=_AGAIN)
    return render(request, "users/password_reset_new.html", {"form": form, "email": user.email})
