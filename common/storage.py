"""Files that must be whole or absent: durable storage, and documents kept under their own hash."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages
from django.utils.deconstruct import deconstructible

from common.exceptions import DomainError

logger = logging.getLogger(__name__)

_ALIAS = "documents"
# Documents hold names, addresses and prices: for the user that the program runs as, nobody else.
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


class DocumentAltered(DomainError):
    """The stored bytes are not those whose hash was recorded: they are not handed out."""


class DocumentMissing(DomainError):
    """There are no stored bytes under the recorded key."""


@deconstructible(path="common.storage.DurableFileSystemStorage")
class DurableFileSystemStorage(FileSystemStorage):
    """A folder in which a name shows a whole file, on disk, or none.

    Content goes to a temporary name beside the target, is flushed to disk, and only then gets its
    name; the folder is flushed too, so that the name is there after a power cut. When writing
    fails (disk full), nothing stays. An existing file is never overwritten: as with every Django
    storage, ``save`` then picks another name and returns it.
    """

    def __init__(
        self,
        location: str | Path | None = None,
        file_permissions_mode: int = _FILE_MODE,
        directory_permissions_mode: int = _FOLDER_MODE,
    ) -> None:
        super().__init__(
            location=location,
            file_permissions_mode=file_permissions_mode,
            directory_permissions_mode=directory_permissions_mode,
        )

    def url(self, name: str | None) -> str:
        """There is none: a view checks who asks and sends the bytes."""
        raise ValueError(f"{name} has no address of its own")

    def _save(self, name: str, content: "File[Any]") -> str:
        self._make_folder(Path(self.path(name)).parent)
        with self._written(content, beside=Path(self.path(name))) as temporary:
            while True:
                path = Path(self.path(name))
                try:
                    # Unlike a rename, a link never replaces what another process put there.
                    path.hardlink_to(temporary)
                except FileExistsError:
                    name = self.get_available_name(name)
                else:
                    break
            temporary.unlink()
        _flush_folder(path.parent)
        return name

    @contextmanager
    def _written(self, content: "File[Any]", *, beside: Path) -> Iterator[Path]:
        """``content`` on disk under a temporary name, which is gone afterwards in any case."""
        descriptor, name = tempfile.mkstemp(prefix=".writing-", dir=beside.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write_through(content, file)
                os.fchmod(file.fileno(), self._mode_of_files())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _mode_of_files(self) -> int:
        mode = self.file_permissions_mode
        return _FILE_MODE if mode is None else mode

    def _make_folder(self, folder: Path) -> None:
        """Make ``folder`` and what is missing above it, each known to its parent on disk."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(mode=self.directory_permissions_mode or _FOLDER_MODE, exist_ok=True)
        _flush_folder(folder.parent)


def _write_through(content: "File[Any]", file: IO[bytes]) -> None:
    for chunk in content.chunks():
        file.write(chunk.encode() if isinstance(chunk, str) else chunk)
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """Where a document lies and what it is. ``size`` is in bytes."""

    key: str
    sha256: str
    size: int


def store_document(content: bytes, *, suffix: str) -> StoredDocument:
    """Keep ``content`` under its own hash; storing it twice is storing it once.

    ``suffix`` is the file name's ending with its dot. Works with every Django storage and with
    several processes at once. Raises OSError when it cannot be written (disk full), and then
    leaves nothing that could be read.
    """
    storage = storages[_ALIAS]
    sha256 = hashlib.sha256(content).hexdigest()
    # 256 folders, so that none grows beyond what tools can list.
    key = f"{sha256[:2]}/{sha256}{suffix}"
    if storage.exists(key) and _hash_of(key) != sha256:
        logger.error("%s was altered or damaged; it is stored again", key)
        storage.delete(key)
    if not storage.exists(key):
        saved_as = storage.save(key, ContentFile(content))
        if saved_as != key:
            # Another process stored the same document between the question and the answer.
            storage.delete(saved_as)
    return StoredDocument(key, sha256, len(content))


def read_document(key: str, *, sha256: str) -> bytes:
    """The document's bytes, proven to be those that were stored.

    Raises DocumentMissing or DocumentAltered: what cannot be proven is not handed out.
    """
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
