from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access, account_page, render_page
from accounts.granting import who_can_grant
from accounts.models import Account
from accounts.permissions import ANY_MEMBER, Permission, access_in_words, in_words
from invoices.listing import documents_of
from invoices.rows import Row, rows_of
from portal.activity import latest_activity
from portal.attention import matters_for
from portal.balance import Owed, owed_by

LATEST = 5


@require_safe
@account_page(ANY_MEMBER)
def overview(request: HttpRequest, access: Access) -> HttpResponse:
    """The account's first page; each block appears to those who hold its permission."""
    membership = access.membership
    context: dict[str, Any] = {
        "own_access": access_in_words(is_owner=membership.is_owner, flags=membership.flags),
        "may_leave": not membership.is_owner,
        "may_see_invoices": access.may(Permission.INVOICES_VIEW),
    }
    owed: list[Owed] = []
    if context["may_see_invoices"]:
        owed = owed_by(access.account, today=timezone.localdate())
        context["owed"] = owed
        context["rows"] = _latest_invoices(access.account)
    if access.may(Permission.ACTIVITY_VIEW):
        context["lines"] = latest_activity(access.account, length=LATEST)
    if not access.permissions:
        context["missing"] = in_words(Permission.INVOICES_VIEW)
        context["who_can_grant"] = who_can_grant(access.account, Permission.INVOICES_VIEW)
    context["matters"] = matters_for(access, owed)
    return render_page(request, access, "portal/overview.html", context)


def _latest_invoices(account: Account) -> list[Row]:
    latest = documents_of(account).select_related("settlement").order_by("-issue_date", "-pk")
    return rows_of(list(latest[:LATEST]), today=timezone.localdate())
