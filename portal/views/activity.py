from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import Access, account_page, render_page
from accounts.permissions import Permission
from audit.models import AuditEvent
from portal.activity import page_of_activity
from portal.activity_file import activity_file
from portal.forms import ActivityFilter


@require_safe
@account_page(Permission.ACTIVITY_VIEW)
def activity(request: HttpRequest, access: Access) -> HttpResponse:
    form = ActivityFilter(request.GET)
    wanted = form.wanted()
    try:
        page = page_of_activity(
            access.account,
            wanted,
            before=_key(request.GET.get("before", "")),
            after=_key(request.GET.get("after", "")),
        )
    except AuditEvent.DoesNotExist as error:
        raise Http404 from error
    kept = {name: value for name in form.fields if (value := request.GET.get(name, ""))}
    context = {
        "form": form,
        "page": page,
        "is_filtered": bool(kept),
        "newer": urlencode({**kept, "after": page.newer}) if page.newer else "",
        "older": urlencode({**kept, "before": page.older}) if page.older else "",
        "kept": urlencode(kept),
    }
    return render_page(request, access, "portal/activity.html", context)


@require_safe
@account_page(Permission.ACTIVITY_VIEW)
def activity_csv(request: HttpRequest, access: Access) -> HttpResponse:
    """What the page shows with the same choices, all pages in one."""
    content = activity_file(access.account, ActivityFilter(request.GET).wanted())
    named = f'attachment; filename="activity-{access.account.number}.csv"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store, private"}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def _key(text: str) -> UUID | None:
    """None for no key. Raises Http404 for what cannot be one."""
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Http404 from error
