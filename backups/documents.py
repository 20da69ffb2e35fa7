"""Documents from the storage into a folder of backups, and back; each proven by its hash."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from itertools import islice

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from backups.manifest import Fault
from backups.refusals import BackupUnusable
from backups.registry import REFERRED_DOCUMENTS
from backups.repository import Repository
from common.storage import (
    DocumentAltered,
    DocumentMissing,
    StorageUnavailable,
    StoredDocument,
    read_document,
)

_ALIAS = "documents"
# Reading from a bucket and flushing to a disk are both waiting.
_THREADS = 8
_AT_ONCE = 256


class Outcome(StrEnum):
    """What became of one document. The last three are faults."""

    THERE = "there"
    COPIED = "copied"
    MISSING = "missing"
    ALTERED = "altered"
    UNREACHABLE = "unreachable"


FAULTS = frozenset({Outcome.MISSING, Outcome.ALTERED, Outcome.UNREACHABLE})

Told = tuple[StoredDocument, Outcome]


def referred_documents() -> Iterator[StoredDocument]:
    """What rows of the default connection's database refer to. Needs the owner role, and a
    transaction that stays open meanwhile.
    """
    for documents in REFERRED_DOCUMENTS.functions():
        yield from documents()


def back_up(
    documents: Iterable[StoredDocument], repository: Repository, *, rereads: bool
) -> Iterator[Told]:
    """Copy what ``repository`` lacks; with ``rereads`` also prove what it has, and the originals.

    Once the storage cannot be reached it is left alone. Raises OSError when the folder of backups
    cannot be written.
    """
    is_away = False

    def one(document: StoredDocument) -> Told:
        path = repository.document(document.key)
        if path.exists() and not rereads:
            return document, Outcome.THERE
        if is_away:
            return document, Outcome.UNREACHABLE
        return document, _copy(document, repository)

    for told in _side_by_side(one, documents):
        is_away = is_away or told[1] == Outcome.UNREACHABLE
        yield told


def prove_writable() -> None:
    """Save and delete a file: a folder that is not there yet is made, and a storage that takes
    nothing is told of before anything depends on it. Raises StorageUnavailable.
    """
    storage = storages[_ALIAS]
    storage.delete(storage.save("restoring", ContentFile(b"taken away at once")))


def put_back(documents: Iterable[StoredDocument], repository: Repository) -> Iterator[Told]:
    """Prove each document in the storage, and put the backup's copy in the place of what is not
    there or was altered. Raises StorageUnavailable.
    """

    def one(document: StoredDocument) -> Told:
        try:
            read_document(document.key, sha256=document.sha256)
        except (DocumentMissing, DocumentAltered) as fault:
            is_altered = isinstance(fault, DocumentAltered)
            return document, _restore(document, repository, replaces=is_altered)
        return document, Outcome.THERE

    yield from _side_by_side(one, documents)


def faults_of(told: Iterable[Told]) -> list[Fault]:
    return [
        Fault(key=document.key, kind=outcome.value)
        for document, outcome in told
        if outcome in FAULTS
    ]


def count_unreachable(faults: Iterable[Fault]) -> int:
    """How many of them tell of the storage and not of the document."""
    return sum(fault.kind == Outcome.UNREACHABLE for fault in faults)


def _copy(document: StoredDocument, repository: Repository) -> Outcome:
    try:
        content = read_document(document.key, sha256=document.sha256)
    except DocumentMissing:
        return Outcome.MISSING
    except DocumentAltered:
        return Outcome.ALTERED
    except StorageUnavailable:
        return Outcome.UNREACHABLE
    if _is_proven(document, repository):
        return Outcome.THERE
    repository.write_document(document.key, content)
    return Outcome.COPIED


def _restore(document: StoredDocument, repository: Repository, *, replaces: bool) -> Outcome:
    if not _is_proven(document, repository):
        return Outcome.ALTERED if replaces else Outcome.MISSING
    storage = storages[_ALIAS]
    if replaces:
        storage.delete(document.key)
    content = repository.document(document.key).read_bytes()
    saved_as = storage.save(document.key, ContentFile(content))
    if saved_as != document.key:
        storage.delete(saved_as)
        raise BackupUnusable(f"{document.key} is being written by another program: stop it first.")
    return Outcome.COPIED


def _is_proven(document: StoredDocument, repository: Repository) -> bool:
    path = repository.document(document.key)
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == document.sha256


def _side_by_side(
    work: Callable[[StoredDocument], Told], documents: Iterable[StoredDocument]
) -> Iterator[Told]:
    """In order, a few at a time, and never more of them in memory than that."""
    remaining = iter(documents)
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        while batch := list(islice(remaining, _AT_ONCE)):
            yield from pool.map(work, batch)
