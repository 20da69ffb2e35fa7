"""Ending one's own membership of an account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import Access, account_page, render_page
from accounts.memberships import leave
from accounts.permissions import ANY_MEMBER, access_in_words
from audit.acting import actor_of


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(ANY_MEMBER, open_when_closed=True)
def leave_account(request: HttpRequest, access: Access) -> HttpResponse:
    membership = access.membership
    if request.method == "POST":
        leave(access.account, user=access.user, actor=actor_of(request))
        words = _("You have left %(account)s.") % {"account": access.account.name}
        messages.success(request, words)
        return redirect("portal:accounts")
    context = {
        "is_owner": membership.is_owner,
        "own_access": access_in_words(is_owner=membership.is_owner, flags=membership.flags),
        "consequences": _consequences(access),
    }
    return render_page(request, access, "accounts/users/leave.html", context)


def _consequences(access: Access) -> list[str]:
    found = [
        _("You can no longer open this account. To come back you need a new invitation."),
        _("The owner is told by email."),
        _("Your user ID and your other accounts stay as they are."),
        _("Invitations that you have sent can no longer be accepted."),
    ]
    if access.membership.receives_invoices:
        found.insert(1, _("New invoices are no longer emailed to you."))
    return found
