"""The page of one person, and the reset of their two-factor authentication."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.member_mail import person_in_words
from audit.acting import actor_of
from common.exceptions import DomainError
from console.access import staff_member, staff_page
from console.forms import TwoFactorResetForm
from console.people import CHANGE_PEOPLE, read_person
from twofactor.methods import is_enabled
from twofactor.reset_refusals import (
    NothingToReset,
    ResetOfOneself,
    ResetOfSuperuser,
    ResetPending,
)
from twofactor.resetting import open_resets, pending_reset, require_resettable, start_reset
from users.confirming import confirmed_recently
from users.models import User


@require_safe
@staff_page()
def person(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    shown = read_person(user)
    context = {
        "person": shown,
        "name": user.get_full_name() or user.email,
        "may_reset": shown.methods.is_enabled
        and shown.pending_reset is None
        and user.is_active
        and _refusal(request, user) is None,
    }
    return render(request, "console/person.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(permission=CHANGE_PEOPLE)
@confirmed_recently
def reset_two_factor(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    if refusal := _obstacle(request, user):
        messages.info(request, str(refusal))
        return redirect("console:person", user.pk)
    form = TwoFactorResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _started(request, user, form)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    context = {
        "person": user,
        "name": person_in_words(user),
        "form": form,
        "hours": int(settings.TWO_FACTOR_RESET_DELAY.total_seconds() // 3600),
    }
    return render(request, "console/reset_two_factor.html", context)


@require_safe
@staff_page()
def two_factor_resets(request: HttpRequest) -> HttpResponse:
    return render(request, "console/two_factor_resets.html", {"resets": open_resets()})


def _obstacle(request: HttpRequest, user: User) -> DomainError | None:
    """What stands in the way before anybody has typed a word; looked at again under the lock."""
    if refusal := _refusal(request, user):
        return refusal
    if pending_reset(user) is not None:
        return ResetPending()
    return None if is_enabled(user) else NothingToReset()


def _refusal(request: HttpRequest, user: User) -> DomainError | None:
    """Why it is not for the reader to reset ``user``, whatever ``user`` has set up."""
    try:
        require_resettable(user, by=staff_member(request))
    except (ResetOfOneself, ResetOfSuperuser) as refusal:
        return refusal
    return None


def _started(request: HttpRequest, user: User, form: TwoFactorResetForm) -> HttpResponse:
    reset = start_reset(
        user,
        by=staff_member(request),
        reason=form.cleaned_data["reason"],
        check=form.cleaned_data["check"],
        actor=actor_of(request),
    )
    due = reset.due_at.strftime("%-d %B %Y, %H:%M UTC")
    messages.success(
        request, f"The reset happens on {due}. The person and everybody concerned have been told."
    )
    return redirect("console:person", user.pk)
