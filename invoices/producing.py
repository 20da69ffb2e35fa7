"""Rendering what is due: each document once, from its frozen rows, stored with its hash.

An issued document is two files: the PDF with factur-x.xml in it, and the same as UBL. Both
e-invoices are checked before anything is stored; one that breaks a rule parks the document.

The bytes are stored before the rows say so; a worker that is killed in between leaves files under
their own hashes, which the next attempt finds again, because the same document gives the same
bytes.
"""

import gc
import logging
import traceback
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import F
from django.db.models.functions import Now

from backups import witness
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
from common.processor_time import OutOfProcessorTime, processor_time_limit
from common.scoping import account_scope
from common.storage import StorageUnavailable, StoredDocument, store_document
from invoices.delivery import queue_emails
from invoices.documents import document_of
from invoices.models import Document, Invoice
from invoices.queues import RENDER_QUEUE
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.checking import check_cii, check_ubl
from invoices.rendering.einvoice.writing import WRITER, has_einvoice, to_cii, to_ubl
from invoices.rendering.pdf import LAYOUT_VERSION, render_pdf

logger = logging.getLogger(__name__)

# How soon a document is tried again that could not be stored: as soon as beat's sweep rings.
_STORAGE_PAUSE = timedelta(seconds=20)

# What a document may take of a processor, e-invoices included: seven times what it does, more than
# that if it is short. The validator's time is not in it.
_PROCESSOR_SECONDS = 10
_PROCESSOR_SECONDS_A_LINE = 0.05
# Below the soft limit of its task (90 s), which would end the process and say nothing on the row.
_MOST_PROCESSOR_SECONDS = 75


class RenderedTooLong(Exception):
    """A document took far more processor time than its length explains."""


@dataclass(frozen=True, slots=True)
class _Made:
    """The bytes of a document's files; no UBL where EN 16931 cannot say it."""

    pdf: bytes
    ubl: bytes | None


@dataclass(frozen=True, slots=True)
class _Stored:
    """Where they lie."""

    pdf: StoredDocument
    ubl: StoredDocument | None


class _Next(Enum):
    """What this process does after a document."""

    ANOTHER = auto()
    # The storage is away: each document would be rendered for nothing.
    WAIT_FOR_STORAGE = auto()
    # What a runaway left behind may lack the next: it goes to a process that is new.
    LEAVE_TO_ANOTHER_PROCESS = auto()


def render_due(*, budget: timedelta | None = None) -> bool:
    """Render until nothing is due or nothing may be stored; False when there is more to do at once.

    That is after ``budget``, or after a document that took all the memory.
    """
    if reason := witness.reason_to_hold():
        logger.error("nothing is rendered: %s", reason)
        return True
    deadline, budgeted = Deadline(budget), Deadline(budget)
    full_batches: list[None] = []
    then = _Next.ANOTHER
    due = each_due(RENDER_QUEUE, deadline=deadline, when_more=lambda: full_batches.append(None))
    for claimed in witness.witnessed(RENDER_QUEUE, due, deadline=deadline):
        then = _attempt(claimed)
        if then is not _Next.ANOTHER:
            deadline.end_now()
        elif full_batches:
            # Not before: while nothing can be stored, workers would call each other to no end.
            full_batches.clear()
            bell.ring(bell.RENDER_DOCUMENTS)
    if then is _Next.LEAVE_TO_ANOTHER_PROCESS:
        gc.collect()
        return False
    # Not ``deadline``, which an outage ends before its time.
    return then is _Next.WAIT_FOR_STORAGE or not budgeted.is_over()


def _attempt(claimed: Claim) -> _Next:
    """One counted attempt at one document."""
    if not begin(RENDER_QUEUE, claimed):
        return _Next.ANOTHER
    try:
        invoice, content = _read(claimed)
        stored = _store(_rendered(content))
        _finish(claimed, invoice, content, stored)
    except StorageUnavailable as outage:
        _wait_for_storage(claimed, outage)
        return _Next.WAIT_FOR_STORAGE
    except DomainError as refusal:
        # Trying again would be refused again: it waits for a person at once.
        park(RENDER_QUEUE, claimed, error=refusal)
    except LeaseLost:
        logger.warning("document %s was taken over by another worker", claimed.pk)
    except SoftTimeLimitExceeded:
        # The task is over; the lease runs out by itself and the row is then tried alone.
        raise
    except MemoryError as error:
        # What the frames hold is what fills the memory: recording this needs some.
        traceback.clear_frames(error.__traceback__)
        logger.exception("document %s takes more memory than a worker has", claimed.pk)
        fail(RENDER_QUEUE, claimed, error=error)
        return _Next.LEAVE_TO_ANOTHER_PROCESS
    except Exception as error:
        logger.exception("document %s could not be rendered or stored", claimed.pk)
        fail(RENDER_QUEUE, claimed, error=error)
    return _Next.ANOTHER


