"""Opening another account for somebody who has a user ID, who accepts by mail (row Z6)."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.account_offers import (
    AccountOfferOver,
    WantedAccount,
    offer_account,
    open_offers,
    withdraw_account,
)
from accounts.member_mail import person_in_words
from accounts.models import Account
from audit.acting import actor_of
from common.exceptions import DomainError
from console.access import CHANGE_ACCOUNTS, staff_member, staff_page
from console.forms import AccountOfferForm


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(permission=CHANGE_ACCOUNTS)
def new_account(request: HttpRequest) -> HttpResponse:
    initial = {"to": request.GET.get("to", ""), "timezone": "UTC"}
    form = AccountOfferForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return _offered(request, form)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    return render(request, "console/new_account.html", {"form": form, "offers": open_offers()})


@require_POST
@staff_page(permission=CHANGE_ACCOUNTS)
def withdraw(request: HttpRequest, offer_id: UUID) -> HttpResponse:
    try:
        offer = withdraw_account(offer_id, actor=actor_of(request))
    except AccountOfferOver as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, f"Withdrawn: {offer.name}. The link in the email has ended.")
    return redirect("console:new_account")


def _offered(request: HttpRequest, form: AccountOfferForm) -> HttpResponse:
    given = form.cleaned_data
    wanted = WantedAccount(
        Account.Kind(given["kind"]), given["name"], given["country"], given["timezone"]
    )
    offer_account(wanted, to=given["to"], by=staff_member(request), actor=actor_of(request))
    messages.success(
        request,
        f"{person_in_words(given['to'])} has been sent an email. The account begins when they"
        " accept.",
    )
    return redirect("console:new_account")
