"""Files that must be whole or absent: durable storage in a folder."""

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from common.storage.refusals import StorageUnavailable

# Documents hold names, addresses and prices: for the user that the program runs as, nobody else.
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
# Where files are written before they have their name. One folder for all of a location's: what a
# killed process left is then found by looking in one place.
_PASSING_FOLDER = "writing"
_PASSING_PREFIX = ".writing-"
# Tasks and requests end within minutes: whoever began an older file is long dead.
_LEFT_BEHIND_SECONDS = 24 * 60 * 60
_LOOKED_FOR_EVERY_SECONDS = 60 * 60
# What no document brings about: no room, no right, a broken disk, a network file system that is
# not there.
_AWAY = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EIO,
        errno.ENOSPC,
        errno.ENOTCONN,
        errno.EPERM,
        errno.EROFS,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


@contextmanager
def outage_told() -> Iterator[None]:
    """Raise StorageUnavailable for an OSError that concerns the folder and not one file."""
    try:
        yield
    except OSError as error:
        if error.errno in _AWAY:
            raise StorageUnavailable(str(error)) from error
        raise


@deconstructible(path="common.storage.DurableFileSystemStorage")
class DurableFileSystemStorage(FileSystemStorage):
    """A folder in which a name shows a whole file, on disk, or none.

    Content goes to a temporary name, is flushed to disk, and only then gets its name; the folder is
    flushed too, so that the name is there after a power cut. When writing fails (disk full),
    nothing stays; what a killed process left is deleted a day later. An existing file is never
    overwritten: as with every Django storage, ``save`` then picks another name and returns it.
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
        self._next_look_at = 0.0

    def url(self, name: str | None) -> str:
        """There is none: a view checks who asks and sends the bytes."""
        raise ValueError(f"{name} has no address of its own")

    def open(self, name: str, mode: str = "rb") -> "File[Any]":
        """As any storage; a file that is missing with the whole folder says nothing about it."""
        with outage_told():
            try:
                return super().open(name, mode)
            except FileNotFoundError as error:
                if not Path(self.location).is_dir():
                    raise StorageUnavailable(f"there is no folder {self.location}") from error
                raise

    def delete(self, name: str) -> None:
        with outage_told():
            super().delete(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with outage_told():
            return super().listdir(path)

    def _save(self, name: str, content: "File[Any]") -> str:
        with outage_told():
            self._make_folder(Path(self.path(name)).parent)
            with self._written(content) as temporary:
                name = self._linked(temporary, name)
                temporary.unlink()
            _flush_folder(Path(self.path(name)).parent)
        return name

    def _linked(self, temporary: Path, name: str) -> str:
        """Give ``temporary`` the name, or the next free one; returns which."""
        while True:
            try:
                # Unlike a rename, a link never replaces what another process put there.
                Path(self.path(name)).hardlink_to(temporary)
            except FileExistsError:
                name = self.get_available_name(name)
            else:
                return name

    @contextmanager
    def _written(self, content: "File[Any]") -> Iterator[Path]:
        """``content`` on disk under a temporary name, which is gone afterwards in any case."""
        # Below the location, and so on its file system: a file gets its name without being copied.
        folder = Path(self.location) / _PASSING_FOLDER
        self._make_folder(folder)
        self._clear_up(folder)
        descriptor, name = tempfile.mkstemp(prefix=_PASSING_PREFIX, dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write_through(content, file)
                os.fchmod(file.fileno(), self._mode_of_files())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _clear_up(self, folder: Path) -> None:
        """Delete what processes left that were killed while they wrote."""
        if time.monotonic() < self._next_look_at:
            return
        self._next_look_at = time.monotonic() + _LOOKED_FOR_EVERY_SECONDS
        begun_before = time.time() - _LEFT_BEHIND_SECONDS
        for path in folder.glob(f"{_PASSING_PREFIX}*"):
            # Another process may be clearing up as well, and no document is to wait for this.
            with suppress(OSError):
                if path.stat().st_mtime < begun_before:
                    path.unlink()

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
