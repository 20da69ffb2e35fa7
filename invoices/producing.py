"""Rendering what is due: each document once, from its frozen rows, stored with its hash.

The bytes are stored before the row says so; a worker that is killed in between leaves a file under
its own hash, which the next attempt finds again, because the same document gives the same bytes.
"""

import errno
import logging
from datetime import timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import F
from django.db.models.functions import Now

from common import bell
from common.claims import (
    Claim,
    Deadline,
    LeaseLost,
    begin,
    each_due,
    fail,
    finish,
    park,
    put_back,
)
from common.exceptions import DomainError
from common.scoping import account_scope
from common.storage import StoredDocument, store_document
from invoices.delivery import queue_emails
from invoices.documents import document_of
from invoices.models import Document, Invoice
from invoices.queues import RENDER_QUEUE
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.pdf import LAYOUT_VERSION, render_pdf

logger = logging.getLogger(__name__)

# Full, over quota, read-only or broken: what an operator mends, for all documents at once.
_STORAGE_IS_AWAY = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_STORAGE_PAUSE = timedelta(seconds=20)


def render_due(*, budget: timedelta | None = None) -> bool:
    """Render until nothing is due; False when ``budget`` ended it before that."""
    deadline = Deadline(budget)
    for claimed in each_due(RENDER_QUEUE, deadline=deadline, when_more=_ring):
        if not _attempt(claimed):
            deadline.end_now()
    return not deadline.is_over()


def _ring() -> None:
    bell.ring(bell.RENDER_DOCUMENTS)


def _attempt(claimed: Claim) -> bool:
    """One counted attempt at one document; False when there is no point in trying another."""
    if not begin(RENDER_QUEUE, claimed):
        return True
    try:
        invoice, content = _read(claimed)
        stored = store_document(render_pdf(content), suffix=".pdf")
        _finish(claimed, invoice, content, stored)
    except DomainError as refusal:
        # Trying again would be refused again: it waits for a person at once.
        park(RENDER_QUEUE, claimed, error=refusal)
    except LeaseLost:
        logger.warning("document %s was taken over by another worker", claimed.pk)
    except SoftTimeLimitExceeded:
        # The task is over; the lease runs out by itself and the row is then tried alone.
        raise
    except OSError as error:
        if error.errno in _STORAGE_IS_AWAY:
            _wait_for_storage(claimed, error)
            return False
        logger.exception("document %s could not be stored", claimed.pk)
        fail(RENDER_QUEUE, claimed, error=error)
    except Exception as error:
        logger.exception("document %s could not be rendered", claimed.pk)
        fail(RENDER_QUEUE, claimed, error=error)
    return True


def _wait_for_storage(claimed: Claim, error: OSError) -> None:
    """A full disk is not the fault of a document: nothing is counted, and all wait."""
    logger.error("documents cannot be stored: %s", error)
    with account_scope(claimed.account_pk):
        put_back(
            RENDER_QUEUE,
            claimed,
            state=Document.State.PENDING,
            delay=_STORAGE_PAUSE,
            attempts=F("attempts") - 1,
            last_error=str(error),
        )


def _read(claimed: Claim) -> tuple[Invoice, InvoiceDocument]:
    with account_scope(claimed.account_pk):
        document = Document.objects.select_related("invoice__account", "invoice__preceding").get(
            pk=claimed.pk
        )
        return document.invoice, document_of(document.invoice)


def _finish(
    claimed: Claim, invoice: Invoice, content: InvoiceDocument, stored: StoredDocument
) -> None:
    """Record the stored bytes and queue one email for each recipient, or neither."""
    with account_scope(claimed.account_pk):
        held = finish(
            RENDER_QUEUE,
            claimed,
            state=Document.State.STORED,
            attempts=0,
            last_error="",
            template_version=LAYOUT_VERSION,
            storage_key=stored.key,
            sha256=stored.sha256,
            size=stored.size,
            stored_at=Now(),
        )
        if not held:
            raise LeaseLost
        # Somebody may have voided it meanwhile; whoever does so waits for this, or is seen here.
        invoice.state = Invoice.objects.select_for_update(no_key=True).get(pk=invoice.pk).state
        queue_emails(invoice, content, stored)
