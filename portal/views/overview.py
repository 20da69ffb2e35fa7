from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access, account_page, render_page, who_can_grant
from accounts.permissions import ANY_MEMBER, Permission, access_in_words, in_words
from invoices.listing import documents_of
from invoices.views.pages import rows_of

LATEST = 5


@require_safe
@account_page(ANY_MEMBER)
def overview(request: HttpRequest, access: Access) -> HttpResponse:
    """The account's first page; each block appears to those who hold its permission."""
    membership = access.membership
    context: dict[str, Any] = {
        "own_access": access_in_words(is_owner=membership.is_owner, flags=membership.flags)
    }
    if access.may(Permission.INVOICES_VIEW):
        latest = documents_of(access.account).select_related("settlement")
        newest_first = latest.order_by("-issue_date", "-pk")[:LATEST]
        context["rows"] = rows_of(list(newest_first), today=timezone.localdate())
    else:
        context["missing"] = in_words(Permission.INVOICES_VIEW)
        context["who_can_grant"] = who_can_grant(access.account, Permission.INVOICES_VIEW)
    return render_page(request, access, "portal/overview.html", context)
