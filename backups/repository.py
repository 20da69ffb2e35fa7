"""A folder of backups: documents once for all of them, and a folder for each backup.

::

    documents/ab/ab….pdf            by their hash, written once, shared by every backup
    20261122T031500Z/database.dump  pg_dump's custom format
    20261122T031500Z/manifest.json  what is in the dump
    20261122T031500Z/SHA256SUMS     dump and documents, as `sha256sum --check` reads them

A backup gets its name when it is whole and on disk; what a crash has left is called unfinished, and
the next backup takes it away. Only renames are asked of the file system, so that it may be any.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from backups.refusals import BackupBusy

DUMP = "database.dump"
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
DOCUMENTS = "documents"
_UNFINISHED = ".unfinished"
_LOCK = ".lock"
# As the documents themselves: for the user that makes the backup, nobody else.
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Repository:
    root: Path

    def document(self, key: str) -> Path:
        return self.root / DOCUMENTS / key

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One backup at a time. Raises BackupBusy; the kernel lets go however a process ends."""
        _make_folder(self.root)
        with (self.root / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupBusy(f"Another backup is being written into {self.root}.") from None
            yield

    @contextlib.contextmanager
    def new_backup(self, name: str) -> Iterator[Path]:
        """A folder to write a backup into, called ``name`` once the block has ended well.

        Otherwise nothing of it stays. The caller holds the lock.
        """
        for left in self.root.glob(f"*{_UNFINISHED}"):
            shutil.rmtree(left)
        unfinished = self.root / f"{name}{_UNFINISHED}"
        unfinished.mkdir(mode=_FOLDER_MODE)
        try:
            yield unfinished
            for path in unfinished.iterdir():
                _flush(path)
            _flush(unfinished)
            unfinished.rename(self.root / name)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        _flush(self.root)

    def free_name(self, at: datetime) -> str:
        """A name for a backup of this moment, in UTC, that no other one has."""
        name = f"{at:%Y%m%dT%H%M%SZ}"
        return f"{at:%Y%m%dT%H%M%S.%fZ}" if (self.root / name).exists() else name

    def write_document(self, key: str, content: bytes) -> None:
        """Under its key when it is whole and on disk; in the place of what is there."""
        path = self.document(key)
        _make_folder(path.parent)
        descriptor, passing = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(passing).replace(path)
        except BaseException:
            Path(passing).unlink(missing_ok=True)
            raise
        _flush(path.parent)


def sha256_of(path: Path) -> str:
    """In hex, of a file of any size."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def write_private(path: Path) -> IO[str]:
    """A text file for the user that makes the backup, nobody else."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "w")


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        _flush(folder.parent)


def _flush(path: Path) -> None:
    """To disk: a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
