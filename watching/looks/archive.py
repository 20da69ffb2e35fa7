"""Whether documents can be stored, and whether the database is as new as what lies in storage."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import storages

from backups import witness
from backups.refusals import DatabaseBehind
from backups.setbacks import open_setback
from common.scoping import all_accounts_scope
from common.storage import StorageUnavailable
from invoices.models import Document
from invoices.queues import RENDER_QUEUE
from mail.models import OutgoingEmail
from mail.queue import EMAIL_QUEUE
from watching.alarms import Alarm, Code
from watching.looks.pages import table_page

_ALIAS = "documents"
# Work that has waited for as long is a reason to find out whether storage takes anything.
_WAITING_LIMIT = timedelta(minutes=1)
# Documents that are looked for where they should lie: were all of them lost one by one, reading
# them would have told it. The first, since one that is stored now may lie in the wrong place.
_FIRST_DOCUMENTS = 3


def older_database(at: datetime) -> Iterator[Alarm]:
    """A setback that somebody has to look at; found by whoever asked the storage last."""
    if setback := open_setback():
        yield Alarm(code=Code.DATABASE_BEHIND, says=setback.in_words(), since=setback.found_at)


def storage(at: datetime) -> Iterator[Alarm]:
    """Asks the storage, which can take half a minute, and records a setback that it tells of.

    It is written to only when work waits for it, and then as a worker does before anything leaves:
    a full disk can still be read.
    """
    try:
        setback = witness.find_setback()
        if _archive_is_missing():
            yield Alarm(
                code=Code.ARCHIVE_MISSING,
                says="The storage has none of the documents that were stored first: it is another"
                " one than theirs, or was emptied.",
                page=table_page(Document, state__exact=Document.State.STORED),
            )
        elif setback is None and _work_waits(at):
            witness.advance()
    except StorageUnavailable as away:
        yield Alarm(
            code=Code.STORAGE_AWAY,
            says=f"The storage of documents is out of reach or takes nothing: {away}",
            page=table_page(Document, state__exact=Document.State.PENDING),
        )
    except DatabaseBehind:
        # Recorded by now: ``older_database`` tells it.
        return


def _archive_is_missing() -> bool:
    """Whether the storage answers and is not the one in which documents were stored.

    A volume that is not mounted and a wrong bucket take and list files like the right one.
    """
    with all_accounts_scope("the watching looks for documents where they should lie"):
        stored = Document.objects.filter(state=Document.State.STORED).order_by("pk")
        keys = list(stored.values_list("storage_key", flat=True)[:_FIRST_DOCUMENTS])
    return bool(keys) and not any(storages[_ALIAS].exists(key) for key in keys)


def _work_waits(at: datetime) -> bool:
    limit = at - _WAITING_LIMIT
    with all_accounts_scope("the watching looks at every account's work"):
        documents = Document.objects.filter(RENDER_QUEUE.unfinished(), created_at__lt=limit)
        messages = OutgoingEmail.objects.filter(
            EMAIL_QUEUE.unfinished(), attempts=0, created_at__lt=limit
        )
        return documents.exists() or messages.exclude(attachment_key="").exists()
