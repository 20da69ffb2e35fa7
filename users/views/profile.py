from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from users.changing_address import ask_for_change
from users.closing import CannotClose, close_user, obstacles_of
from users.confirming import confirmed_recently, require_recent
from users.forms import CloseForm, EmailChangeForm, PasswordChangeForm, ProfileForm
from users.models import User
from users.passwords import change_password
from users.profile import FIELDS, change_profile
from users.signed_in import is_own_password, person_page, shows_and_takes


@shows_and_takes
@person_page
def profile(request: HttpRequest, user: User) -> HttpResponse:
    initial = {name: getattr(user, name) for name in FIELDS}
    form = ProfileForm(_sent(request), initial=initial, user=user)
    if form.is_valid():
        if form.cleaned_data["phone"] != user.phone:
            require_recent(request)
        changed = change_profile(request, user, form.cleaned_data)
        with translation.override(user.language):
            words = _("Your profile is saved.") if changed else _("Nothing was changed.")
        messages.success(request, words)
        return redirect("users:profile")
    return render(request, "users/profile.html", {"form": form, "person": user})


@shows_and_takes
@confirmed_recently
@person_page
def email(request: HttpRequest, user: User) -> HttpResponse:
    form = EmailChangeForm(_sent(request), user=user)
    if form.is_valid():
        new_email = form.cleaned_data["new_email"]
        ask_for_change(request, user, new_email=new_email)
        messages.success(
            request,
            _("We sent a link to %(address)s. Open it within 24 hours to use that address.")
            % {"address": new_email},
        )
        return redirect("users:email")
    return render(request, "users/email.html", {"form": form, "person": user})


@sensitive_post_parameters("current_password", "password")
@shows_and_takes
@confirmed_recently
@person_page
def password(request: HttpRequest, user: User) -> HttpResponse:
    form = PasswordChangeForm(_sent(request), user=user)
    if form.is_valid() and is_own_password(request, user, form, field="current_password"):
        change_password(request, user, password=form.cleaned_data["password"])
        messages.success(
            request, _("Your password is changed. You were signed out everywhere else.")
        )
        return redirect("users:password")
    return render(request, "users/password.html", {"form": form, "person": user})


@shows_and_takes
@confirmed_recently
@person_page
def close(request: HttpRequest, user: User) -> HttpResponse:
    form = CloseForm(_sent(request), user=user)
    if form.is_valid():
        try:
            close_user(request, user)
        except CannotClose:
            return redirect("users:close")
        messages.success(request, _("Your user ID is closed."))
        return redirect("users:sign_in")
    context = {
        "form": form,
        "obstacles": obstacles_of(user),
        "consequences": [
            _("You are signed out everywhere, and can no longer sign in."),
            _("You leave every account that you are a user of."),
            _("Your name and phone number are removed. What you did stays in the records."),
            _("%(email)s can be used to sign up again, as somebody new.") % {"email": user.email},
        ],
    }
    return render(request, "users/close.html", context)


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None
