"""Passing an account on: what is under way, offering, accepting, declining, stopping."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Access, AccountClosed, account_page, render_page
from accounts.forms.ownership import OfferForm, possible_owners
from accounts.member_mail import person_in_words
from accounts.models import Membership, OwnershipChange
from accounts.ownership import (
    OFFER_VALID_FOR,
    NewOwnerUnusable,
    OwnershipChangeOver,
    OwnershipChangePending,
    TooManyOffers,
    accept_offer,
    decline_offer,
    offer_ownership,
    pending_change,
    stop_change,
)
from accounts.permissions import ANY_MEMBER, Permission
from audit.acting import actor_of
from users.confirming import confirmed_recently


@require_safe
@account_page(ANY_MEMBER)
def ownership(request: HttpRequest, access: Access) -> HttpResponse:
    """Who owns the account, and what is under way, as far as it concerns the reader."""
    owner = Membership.objects.select_related("user").get(account=access.account, is_owner=True)
    change = pending_change(access.account)
    context = {
        "owner": person_in_words(owner.user),
        "is_owner": access.membership.is_owner,
        "others_can_own": possible_owners(access.account).exists(),
        **_under_way(access, change),
    }
    return render_page(request, access, "accounts/ownership/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.OWNERSHIP_OFFER)
@confirmed_recently
def offer(request: HttpRequest, access: Access) -> HttpResponse:
    if access.is_read_only:
        raise AccountClosed
    if pending_change(access.account) is not None:
        messages.info(request, str(OwnershipChangePending()))
        return _back(access)
    form = OfferForm(request.POST or None, account=access.account)
    if request.method == "POST" and form.is_valid():
        try:
            return _offered(request, access, form)
        except (NewOwnerUnusable, TooManyOffers) as refusal:
            form.add_error(None, str(refusal))
    context = {
        "form": form,
        "others_can_own": possible_owners(access.account).exists(),
        "days": OFFER_VALID_FOR.days,
    }
    return render_page(request, access, "accounts/ownership/offer.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(ANY_MEMBER)
@confirmed_recently
def accept(request: HttpRequest, access: Access) -> HttpResponse:
    """The offer's consequences, for whom it is made; POST takes the account over."""
    if request.method == "POST":
        return _accepted(request, access)
    change = pending_change(access.account)
    if change is None or not _is_offered_to(access, change):
        return _nothing_to_answer(request, access)
    context = {
        "change": change,
        "consequences": _consequences(change),
    }
    return render_page(request, access, "accounts/ownership/accept.html", context)


@require_POST
@account_page(ANY_MEMBER, open_when_closed=True)
def decline(request: HttpRequest, access: Access) -> HttpResponse:
    try:
        change = decline_offer(access.account, by=access.user, actor=actor_of(request))
    except OwnershipChangeOver:
        return _nothing_to_answer(request, access)
    words = _("You have declined. %(owner)s stays the owner, and is told so.")
    messages.success(request, words % {"owner": person_in_words(change.from_user)})
    return _back(access)


@require_POST
@account_page(Permission.OWNERSHIP_OFFER, open_when_closed=True)
def stop(request: HttpRequest, access: Access) -> HttpResponse:
    """For the owner, whichever kind of change it is; a second click finds nothing to stop."""
    try:
        stop_change(access.account, actor=actor_of(request))
    except OwnershipChangeOver as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _("Stopped. You stay the owner, and everybody told is told so."))
    return _back(access)


def _under_way(access: Access, change: OwnershipChange | None) -> dict[str, Any]:
    """The change for those whom it concerns; for others there is none."""
    if change is None:
        return {}
    is_offered = _is_offered_to(access, change)
    concerns = access.user.pk in (change.from_user_id, change.to_user_id)
    if not concerns:
        return {}
    return {
        "change": change,
        "is_offer": change.kind == OwnershipChange.Kind.OFFER,
        "is_offered": is_offered,
        "new_owner": person_in_words(change.to_user),
    }


def _is_offered_to(access: Access, change: OwnershipChange) -> bool:
    is_offer = change.kind == OwnershipChange.Kind.OFFER
    return is_offer and change.to_user_id == access.user.pk


def _offered(request: HttpRequest, access: Access, form: OfferForm) -> HttpResponse:
    to = form.cleaned_data["to"]
    offer_ownership(
        access.account,
        to=to,
        by=access.user,
        keeps_access=form.cleaned_data["keeps_access"],
        actor=actor_of(request),
    )
    words = _("You have offered the account to %(person)s, who has been sent an email.")
    messages.success(request, words % {"person": person_in_words(to)})
    return _back(access)


def _accepted(request: HttpRequest, access: Access) -> HttpResponse:
    try:
        accept_offer(access.account, by=access.user, actor=actor_of(request))
    except OwnershipChangeOver:
        return _nothing_to_answer(request, access)
    messages.success(request, _("You are now the owner of this account."))
    return _back(access)


def _nothing_to_answer(request: HttpRequest, access: Access) -> HttpResponse:
    """A second click, an offer that has ended, or an address that somebody typed."""
    is_owner = Membership.objects.filter(pk=access.membership.pk, is_owner=True).exists()
    if is_owner:
        messages.info(request, _("You are the owner of this account already."))
        return _back(access)
    was_theirs = OwnershipChange.objects.filter(account=access.account, to_user=access.user)
    if not was_theirs.exists():
        raise Http404
    messages.info(request, str(OwnershipChangeOver()))
    return _back(access)


def _consequences(change: OwnershipChange) -> list[str]:
    owner = person_in_words(change.from_user)
    keeps = (
        _("%(owner)s keeps full access and user management.")
        if change.former_owner_keeps_access
        else _("%(owner)s leaves the account.")
    )
    return [
        _("You become the owner and hold every right in this account."),
        _("You become responsible for paying its invoices."),
        _(
            "Invoices go to the billing contact. If it has no email address, they go to you from"
            " now on."
        ),
        keeps % {"owner": owner},
    ]


def _back(access: Access) -> HttpResponse:
    return redirect("settings:ownership", access.account.number)
