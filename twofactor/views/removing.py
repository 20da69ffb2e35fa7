from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from twofactor.methods import confirmed_app, confirmed_phone, methods_of, name_of
from twofactor.models import AuthenticatorApp, SmsPhone
from twofactor.proving import changes_methods
from twofactor.refusals import StillRequired, reason_of
from twofactor.removing import is_last, remove_method, require_removable
from users.models import User
from users.signed_in import person_page, shows_and_takes


@shows_and_takes
@changes_methods
@person_page
def remove_app(request: HttpRequest, user: User, app_id: UUID) -> HttpResponse:
    return _page(request, user, confirmed_app(user, app_id))


@shows_and_takes
@changes_methods
@person_page
def remove_phone(request: HttpRequest, user: User, phone_id: UUID) -> HttpResponse:
    return _page(request, user, confirmed_phone(user, phone_id))


def _page(
    request: HttpRequest, user: User, device: AuthenticatorApp | SmsPhone | None
) -> HttpResponse:
    """What removing ``device`` brings, or why it cannot be; a POST does it.

    None is a method that was removed already, by another click or in another browser.
    """
    if device is None:
        return _gone(request)
    try:
        if request.method == "POST":
            if not remove_method(request, user, device):
                return _gone(request)
            messages.success(request, _("%(name)s is removed.") % {"name": name_of(device)})
            return redirect("twofactor:overview")
        require_removable(user, without=device)
    except StillRequired as refusal:
        return refusal_page(
            request,
            refusal,
            heading=_("You cannot remove %(name)s now") % {"name": name_of(device)},
            way_out=_("Set up another method that is accepted there. Then remove this one."),
        )
    context = {
        "method": name_of(device),
        "consequences": _consequences(user, device),
        "cancel": reverse("twofactor:overview"),
    }
    return render(request, "twofactor/remove.html", context)


def _consequences(user: User, device: AuthenticatorApp | SmsPhone) -> list[str]:
    methods = methods_of(user)
    said = [_("Codes of %(name)s no longer work.") % {"name": name_of(device)}]
    if methods.is_enabled and is_last(methods, device):
        said += [
            _("It is your last method, so two-factor authentication is turned off."),
            _("Your recovery codes stop working."),
        ]
    return [
        *said,
        _("You are signed out everywhere but here."),
        _("We tell you by email."),
    ]


def refusal_page(
    request: HttpRequest, refusal: StillRequired, *, heading: str, way_out: str
) -> HttpResponse:
    """Who requires it, and what can be done (docs/decisions/0142)."""
    context = {
        "heading": heading,
        "reasons": [(reason_of(each), each.stop_page) for each in refusal.required_by],
        "way_out": way_out,
    }
    status = HTTPStatus.CONFLICT if request.method == "POST" else HTTPStatus.OK
    return render(request, "twofactor/refused.html", context, status=status)


def _gone(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("This method was removed already."))
    return redirect("twofactor:overview")
