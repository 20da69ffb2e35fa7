"""Stored files of documents that nothing has rendered."""

from django.utils import timezone

from common.scoping import account_scope
from common.storage import store_document
from invoices.models import Document, Invoice


def store_xml(invoice: Invoice, content: bytes) -> Document:
    """Bytes as the document's UBL, stored as the render worker does it."""
    stored = store_document(content, suffix=".xml")
    with account_scope(invoice.account_id):
        document = Document.objects.create(
            account_id=invoice.account_id,
            invoice=invoice,
            kind=Document.Kind.UBL,
            state=Document.State.PENDING,
        )
        Document.objects.filter(pk=document.pk).update(
            state=Document.State.STORED,
            storage_key=stored.key,
            sha256=stored.sha256,
            size=stored.size,
            stored_at=timezone.now(),
            template_version="test",
        )
        document.refresh_from_db()
    return document
