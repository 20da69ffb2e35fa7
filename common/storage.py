"""Stored documents: written whole or not at all, named by their hash, checked when read."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages

from common.exceptions import DomainError

_ALIAS = "documents"


class DocumentAltered(DomainError):
    """The stored bytes are not those whose hash was recorded: they are not handed out."""


class DocumentMissing(DomainError):
    """There are no stored bytes under the recorded name."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """Where the bytes lie, and what they are. ``size`` is in bytes."""

    key: str
    sha256: str
    size: int


def store_document(content: bytes, *, suffix: str) -> StoredDocument:
    """Store ``content`` under a name made of its hash; storing it twice is storing it once.

    ``suffix`` is the file name's ending with its dot. Raises OSError when it cannot be written, and
    then leaves nothing that could be read.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"{sha256[:2]}/{sha256}{suffix}"
    storage = storages[_ALIAS]
    if not (storage.exists(key) and _hash_of(key) == sha256):
        storage.delete(key)
        storage.save(key, ContentFile(content))
    return StoredDocument(key, sha256, len(content))


def read_document(key: str, *, sha256: str) -> bytes:
    """The stored bytes. Raises DocumentMissing or DocumentAltered; never returns other bytes."""
    try:
        with storages[_ALIAS].open(key) as file:
            content: bytes = file.read()
    except FileNotFoundError as error:
        raise DocumentMissing("This document is missing from the archive.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DocumentAltered("This document was altered after it was stored.")
    return content


def _hash_of(key: str) -> str:
    with storages[_ALIAS].open(key) as file:
        return hashlib.sha256(file.read()).hexdigest()


class DurableFileSystemStorage(FileSystemStorage):
    """Files that appear under their name only when they are whole and on the disk."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        with _renamed_when_whole(target) as file:
            for chunk in content.chunks():
                file.write(chunk)
        return name


@contextmanager
def _renamed_when_whole(target: Path) -> Iterator["tempfile._TemporaryFileWrapper[bytes]"]:
    """A temporary file beside ``target`` that takes its name after fsync, or vanishes."""
    file = tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(target)
    except BaseException:
        Path(file.name).unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    """The new name itself must survive a power cut, not only the bytes."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
