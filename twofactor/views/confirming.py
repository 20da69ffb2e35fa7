"""The page that asks who sits there, at the address of what they want to do."""

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from twofactor.acts import act_at
from twofactor.choosing import Asked, ask
from twofactor.code_forms import ConfirmForm
from twofactor.confirming import (
    WrongPassword,
    bound_to,
    confirm,
    kinds_asked,
    send_confirmation_code,
)
from twofactor.methods import Kind
from twofactor.sms.refusals import SmsRefused
from twofactor.typed_codes import WrongCode
from users.confirming import RECENT, is_recent
from users.models import User
from users.rate_limits import TooManyAttempts, seconds_until

# Each field of this page starts with it; everything else is what was sent to the page behind.
_PREFIX = "confirm"
_FOR = f"{_PREFIX}-for"
_METHOD = f"{_PREFIX}-method"
_SEND = f"{_PREFIX}-send"
_USE = f"{_PREFIX}-use"
_CSRF = "csrfmiddlewaretoken"
# Never written into a page: whoever typed one types it again.
_SECRET = "password"  # noqa: S105 - part of fields' names


def is_confirmation(sent: QueryDict) -> bool:
    """Whether this is what our page sends."""
    return _FOR in sent


def confirmation_page(request: HttpRequest) -> HttpResponse:
    """Ask, before anything is done with what was sent."""
    assert isinstance(request.user, User)  # noqa: S101 - nobody else is asked
    asked = _asked(request, request.user, wanted="")
    form = ConfirmForm(asked=asked, prefix=_PREFIX)
    was_shown = request.method in {"GET", "HEAD"}
    return _page(request, form, asked, kept=[] if was_shown else list(_replayed(request.POST)))


def take_confirmation(request: HttpRequest, user: User) -> HttpResponse | None:
    """The answer to what the page sent; None when the page behind goes on with the rest of it."""
    sent = request.POST
    kept = list(_replayed(sent))
    if _USE in sent:
        asked = _asked(request, user, wanted=sent[_USE])
        form = ConfirmForm(asked=asked, prefix=_PREFIX)
        return _page(request, form, asked, kept=kept)
    if _SEND in sent:
        return _send(request, user, kept)
    asked = _asked(request, user, wanted=sent.get(_METHOD, ""))
    form = ConfirmForm(sent, asked=asked, prefix=_PREFIX)
    too_many: TooManyAttempts | None = None
    if form.is_valid():
        try:
            confirm(
                request,
                user,
                password=form.cleaned_data["password"],
                kind=asked.kind if asked else None,
                code=form.cleaned_data.get("code", ""),
            )
            return _go_on(request, kept)
        except WrongPassword as refusal:
            form.add_error("password", str(refusal))
        except WrongCode as refusal:
            form.add_error("code" if "code" in form.fields else None, str(refusal))
        except TooManyAttempts as refusal:
            form.add_error(None, refusal.in_words())
            too_many = refusal
    return _page(request, form, asked, kept=kept, refusal=too_many)


def _send(request: HttpRequest, user: User, kept: list[tuple[str, str]]) -> HttpResponse:
    """A text message; whatever was typed beside is not looked at."""
    too_many: TooManyAttempts | None = None
    asked = _asked(request, user, wanted=Kind.SMS)
    phone = asked.methods.phone if asked and asked.kind is Kind.SMS else None
    if phone is not None:
        try:
            send_confirmation_code(request, phone)
            messages.success(request, _("We sent you a code."))
        except SmsRefused as refusal:
            messages.error(request, str(refusal))
        except TooManyAttempts as refusal:
            messages.error(request, refusal.in_words())
            too_many = refusal
        asked = _asked(request, user, wanted=Kind.SMS)
    form = ConfirmForm(asked=asked, prefix=_PREFIX)
    return _page(request, form, asked, kept=kept, refusal=too_many)


def _go_on(request: HttpRequest, kept: list[tuple[str, str]]) -> HttpResponse | None:
    """The page is shown that was asked for; or it goes on with what was sent to it."""
    if request.POST[_FOR] != "POST":
        return HttpResponseRedirect(request.get_full_path())
    sent = QueryDict(mutable=True)
    for name, value in kept:
        sent.appendlist(name, value)
    sent[_CSRF] = request.POST.get(_CSRF, "")
    request.POST = sent  # type: ignore[assignment]
    return None


def _asked(request: HttpRequest, user: User, *, wanted: str) -> Asked | None:
    """The method that is asked for; None where the password suffices."""
    kinds = kinds_asked(request, user)
    return ask(user, wanted=wanted, bound_to=bound_to(request), kinds=kinds) if kinds else None


def _replayed(sent: QueryDict) -> Iterator[tuple[str, str]]:
    """What is not ours: what was sent to the page behind, to be sent again."""
    for name, values in sent.lists():
        if name != _CSRF and not name.startswith(f"{_PREFIX}-") and _SECRET not in name:
            for value in values:
                yield name, str(value)


def _page(
    request: HttpRequest,
    form: ConfirmForm,
    asked: Asked | None,
    *,
    kept: list[tuple[str, str]],
    refusal: TooManyAttempts | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "asked": asked,
        "kept": kept,
        "address": request.get_full_path(),
        "act": act_at(request),
        "is_recent": is_recent(request),
        "recent_minutes": RECENT // timedelta(minutes=1),
        # The person may wonder where it is.
        "takes_no_sms": asked is not None and asked.is_left_out(Kind.SMS),
        "sent_by": request.POST.get(_FOR, request.method),
    }
    response = render(request, "twofactor/confirm.html", context)
    if refusal is not None:
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response["Retry-After"] = seconds_until(refusal.retry_at)
    return response
