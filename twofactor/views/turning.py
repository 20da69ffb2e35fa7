from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from twofactor.enabling import disable, enable
from twofactor.errands import Errand, errand_of, overview_address
from twofactor.methods import is_enabled
from twofactor.proving import changes_methods
from twofactor.refusals import NoMethod, StillRequired
from twofactor.requirements import requirements_of
from twofactor.views.recovery_codes import show_codes
from twofactor.views.removing import refusal_page
from users.models import User
from users.redirecting import destination
from users.signed_in import person_page, shows_and_takes


@require_POST
@changes_methods
@person_page
def turn_on(request: HttpRequest, user: User) -> HttpResponse:
    errand = errand_of(request)
    try:
        codes = enable(request, user)
    except NoMethod as refusal:
        messages.info(request, str(refusal))
        return redirect(overview_address(errand))
    if not codes:
        messages.info(request, _("Two-factor authentication is on already."))
        return redirect(overview_address(errand))
    return show_codes(request, user, codes, errand=errand, is_new=True)


@shows_and_takes
@changes_methods
@person_page
def turn_off(request: HttpRequest, user: User) -> HttpResponse:
    if not is_enabled(user):
        return _off_already(request)
    if request.method == "POST":
        try:
            if not disable(request, user):
                return _off_already(request)
        except StillRequired as refusal:
            return _refused(request, refusal)
        messages.success(request, _("Two-factor authentication is off."))
        return redirect("twofactor:overview")
    if required_by := requirements_of(user):
        return _refused(request, StillRequired(required_by))
    context = {
        "cancel": reverse("twofactor:overview"),
        "consequences": [
            _("From then on your password alone signs you in."),
            _("Your recovery codes stop working."),
            _("Your methods stay set up, so that you can turn it on again."),
            _("You are signed out everywhere but here."),
            _("We tell you by email."),
        ],
    }
    return render(request, "twofactor/turn_off.html", context)


def after_method_added(
    request: HttpRequest, user: User, errand: Errand, *, name: str
) -> HttpResponse:
    """On from the page where a method was confirmed.

    Who was sent to set one up has it turned on with it, and then goes back to where they were.
    """
    if errand.is_on_demand and (codes := enable(request, user)):
        return show_codes(request, user, codes, errand=errand, is_new=True)
    messages.success(request, _("%(name)s is set up.") % {"name": name})
    if errand.next_page and is_enabled(user):
        return HttpResponseRedirect(destination(errand.next_page))
    return redirect(overview_address(errand))


def _off_already(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("Two-factor authentication is off already."))
    return redirect("twofactor:overview")


def _refused(request: HttpRequest, refusal: StillRequired) -> HttpResponse:
    if all(each.stop_page for each in refusal.required_by):
        way_out = _("It can be turned off once nobody requires it.")
    else:
        way_out = _(
            "It can be turned off once nobody requires it. A user manager of an account can exempt "
            "you there."
        )
    return refusal_page(request, refusal, heading=_("You cannot turn it off now"), way_out=way_out)
