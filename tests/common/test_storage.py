"""Durable files: whole or absent, private, and documents that prove themselves on reading."""

import errno
import resource
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from pytest_django import Settings

from common.storage import (
    DocumentAltered,
    DocumentMissing,
    DurableFileSystemStorage,
    StorageUnavailable,
    StoredDocument,
    read_document,
    store_document,
)

CONTENT = b"%PDF-1.7 " + b"x" * 100_000


@pytest.fixture
def storage(tmp_path: Path) -> DurableFileSystemStorage:
    return DurableFileSystemStorage(location=tmp_path / "documents")


def files_in(storage: Storage) -> list[Path]:
    assert isinstance(storage, DurableFileSystemStorage)
    return [path for path in Path(storage.location).rglob("*") if path.is_file()]


def content_of(storage: Storage, name: str) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


@contextmanager
def no_room_beyond(limit: int) -> Iterator[None]:
    """The kernel refuses to let a file grow beyond ``limit`` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_saved_file_is_read_back(storage: DurableFileSystemStorage) -> None:
    name = storage.save("2010/12/a.pdf", ContentFile(CONTENT))

    assert name == "2010/12/a.pdf"
    assert content_of(storage, name) == CONTENT


def test_text_is_saved_as_utf_8(storage: DurableFileSystemStorage) -> None:
    name = storage.save("note.txt", ContentFile("Grüße"))

    assert content_of(storage, name) == "Grüße".encode()


def test_existing_file_is_never_overwritten(storage: DurableFileSystemStorage) -> None:
    first = storage.save("a.pdf", ContentFile(b"first"))
    second = storage.save("a.pdf", ContentFile(b"second"))

    assert first != second
    assert content_of(storage, first) == b"first"
    assert content_of(storage, second) == b"second"


def test_processes_that_save_one_name_at_once_each_get_their_own(
    storage: DurableFileSystemStorage,
) -> None:
    def save(number: int) -> str:
        return storage.save("a.pdf", ContentFile(str(number).encode()))

    with ThreadPoolExecutor(max_workers=8) as pool:
        names = list(pool.map(save, range(40)))

    assert len(set(names)) == 40
    assert sorted(int(content_of(storage, name)) for name in names) == list(range(40))


def test_nothing_is_left_when_the_disk_is_full(storage: DurableFileSystemStorage) -> None:
    with no_room_beyond(4096), pytest.raises(OSError, match="File too large"):
        storage.save("a.pdf", ContentFile(CONTENT))

    assert files_in(storage) == []
    assert storage.save("a.pdf", ContentFile(CONTENT)) == "a.pdf"


def test_nothing_is_visible_before_all_is_on_disk(
    storage: DurableFileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_fsync(descriptor: int) -> None:
        raise OSError(f"descriptor {descriptor} cannot be flushed")

    storage.save("other.pdf", ContentFile(b"makes the folder"))
    monkeypatch.setattr("common.storage.filesystem.os.fsync", broken_fsync)
    with pytest.raises(OSError, match="cannot be flushed"):
        storage.save("a.pdf", ContentFile(CONTENT))

    assert [path.name for path in files_in(storage)] == ["other.pdf"]


def test_source_that_breaks_off_leaves_nothing(
    storage: DurableFileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking_off(chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"the first half"
        raise ConnectionResetError

    content = ContentFile(b"")
    monkeypatch.setattr(content, "chunks", breaking_off)
    with pytest.raises(ConnectionResetError):
        storage.save("a.pdf", content)

    assert files_in(storage) == []


def test_files_and_folders_are_for_their_owner_alone(storage: DurableFileSystemStorage) -> None:
    path = Path(storage.path(storage.save("ab/a.pdf", ContentFile(CONTENT))))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_stored_file_has_no_address(storage: DurableFileSystemStorage) -> None:
    with pytest.raises(ValueError, match="no address"):
        storage.url("ab/a.pdf")


def test_the_documents_storage_of_the_settings_is_durable() -> None:
    assert isinstance(storages["documents"], DurableFileSystemStorage)


@pytest.fixture
def documents(storage: DurableFileSystemStorage, settings: Settings) -> Path:
    """The folder of the documents' storage, empty."""
    backend = "common.storage.DurableFileSystemStorage"
    options = {"location": storage.location}
    settings.STORAGES = settings.STORAGES | {"documents": {"BACKEND": backend, "OPTIONS": options}}
    return Path(storage.location)


