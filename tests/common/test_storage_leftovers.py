"""Files that a process was writing when it was killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from common.storage import DurableFileSystemStorage

# Dies with half of the content written.
_KILLED_WRITER = """
import os, signal, sys
from django.conf import settings
settings.configure()
from django.core.files.base import ContentFile
from common.storage import DurableFileSystemStorage

class Half(ContentFile):
    def chunks(self, chunk_size=None):
        yield b"the first half"
        os.kill(os.getpid(), signal.SIGKILL)

DurableFileSystemStorage(sys.argv[1]).save("ab/a.pdf", Half(b""))
"""


def left_behind_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def age(path: Path, age: timedelta) -> None:
    then = time.time() - age.total_seconds()
    os.utime(path, (then, then))


@pytest.fixture
def passing_file(tmp_path: Path) -> Path:
    killed = subprocess.run([sys.executable, "-c", _KILLED_WRITER, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    [path] = left_behind_in(tmp_path)
    return path


def test_what_a_killed_process_left_has_no_documents_name(
    passing_file: Path, tmp_path: Path
) -> None:
    assert not DurableFileSystemStorage(tmp_path).exists("ab/a.pdf")
    assert passing_file.suffix == ""


def test_it_is_deleted_when_a_day_has_passed(passing_file: Path, tmp_path: Path) -> None:
    age(passing_file, timedelta(hours=25))
    DurableFileSystemStorage(tmp_path).save("ab/a.pdf", ContentFile(b"whole"))
    assert left_behind_in(tmp_path) == [tmp_path / "ab" / "a.pdf"]


def test_it_is_left_alone_as_long_as_somebody_may_be_writing_it(
    passing_file: Path, tmp_path: Path
) -> None:
    age(passing_file, timedelta(hours=23))
    DurableFileSystemStorage(tmp_path).save("ab/a.pdf", ContentFile(b"whole"))
    assert passing_file in left_behind_in(tmp_path)


def test_stored_documents_are_never_cleared_away(tmp_path: Path) -> None:
    storage = DurableFileSystemStorage(tmp_path)
    stored = Path(storage.path(storage.save("ab/a.pdf", ContentFile(b"whole"))))
    age(stored, timedelta(days=4000))
    DurableFileSystemStorage(tmp_path).save("cd/b.pdf", ContentFile(b"another"))
    assert stored.read_bytes() == b"whole"


def test_a_process_looks_once_an_hour(
    passing_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = DurableFileSystemStorage(tmp_path)
    storage.save("ab/a.pdf", ContentFile(b"whole"))
    age(passing_file, timedelta(hours=25))
    storage.save("ab/b.pdf", ContentFile(b"whole"))
    assert passing_file.exists()
    monkeypatch.setattr("common.storage.filesystem._LOOKED_FOR_EVERY_SECONDS", 0)
    storage._next_look_at = 0
    storage.save("ab/c.pdf", ContentFile(b"whole"))
    assert not passing_file.exists()
