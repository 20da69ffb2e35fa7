from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.invitations import pending_for
from accounts.models import Account, Membership
from accounts.permissions import access_in_words
from users.models import User

# More accounts than this are found by typing.
CHOICES_SHOWN = 50
# Fewer are found by looking.
SEARCH_FROM = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """An account as the chooser shows it. The owner cannot leave."""

    account: Account
    access: str
    may_leave: bool


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the one account, to the chooser of several, or for staff without any to the customers.

    Links that name an account lead there by themselves (0019).
    """
    numbers = list(_memberships(request).values_list("account__number", flat=True)[:2])
    if len(numbers) == 1:
        return redirect("account:overview", numbers[0])
    if not numbers and isinstance(request.user, User) and request.user.is_staff:
        return redirect("console:customers")
    return redirect("portal:accounts")


@require_safe
@login_required
def accounts(request: HttpRequest) -> HttpResponse:
    """The person's customer accounts by name; ``q`` is a part of a name, or a number.

    Invitations to other accounts that wait for their answer come first.
    """
    wanted = request.GET.get("q", "").strip()
    found = _memberships(request)
    if wanted:
        is_number = Q(account__number=int(wanted)) if wanted.isdecimal() else Q()
        found = found.filter(Q(account__name__icontains=wanted) | is_number)
    memberships = list(found[: CHOICES_SHOWN + 1])
    context = {
        "choices": [_choice(membership) for membership in memberships[:CHOICES_SHOWN]],
        "are_more": len(memberships) > CHOICES_SHOWN,
        "wanted": wanted,
        "choices_shown": CHOICES_SHOWN,
        "invitations": pending_for(request.user) if isinstance(request.user, User) else [],
        "has_search": bool(wanted) or len(memberships) > SEARCH_FROM,
    }
    return render(request, "portal/accounts.html", context)


def _memberships(request: HttpRequest) -> QuerySet[Membership]:
    own = Membership.objects.filter(user=request.user.pk).select_related("account")
    return own.order_by("account__name", "account__number")


def _choice(membership: Membership) -> Choice:
    words = access_in_words(is_owner=membership.is_owner, flags=membership.flags)
    return Choice(membership.account, words, may_leave=not membership.is_owner)
