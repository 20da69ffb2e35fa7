"""Rendering a document again that was given up on.

Apart from ``invoices.producing``, so that the web process, where staff ask for it, does not load
the PDF engine.
"""

from django.db.models.functions import Now

from audit.actions import Action
from audit.recording import Actor, record
from common import bell
from common.scoping import account_scope
from invoices.models import Document
from invoices.refusals import DocumentNotParked


def retry_document(document: Document, *, actor: Actor) -> None:
    """Put a parked document in the queue again, once its cause is gone.

    Raises DocumentNotParked.
    """
    with account_scope(document.account_id):
        again = Document.objects.filter(
            pk=document.pk, account=document.account_id, state=Document.State.PARKED
        ).update(state=Document.State.PENDING, attempts=0, next_attempt_at=Now())
        if not again:
            raise DocumentNotParked("This document is not parked, so there is nothing to retry.")
        record(
            Action.DOCUMENT_RETRIED,
            actor=actor,
            account_id=document.account_id,
            subject=f"document {document.pk}",
        )
        bell.ring(bell.RENDER_DOCUMENTS)
