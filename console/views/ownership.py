"""Handing an account over to another owner, and stopping that (rows U9 and Z5)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.member_mail import person_in_words
from accounts.models import Account, Membership
from accounts.ownership import (
    HAND_OVER_WAITS,
    OwnershipChangeOver,
    OwnershipChangePending,
    pending_change,
    start_hand_over,
    stop_change,
)
from audit.acting import actor_of
from common.exceptions import DomainError
from common.scoping import account_scope
from console.access import CHANGE_ACCOUNTS, staff_member, staff_page
from console.forms import HandOverForm
from users.confirming import confirmed_recently


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(permission=CHANGE_ACCOUNTS)
@confirmed_recently
def hand_over(request: HttpRequest, account_number: int) -> HttpResponse:
    account = get_object_or_404(Account, number=account_number)
    with account_scope(account):
        if pending_change(account) is not None:
            messages.info(request, str(OwnershipChangePending()))
            return redirect("console:customer", account.number)
        owner = Membership.objects.select_related("user").get(account=account, is_owner=True)
    form = HandOverForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _started(request, account, form)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    context = {
        "account": account,
        "owner": person_in_words(owner.user),
        "form": form,
        "hours": int(HAND_OVER_WAITS.total_seconds() // 3600),
    }
    return render(request, "console/hand_over.html", context)


@require_POST
@staff_page(permission=CHANGE_ACCOUNTS)
def stop_hand_over(request: HttpRequest, account_number: int) -> HttpResponse:
    """Also an offer of the owner's, when it stands in the way of a hand-over."""
    account = get_object_or_404(Account, number=account_number)
    try:
        stop_change(account, actor=actor_of(request))
    except OwnershipChangeOver as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, "Stopped. Everybody who had been told is told so.")
    return redirect("console:customer", account.number)


def _started(request: HttpRequest, account: Account, form: HandOverForm) -> HttpResponse:
    given = form.cleaned_data
    change = start_hand_over(
        account,
        to=given["new_owner"],
        by=staff_member(request),
        reason=given["reason"],
        check=given["check"],
        keeps_access=given["keeps_access"],
        actor=actor_of(request),
    )
    messages.success(
        request,
        f"The account passes to {person_in_words(change.to_user)} in"
        f" {int(HAND_OVER_WAITS.total_seconds() // 3600)} hours. Both people and the contacts have"
        " been sent an email.",
    )
    return redirect("console:customer", account.number)
