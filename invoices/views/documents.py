from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import Access, account_page
from accounts.permissions import Permission
from common.storage import read_document
from invoices.models import Document
from invoices.views.pages import find_invoice


@require_safe
@account_page(Permission.INVOICES_VIEW)
def download_pdf(request: HttpRequest, access: Access, invoice_number: str) -> HttpResponse:
    """The stored bytes, never made anew. 404 while they are being prepared.

    Raises DocumentAltered when the bytes are not those that were stored, and StorageUnavailable.
    """
    document = Document.objects.filter(
        account=access.account,
        invoice=find_invoice(access, invoice_number),
        kind=Document.Kind.PDF,
        state=Document.State.STORED,
    ).first()
    if document is None:
        raise Http404
    content = read_document(document.storage_key, sha256=document.sha256)
    headers = {
        "Content-Disposition": f'attachment; filename="{invoice_number}.pdf"',
        "Cache-Control": "no-store, private",
    }
    return HttpResponse(content, content_type="application/pdf", headers=headers)