def _rendered(content: InvoiceDocument) -> _Made:
    """All files. Raises RenderedTooLong for a layout that does not end, and what ``_make`` does.

    Without a limit of its own such a document would keep its process from all others for as long as
    a task may take, five times.
    """
    seconds = min(
        _PROCESSOR_SECONDS + _PROCESSOR_SECONDS_A_LINE * len(content.lines), _MOST_PROCESSOR_SECONDS
    )
    try:
        with processor_time_limit(seconds):
            return _make(content)
    except OutOfProcessorTime as error:
        raise RenderedTooLong(f"it was given up after {seconds:g} s of processor time") from error


def _make(content: InvoiceDocument) -> _Made:
    """Raises EInvoiceInvalid or EInvoiceUnwritable, or what ``render_pdf`` raises.

    The e-invoices first: they take a fifth of the time, and the page is of no use without them.
    """
    if not has_einvoice(content):
        return _Made(render_pdf(content), ubl=None)
    cii, ubl = to_cii(content), to_ubl(content)
    check_cii(cii)
    check_ubl(ubl)
    return _Made(render_pdf(content, einvoice=cii), ubl)


def _store(made: _Made) -> _Stored:
    return _Stored(
        pdf=store_document(made.pdf, suffix=".pdf"),
        ubl=None if made.ubl is None else store_document(made.ubl, suffix=".xml"),
    )


def _wait_for_storage(claimed: Claim, outage: StorageUnavailable) -> None:
    """A full disk is not the fault of a document: nothing is counted, and all wait."""
    logger.error("documents cannot be stored: %s", outage)
    with account_scope(claimed.account_pk):
        put_back(
            RENDER_QUEUE,
            claimed,
            state=Document.State.PENDING,
            delay=_STORAGE_PAUSE,
            attempts=F("attempts") - 1,
            last_error=str(outage),
        )


def _read(claimed: Claim) -> tuple[Invoice, InvoiceDocument]:
    with account_scope(claimed.account_pk):
        document = Document.objects.select_related("invoice__account", "invoice__preceding").get(
            pk=claimed.pk
        )
        return document.invoice, document_of(document.invoice)


def _finish(claimed: Claim, invoice: Invoice, content: InvoiceDocument, stored: _Stored) -> None:
    """Record the stored bytes and queue one email for each recipient, or nothing of it."""
    with account_scope(claimed.account_pk):
        held = finish(
            RENDER_QUEUE,
            claimed,
            state=Document.State.STORED,
            attempts=0,
            last_error="",
            template_version=LAYOUT_VERSION,
            **_columns(stored.pdf),
        )
        if not held:
            raise LeaseLost
        if stored.ubl is not None:
            _record_ubl(claimed, invoice, stored.ubl)
        # Somebody may have voided it meanwhile; whoever does so waits for this, or is seen here.
        invoice.state = Invoice.objects.select_for_update(no_key=True).get(pk=invoice.pk).state
        queue_emails(invoice, content, stored.pdf)


def _record_ubl(claimed: Claim, invoice: Invoice, stored: StoredDocument) -> None:
    """A row begins as pending (a trigger holds it to that), and nobody sees this one so."""
    row = Document.objects.create(
        account_id=claimed.account_pk,
        invoice=invoice,
        kind=Document.Kind.UBL,
        state=Document.State.PENDING,
        template_version=WRITER,
    )
    Document.objects.filter(account=claimed.account_pk, pk=row.pk).update(
        state=Document.State.STORED, **_columns(stored)
    )


def _columns(stored: StoredDocument) -> dict[str, Any]:
    return {
        "storage_key": stored.key,
        "sha256": stored.sha256,
        "size": stored.size,
        "stored_at": Now(),
    }
