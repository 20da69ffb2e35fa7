"""Signing up (row Z1): an address, a link, one form."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms.signup import SignUpForm
from accounts.signup import NewCustomer, ask_to_sign_up, finish_sign_up
from users.creating import EmailTaken
from users.forms import NewEmailForm
from users.links import (
    LinkExpired,
    LinkUnusable,
    Purpose,
    kept_link,
    link_refused,
    open_link,
)

_AGAIN = "accounts:sign_up"


@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("portal:home")
    form = NewEmailForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        ask_to_sign_up(request, email=form.cleaned_data["email"])
        return redirect("accounts:sign_up_sent")
    return render(request, "accounts/sign_up.html", {"form": form})


@require_safe
def sign_up_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/sign_up_sent.html")


@require_safe
def sign_up_link(request: HttpRequest, link_id: UUID, token_hash: str) -> HttpResponse:
    return open_link(
        request, Purpose.SIGN_UP, link_id, token_hash, page="accounts:sign_up_finish", again=_AGAIN
    )


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up_finish(request: HttpRequest) -> HttpResponse:
    try:
        link = kept_link(request, Purpose.SIGN_UP)
        form = SignUpForm(request.POST if request.method == "POST" else None, email=link.email)
        if form.is_valid():
            return _finished(request, form)
    except EmailTaken as refusal:
        return render(request, "accounts/sign_up_taken.html", {"refusal": refusal}, status=409)
    except (LinkUnusable, LinkExpired) as refusal:
        if request.user.is_authenticated:
            # The form was sent twice, or is open in another tab.
            messages.info(request, _("You have signed up already."))
            return redirect("portal:home")
        return link_refused(request, refusal, again=_AGAIN)
    return render(request, "accounts/sign_up_finish.html", {"form": form, "email": link.email})


def _finished(request: HttpRequest, form: SignUpForm) -> HttpResponse:
    given = form.cleaned_data
    account = finish_sign_up(
        request,
        NewCustomer(
            first_name=given["first_name"],
            last_name=given["last_name"],
            organisation=given["organisation"],
            country=given["country"],
            password=given["password"],
            language=get_language() or "en",
            timezone=given["timezone"],
        ),
    )
    words = _("Welcome, %(name)s. Your account %(number)s is open.")
    messages.success(request, words % {"name": given["first_name"], "number": account.number})
    return redirect("account:overview", account.number)
