"""Customers: finding one, and the page of one account."""

from datetime import timedelta

from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.models import Account
from audit.acting import actor_of
from audit.actions import Action
from audit.models import AuditEvent
from audit.recording import Actor, record
from common.scoping import account_scope
from console.access import staff_page
from console.finding import SHOWN, find
from console.reading import read_customer

_LONGEST_QUERY = 250
_LONGEST_NUMBER = 18
_ONE_READING = timedelta(minutes=15)


@require_safe
@staff_page()
def start(request: HttpRequest) -> HttpResponse:
    """The console's own address: staff begin with a customer."""
    return redirect("console:customers")


@require_safe
@staff_page()
def customers(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:_LONGEST_QUERY]
    found = find(wanted, before=_number(request, "before"), after=_number(request, "after"))
    context = {
        "wanted": wanted,
        "found": found,
        "shown": SHOWN,
        "newer": _query(wanted, "after", found.newer),
        "older": _query(wanted, "before", found.older),
    }
    return render(request, "console/customers.html", context)


@require_safe
@staff_page()
def customer(request: HttpRequest, account_number: int) -> HttpResponse:
    """Everything about one account; that it was looked at stands in its log."""
    account = get_object_or_404(Account, number=account_number)
    with account_scope(account):
        _record_view(account, actor=actor_of(request))
        shown = read_customer(account)
        return render(request, "console/customer.html", {"customer": shown, "account": account})


def _record_view(account: Account, *, actor: Actor) -> None:
    """Once for a while of reading: a page opened again at each step would bury what was done."""
    recent = AuditEvent.objects.filter(
        account_id=account.pk,
        action=Action.CONSOLE_ACCOUNT_VIEWED,
        actor_user_id=actor.user_id,
        happened_at__gt=Now() - _ONE_READING,
    )
    if not recent.exists():
        record(
            Action.CONSOLE_ACCOUNT_VIEWED,
            actor=actor,
            account_id=account.pk,
            subject=f"account {account.number}",
        )


def _number(request: HttpRequest, name: str) -> int | None:
    """The number that a page is asked for with; 404 for what is none."""
    text = request.GET.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise Http404
    return int(text)


def _query(wanted: str, name: str, number: int | None) -> str:
    if number is None:
        return ""
    asked = {"q": wanted} if wanted else {}
    return urlencode({**asked, name: str(number)})