def test_document_lies_under_its_hash(documents: Path) -> None:
    digest = sha256(CONTENT).hexdigest()

    stored = store_document(CONTENT, suffix=".pdf")

    assert stored == StoredDocument(f"{digest[:2]}/{digest}.pdf", digest, len(CONTENT))
    assert (documents / stored.key).read_bytes() == CONTENT
    assert read_document(stored.key, sha256=stored.sha256) == CONTENT


def test_storing_a_document_twice_changes_nothing(documents: Path) -> None:
    first = store_document(CONTENT, suffix=".pdf")
    written = (documents / first.key).stat()

    assert store_document(CONTENT, suffix=".pdf") == first
    assert (documents / first.key).stat() == written
    assert files_in(storages["documents"]) == [documents / first.key]


def test_document_stored_by_another_process_meanwhile_is_kept_once(
    documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = sha256(CONTENT).hexdigest()
    key = f"{digest[:2]}/{digest}.pdf"
    storage = storages["documents"]
    original_save = storage.save

    def save_as_second(name: str, content: "ContentFile[bytes]") -> str:
        original_save(name, ContentFile(CONTENT))
        return original_save(name, content)

    monkeypatch.setattr(storage, "save", save_as_second)

    assert store_document(CONTENT, suffix=".pdf").key == key
    assert files_in(storage) == [documents / key]


@pytest.mark.parametrize("altered", [CONTENT[:-1], CONTENT[:-1] + b"y", b""])
def test_altered_document_is_not_handed_out(documents: Path, altered: bytes) -> None:
    stored = store_document(CONTENT, suffix=".pdf")
    (documents / stored.key).write_bytes(altered)

    with pytest.raises(DocumentAltered, match="altered after it was stored"):
        read_document(stored.key, sha256=stored.sha256)


def test_damaged_document_is_made_good_when_it_is_stored_again(
    documents: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stored = store_document(CONTENT, suffix=".pdf")
    (documents / stored.key).write_bytes(b"damaged")

    store_document(CONTENT, suffix=".pdf")

    assert read_document(stored.key, sha256=stored.sha256) == CONTENT
    assert "altered or damaged" in caplog.text


def test_lost_document_is_told(documents: Path) -> None:
    stored = store_document(CONTENT, suffix=".pdf")
    (documents / stored.key).unlink()

    with pytest.raises(DocumentMissing, match="missing"):
        read_document(stored.key, sha256=stored.sha256)


def test_full_disk_stores_no_part_of_a_document_and_resumes(documents: Path) -> None:
    with no_room_beyond(4096), pytest.raises(OSError, match="File too large"):
        store_document(CONTENT, suffix=".pdf")

    assert files_in(storages["documents"]) == []
    stored = store_document(CONTENT, suffix=".pdf")
    assert read_document(stored.key, sha256=stored.sha256) == CONTENT


# --- The storage is away --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.EACCES]
)
def test_folder_that_cannot_be_written_is_no_documents_fault(
    documents: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(number, f"descriptor {descriptor} cannot be flushed")

    with monkeypatch.context() as patch, pytest.raises(StorageUnavailable, match="cannot be"):
        patch.setattr("common.storage.filesystem.os.fsync", broken)
        store_document(CONTENT, suffix=".pdf")

    assert files_in(storages["documents"]) == []
    stored = store_document(CONTENT, suffix=".pdf")
    assert read_document(stored.key, sha256=stored.sha256) == CONTENT


def test_disk_that_cannot_be_read_is_no_missing_document(
    documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store_document(CONTENT, suffix=".pdf")

    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("django.core.files.base.File.read", broken, raising=False)
    with pytest.raises(StorageUnavailable, match="Input/output error"):
        read_document(stored.key, sha256=stored.sha256)


def test_folder_that_is_gone_is_no_missing_document(documents: Path) -> None:
    """As when a network file system is not mounted."""
    stored = store_document(CONTENT, suffix=".pdf")
    shutil.rmtree(documents)

    with pytest.raises(StorageUnavailable, match=f"there is no folder {documents}"):
        read_document(stored.key, sha256=stored.sha256)
