from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import Access, account_page, render_page
from accounts.permissions import Permission
from invoices.customer_forms import DocumentFilter
from invoices.list_file import TooManyDocuments, documents_file
from invoices.listing import MOST_SUMMED, documents_of, page_of_documents, sums_of
from invoices.models import Invoice
from invoices.rows import rows_of


@require_safe
@account_page(Permission.INVOICES_VIEW)
def invoice_list(request: HttpRequest, access: Access) -> HttpResponse:
    """Row U1. A whole number leads to its document."""
    form = DocumentFilter(request.GET)
    wanted = form.wanted()
    if wanted.number and documents_of(access.account).filter(number=wanted.number).exists():
        return _to_document(request, access, wanted.number)
    today = timezone.localdate()
    try:
        page = page_of_documents(
            access.account,
            wanted,
            today=today,
            before=request.GET.get("before", ""),
            after=request.GET.get("after", ""),
        )
    except Invoice.DoesNotExist as error:
        raise Http404 from error
    kept = form.kept()
    context = {
        "form": form,
        "rows": rows_of(page.invoices, today=today),
        "sums": sums_of(access.account, wanted, today=today) if page.invoices else [],
        "most_summed": MOST_SUMMED,
        "is_filtered": bool(kept),
        "newer": urlencode({**kept, "after": page.newer}) if page.newer else "",
        "older": urlencode({**kept, "before": page.older}) if page.older else "",
        "kept": urlencode(kept),
    }
    return render_page(request, access, "invoices/list.html", context)


@require_safe
@account_page(Permission.INVOICES_VIEW)
def invoice_list_csv(request: HttpRequest, access: Access) -> HttpResponse:
    """What the list shows with the same choices, all pages in one."""
    form = DocumentFilter(request.GET)
    if form.errors:
        return redirect(_with(resolve_url("invoices:list", access.account.number), form))
    try:
        content = documents_file(access.account, form.wanted(), today=timezone.localdate())
    except TooManyDocuments as refusal:
        messages.warning(request, str(refusal))
        return redirect(_with(resolve_url("invoices:list", access.account.number), form))
    named = f'attachment; filename="invoices-{access.account.number}.csv"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store, private"}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def _to_document(request: HttpRequest, access: Access, number: str) -> HttpResponse:
    address = resolve_url("invoices:page", access.account.number, number)
    # A script that exchanges the list cannot make a whole page out of what it gets.
    if "HX-Request" in request.headers:
        return HttpResponseClientRedirect(address)
    return redirect(address)


def _with(address: str, form: DocumentFilter) -> str:
    kept = urlencode(form.kept())
    return f"{address}?{kept}" if kept else address
