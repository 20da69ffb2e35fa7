import itertools
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from twofactor import renaming, totp
from twofactor.errands import errand_of, overview_address
from twofactor.forms import AppCodeForm, AppNameForm
from twofactor.methods import is_enabled, methods_of
from twofactor.models import AuthenticatorApp
from twofactor.proving import changes_methods
from twofactor.qr import picture_of
from twofactor.refusals import TooManyApps
from twofactor.typed_codes import WrongCode
from twofactor.views.turning import after_method_added
from users.models import User
from users.signed_in import person_page, shows_and_takes


@require_POST
@changes_methods
@person_page
def add_app(request: HttpRequest, user: User) -> HttpResponse:
    """A new secret, which the next page shows."""
    try:
        begun = totp.begin_set_up(user)
    except TooManyApps as refusal:
        messages.error(request, str(refusal))
        return redirect(overview_address(errand_of(request)))
    address = reverse("twofactor:app", args=[begun.public_id])
    return redirect(address + errand_of(request).query)


@sensitive_post_parameters("code")
@shows_and_takes
@changes_methods
@person_page
def app(request: HttpRequest, user: User, app_id: UUID) -> HttpResponse:
    """The QR code, once: a confirmed app's secret is never shown again."""
    errand = errand_of(request)
    found = AuthenticatorApp.objects.filter(user=user, public_id=app_id).first()
    if found is None or found.confirmed:
        return _no_set_up(request, is_done=found is not None)
    taken = [each.name for each in methods_of(user).apps]
    form = AppCodeForm(
        request.POST if request.method == "POST" else None,
        taken=taken,
        initial={"name": _free_name(taken)},
    )
    if form.is_valid():
        try:
            totp.confirm_app(request, user, app_id, **form.cleaned_data)
            return after_method_added(request, user, errand, name=form.cleaned_data["name"])
        except WrongCode as refusal:
            form.add_error("code", str(refusal))
    address = totp.provisioning_uri(found, user)
    context = {
        "form": form,
        "is_enabled": is_enabled(user),
        "address": address,
        "picture": picture_of(address),
        "key": totp.typed_key(found),
        "errand": errand,
        "cancel": overview_address(errand),
    }
    return render(request, "twofactor/app.html", context)


@shows_and_takes
@changes_methods
@person_page
def rename_app(request: HttpRequest, user: User, app_id: UUID) -> HttpResponse:
    found = get_object_or_404(AuthenticatorApp, user=user, public_id=app_id, confirmed=True)
    taken = [each.name for each in methods_of(user).apps if each != found]
    form = AppNameForm(
        request.POST if request.method == "POST" else None,
        taken=taken,
        initial={"name": found.name},
    )
    if form.is_valid():
        if renaming.rename_app(request, user, app_id, name=form.cleaned_data["name"]):
            messages.success(request, _("The name is changed."))
        else:
            messages.info(request, _("Nothing was changed."))
        return redirect("twofactor:overview")
    context = {"form": form, "method": found.name, "cancel": reverse("twofactor:overview")}
    return render(request, "twofactor/rename.html", context)


def _no_set_up(request: HttpRequest, *, is_done: bool) -> HttpResponse:
    if is_done:
        messages.info(request, _("This app is set up already."))
    else:
        messages.info(request, _("You can no longer scan that code. Start again."))
    return redirect(overview_address(errand_of(request)))


def _free_name(taken: list[str]) -> str:
    """What the next app is called unless its person says otherwise."""
    first = _("Authenticator app")
    names = itertools.chain([first], (f"{first} {number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)
