from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import Access, account_page
from accounts.permissions import Permission
from common.storage import read_document
from invoices.models import Document
from invoices.views.pages import find_invoice

_PDF, _XML = "application/pdf", "application/xml"


@require_safe
@account_page(Permission.INVOICES_VIEW)
def download_pdf(request: HttpRequest, access: Access, invoice_number: str) -> HttpResponse:
    return _file(access, invoice_number, Document.Kind.PDF, content_type=_PDF, suffix="pdf")


@require_safe
@account_page(Permission.INVOICES_VIEW)
def view_pdf(request: HttpRequest, access: Access, invoice_number: str) -> HttpResponse:
    """For the browser's own viewer, in a tab of its own: no page of ours frames it."""
    return _file(
        access,
        invoice_number,
        Document.Kind.PDF,
        content_type=_PDF,
        suffix="pdf",
        disposition="inline",
    )


@require_safe
@account_page(Permission.INVOICES_VIEW)
def download_xml(request: HttpRequest, access: Access, invoice_number: str) -> HttpResponse:
    """UBL 2.1. Never inline: browsers run what style sheets in XML say."""
    return _file(access, invoice_number, Document.Kind.UBL, content_type=_XML, suffix="xml")


def _file(
    access: Access,
    invoice_number: str,
    kind: Document.Kind,
    *,
    content_type: str,
    suffix: str,
    disposition: str = "attachment",
) -> HttpResponse:
    """The stored bytes, never made anew. 404 while they are being prepared.

    Raises DocumentAltered when the bytes are not those that were stored, and StorageUnavailable.
    """
    document = Document.objects.filter(
        account=access.account,
        invoice=find_invoice(access, invoice_number),
        kind=kind,
        state=Document.State.STORED,
    ).first()
    if document is None:
        raise Http404
    content = read_document(document.storage_key, sha256=document.sha256)
    headers = {
        "Content-Disposition": f'{disposition}; filename="{invoice_number}.{suffix}"',
        "Cache-Control": "no-store, private",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)
