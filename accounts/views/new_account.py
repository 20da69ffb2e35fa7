"""A signed-in person opens a further customer account (row M3)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms.new_account import NewAccountForm
from accounts.models import Account
from accounts.new_accounts import TooManyNewAccounts, open_own_account
from audit.acting import actor_of
from users.models import User
from users.signed_in import person_page

# In the session: the account's number by the key of the form that opened it.
_OPENED = "opened_accounts"
_REMEMBERED = 10


@require_http_methods(["GET", "HEAD", "POST"])
@person_page
def new_account(request: HttpRequest, user: User) -> HttpResponse:
    form = NewAccountForm(request.POST or None, initial=_initial(user))
    if request.method == "POST" and form.is_valid():
        try:
            return _opened(request, user, form)
        except TooManyNewAccounts as refusal:
            form.add_error(None, str(refusal))
    return render(request, "accounts/new_account/form.html", {"form": form})


def _opened(request: HttpRequest, user: User, form: NewAccountForm) -> HttpResponse:
    given = form.cleaned_data
    with transaction.atomic():
        # A second click waits here until the first one has written what it did into the session.
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        before = _opened_before(request)
        if number := before.get(str(given["key"])):
            request.session[_OPENED] = before
            messages.info(request, _("This account is open already. It was not opened twice."))
            return redirect("account:overview", number)
        account = open_own_account(
            user,
            kind=Account.Kind(given["kind"]),
            name=given["name"],
            country=given["country"],
            time_zone=given["timezone"],
            actor=actor_of(request),
        )
        _remember(request, before, key=given["key"], number=account.number)
    words = _("Account %(number)s is open. Its invoices are in %(currency)s.")
    messages.success(request, words % {"number": account.number, "currency": account.currency})
    return redirect("account:overview", account.number)


def _opened_before(request: HttpRequest) -> dict[str, int]:
    """Read anew: the request's own session may be older than what another one has written."""
    stored = type(request.session)(request.session.session_key)
    found: dict[str, int] = stored.get(_OPENED, {})
    return found


def _remember(request: HttpRequest, before: dict[str, int], *, key: UUID, number: int) -> None:
    latest = list({**before, str(key): number}.items())[-_REMEMBERED:]
    request.session[_OPENED] = dict(latest)
    # In this transaction, and not at the end of the request.
    request.session.save()


def _initial(user: User) -> dict[str, Any]:
    """As the person's own account has it, which is the likeliest."""
    own = Account.objects.filter(memberships__user=user, memberships__is_owner=True)
    known = own.order_by("-pk").values("country", "timezone").first()
    country = known["country"] if known else ""
    return {"country": country, "timezone": user.timezone, "kind": Account.Kind.ORGANISATION}
