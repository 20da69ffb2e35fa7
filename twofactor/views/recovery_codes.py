from collections.abc import Sequence
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from twofactor.enabling import renew_codes
from twofactor.errands import Errand
from twofactor.forms import RenewCodesForm
from twofactor.methods import methods_of
from twofactor.proving import changes_methods
from users.models import User
from users.signed_in import person_page, shows_and_takes

_MADE_ALREADY = "made"


@shows_and_takes
@changes_methods
@person_page
def codes(request: HttpRequest, user: User) -> HttpResponse:
    """Asks whether new ones are wanted; they are shown once, in the answer that made them."""
    methods = methods_of(user)
    if not methods.is_enabled:
        words = _("Recovery codes are made when two-factor authentication is turned on.")
        messages.info(request, words)
        return redirect("twofactor:overview")
    if request.method == "POST":
        return _renew(request, user)
    if _MADE_ALREADY in request.GET:
        words = _("New codes were made already. If you did not keep them, make new ones again.")
        messages.info(request, words)
    context = {
        "methods": methods,
        "form": RenewCodesForm(initial={"version": methods.codes.version if methods.codes else 0}),
        "consequences": [
            _("You get ten new codes, shown once."),
            _("The codes that you have now stop working."),
            _("You are signed out everywhere but here."),
            _("We tell you by email."),
        ],
    }
    return render(request, "twofactor/recovery_codes.html", context)


def _renew(request: HttpRequest, user: User) -> HttpResponse:
    form = RenewCodesForm(request.POST)
    made = renew_codes(request, user, **form.cleaned_data) if form.is_valid() else []
    if not made:
        # In the address: the other click may have ended the session that this one came in.
        return redirect(f"{reverse('twofactor:recovery_codes')}?{_MADE_ALREADY}=1")
    return show_codes(request, user, made, errand=Errand(), is_new=False)


def show_codes(
    request: HttpRequest, user: User, made: Sequence[str], *, errand: Errand, is_new: bool
) -> HttpResponse:
    """The only page they ever stand on. ``is_new``: two-factor was turned on with them."""
    context = {
        "codes": made,
        "is_new": is_new,
        "made_on": timezone.localdate(),
        "download": _as_file(user, made),
        "file_name": _("recovery-codes.txt"),
        "errand": errand,
        "onward": errand.next_page or reverse("twofactor:overview"),
    }
    return render(request, "twofactor/codes.html", context)


def _as_file(user: User, made: Sequence[str]) -> str:
    """The address of a text file with them, which holds all of it: none is kept anywhere."""
    heading = _("Recovery codes of %(email)s at %(operator)s. Each works once.") % {
        "email": user.email,
        "operator": settings.OPERATOR_NAME,
    }
    made_on = _("Made on %(day)s.") % {
        "day": formats.date_format(timezone.localdate(), "DATE_FORMAT")
    }
    text = "\r\n".join([heading, made_on, settings.SITE_URL, "", *made, ""])
    return f"data:text/plain;charset=utf-8,{quote(text)}"
