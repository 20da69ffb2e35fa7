"""The disk that documents are stored on is full for a while."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.reliability.charges import charges_for
from tests.reliability.installation import Installation, own_installation
from tests.reliability.invariants import check_invariants
from tests.reliability.processes import RENDER
from tests.reliability.small_disk import NoSmallDisk, SmallDisk, small_disk
from tests.reliability.waiting import wait_until, work_off

pytestmark = pytest.mark.slow

_DISK_KILOBYTES = 4096
# For the first few documents.
_ROOM_KILOBYTES = 128
_RESUMED_SECONDS = 30


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        with small_disk(tmp_path, kilobytes=_DISK_KILOBYTES) as disk:
            yield disk
    except NoSmallDisk as reason:
        pytest.skip(f"A FULL DISK IS NOT TESTED: NOBODY MAY MOUNT ONE HERE ({reason})")


@pytest.fixture
def installation(template: Path, disk: SmallDisk) -> Iterator[Installation]:
    documents = disk.folder / "documents"
    documents.mkdir()
    with own_installation(template, settings={"DOCUMENTS_DIR": str(documents)}) as installation:
        yield installation


def test_full_disk_shows_nobody_half_a_document_and_costs_no_document_an_attempt(
    installation: Installation, disk: SmallDisk
) -> None:
    scene = installation.stage(30)
    charges = charges_for(scene, lines=1)
    installation.take(charges)
    installation.bill()
    disk.fill(but=_ROOM_KILOBYTES)
    with installation.programs(default=0), reading(installation.documents) as reader:
        wait_until(lambda: bool(_full(installation)), timeout=60)
        # More often than a document may be begun without an end.
        for _ in range(7):
            installation.let_pauses_end()
            installation.ring(RENDER)
            wait_until(lambda: _nobody_is_due(installation), timeout=30)
        stored, waiting = _counts(installation)
        assert 0 < stored < 15
        assert stored + waiting == 30
        assert installation.sql("SELECT max(attempts) FROM invoices_document") == [(0,)]
        disk.free()
        wait_until(lambda: _counts(installation)[0] > stored, timeout=_RESUMED_SECONDS)
        work_off(installation, timeout=60)
    assert reader.read > 30
    assert reader.broken == set()
    figures = check_invariants(installation, scene=scene, charges=charges)
    assert (figures.stored, figures.accepted, figures.leftovers) == (30, 60, 0)


@dataclass
class Reader:
    """Reads whatever has a document's name, over and over."""

    read: int = 0
    broken: set[str] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)

    def read_on(self, folder: Path) -> None:
        while not self._ended.wait(0.02):
            for path in (*folder.rglob("*.pdf"), *folder.rglob("*.xml")):
                self.read += 1
                # A document is named by its hash.
                if hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
                    self.broken.add(path.name)

    def end(self) -> None:
        self._ended.set()


@contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    reader = Reader()
    thread = threading.Thread(target=reader.read_on, args=[folder])
    thread.start()
    try:
        yield reader
    finally:
        reader.end()
        thread.join()


def _full(installation: Installation) -> list[tuple[str]]:
    """What documents say that met the full disk."""
    return installation.sql(
        "SELECT last_error FROM invoices_document WHERE last_error LIKE '%No space left%'"
    )


def _nobody_is_due(installation: Installation) -> bool:
    return not installation.sql("SELECT 1 FROM invoices_document WHERE state = 'rendering'")


def _counts(installation: Installation) -> tuple[int, int]:
    """How many documents are stored, and how many wait."""
    [(stored, waiting)] = installation.sql(
        "SELECT count(*) FILTER (WHERE state = 'stored'),"
        " count(*) FILTER (WHERE state IN ('pending', 'rendering')) FROM invoices_document"
        " WHERE kind = 'pdf'"
    )
    return stored, waiting
