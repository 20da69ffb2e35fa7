"""An account that staff offered: opened from the mail, accepted by the person it is for."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignInRequired
from accounts.account_offers import (
    PURPOSE,
    AccountOfferOver,
    accept_account,
    decline_account,
    find_by_link,
    is_expired,
)
from accounts.models import AccountOffer
from audit.acting import actor_of
from common import link_session
from users.models import User


@require_safe
def link(request: HttpRequest, offer_id: UUID, token_hash: str) -> HttpResponse:
    """Takes the token out of the address. Consumes nothing: mail scanners open links too."""
    if find_by_link(offer_id, token_hash) is None:
        return link_session.without_referrer(_of_no_use(request))
    return link_session.open_page(
        request, PURPOSE, offer_id, token_hash, page="accounts:account_offer"
    )


@require_http_methods(["GET", "HEAD", "POST"])
def account_offer(request: HttpRequest) -> HttpResponse:
    """What is offered; POST accepts."""
    offer = _kept(request)
    if offer is None:
        return _of_no_use(request)
    user = _person(request)
    if offer.to_user_id != user.pk:
        return render(request, "accounts/new_account/anothers.html", status=HTTPStatus.FORBIDDEN)
    if (ended := _ended(request, offer)) is not None:
        return ended
    if request.method == "POST":
        account = accept_account(offer.pk, by=user, actor=actor_of(request))
        messages.success(request, _("The account is open, and you are its owner."))
        return redirect("account:overview", account.number)
    return render(request, "accounts/new_account/offer.html", {"offer": offer})


@require_POST
def decline(request: HttpRequest) -> HttpResponse:
    offer = _kept(request)
    if offer is None:
        return _of_no_use(request)
    try:
        decline_account(offer.pk, by=_person(request), actor=actor_of(request))
    except AccountOfferOver as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _("You have declined the account. None was opened."))
    link_session.drop(request, PURPOSE)
    return redirect("portal:accounts")


def _ended(request: HttpRequest, offer: AccountOffer) -> HttpResponse | None:
    """What is said of an offer that can be accepted no more; None of one that can."""
    if offer.opened is not None:
        messages.info(request, _("You have accepted this account already."))
        return redirect("account:overview", offer.opened.number)
    if offer.state != AccountOffer.State.PENDING:
        return _of_no_use(request)
    if is_expired(offer):
        context = {"offer": offer}
        return render(request, "accounts/new_account/expired.html", context, status=HTTPStatus.GONE)
    return None


def _kept(request: HttpRequest) -> AccountOffer | None:
    """The offer whose link this browser has opened, checked again at each request."""
    kept = link_session.kept(request, PURPOSE)
    return find_by_link(*kept) if kept else None


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise SignInRequired
    return request.user


def _of_no_use(request: HttpRequest) -> HttpResponse:
    """Used, withdrawn or altered: what to do, and nothing about anybody."""
    return render(request, "accounts/new_account/no_offer.html", status=HTTPStatus.NOT_FOUND)
