"""The archive of documents as a whole: what rows refer to, and what lies there beside that."""

from collections.abc import Iterator
from itertools import groupby

from django.core.files.storage import storages

from common.storage import StoredDocument
from invoices.models import Document

_ALIAS = "documents"
# Documents lie in folders of two hexadecimal digits (common.storage); other folders hold none.
_FOLDERS = tuple(f"{number:02x}" for number in range(256))
_ROWS_AT_ONCE = 2_000


def referred_documents() -> Iterator[StoredDocument]:
    """What stored documents' rows say of their files. Needs a scope over all accounts."""
    rows = Document.objects.filter(state=Document.State.STORED).order_by("pk")
    columns = rows.values_list("storage_key", "sha256", "size")
    for key, sha256, size in columns.iterator(chunk_size=_ROWS_AT_ONCE):
        yield StoredDocument(key, sha256, size or 0)


def unreferred_documents() -> Iterator[str]:
    """Keys of files that no row refers to. Needs a scope over all accounts.

    A worker that was killed after it stored a file leaves one, which the next attempt finds again;
    a database that is older than the archive leaves all that were stored since.
    """
    keys = Document.objects.exclude(storage_key="").order_by("storage_key")
    rows = keys.values_list("storage_key", flat=True).iterator(chunk_size=_ROWS_AT_ONCE)
    # Both sides go through the folders in the same order, so that no more is held than one of them.
    groups = groupby(rows, key=lambda key: key.partition("/")[0])
    coming = next(groups, None)
    for folder in _FOLDERS:
        referred: set[str] = set()
        while coming and coming[0] <= folder:
            if coming[0] == folder:
                referred.update(coming[1])
            coming = next(groups, None)
        yield from sorted({f"{folder}/{name}" for name in _files_in(folder)} - referred)


def _files_in(folder: str) -> list[str]:
    try:
        _, names = storages[_ALIAS].listdir(folder)
    except FileNotFoundError:
        return []
    return [name for name in names if not name.startswith(".")]
