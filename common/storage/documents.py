"""Documents kept under their own hash, in whatever storage the settings name."""

import hashlib
import logging
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from common.storage.filesystem import outage_told
from common.storage.refusals import DocumentAltered, DocumentMissing

logger = logging.getLogger(__name__)

_ALIAS = "documents"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """Where a document lies and what it is. ``size`` is in bytes."""

    key: str
    sha256: str
    size: int


def store_document(content: bytes, *, suffix: str) -> StoredDocument:
    """Keep ``content`` under its own hash; storing it twice is storing it once.

    ``suffix`` is the file name's ending with its dot. Works with every Django storage and with
    several processes at once. Raises StorageUnavailable (disk full, bucket away), or OSError when
    it is this document that cannot be written; then nothing stays that could be read.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    # 256 folders, so that none grows beyond what tools can list.
    key = f"{sha256[:2]}/{sha256}{suffix}"
    with outage_told():
        _store(key, content, sha256=sha256)
    return StoredDocument(key, sha256, len(content))


def _store(key: str, content: bytes, *, sha256: str) -> None:
    storage = storages[_ALIAS]
    if storage.exists(key):
        if _hash_of(key) == sha256:
            return
        logger.error("%s was altered or damaged; it is stored again", key)
        storage.delete(key)
    saved_as = storage.save(key, ContentFile(content))
    if saved_as != key:
        # Another process stored the same document between the question and the answer.
        storage.delete(saved_as)


def read_document(key: str, *, sha256: str) -> bytes:
    """The document's bytes, proven to be those that were stored.

    Raises DocumentMissing or DocumentAltered (what cannot be proven is not handed out), or
    StorageUnavailable.
    """
    try:
        with outage_told(), storages[_ALIAS].open(key) as file:
            content: bytes = file.read()
    except FileNotFoundError as error:
        raise DocumentMissing("This document is missing from the archive.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DocumentAltered("This document was altered after it was stored.")
    return content


def _hash_of(key: str) -> str:
    with storages[_ALIAS].open(key) as file:
        return hashlib.sha256(file.read()).hexdigest()
