"""An older backup restored, by processes alone: what an operator meets, and what customers get."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.reliability.charges import Scene, charges_for
from tests.reliability.installation import CommandFailed, Installation
from tests.reliability.waiting import wait_until, wait_until_quiet

pytestmark = pytest.mark.slow

CUSTOMERS = 4
RECIPIENTS = 2 * CUSTOMERS


def take(installation: Installation, scene: Scene, month: str) -> None:
    installation.take(charges_for(scene, name=month))


def mailed(installation: Installation) -> Counter[tuple[str, str]]:
    """How often each document was mailed to each recipient, by its printed number."""
    named = re.compile(rb'filename="?([A-Z0-9-]+)\.pdf')
    return Counter(
        (number.decode(), copy.recipient)
        for copy in installation.mailbox.copies
        for number in named.findall(copy.content)
    )


def numbers_mailed(installation: Installation) -> list[str]:
    return sorted({number for number, _ in mailed(installation)})


def some(prefix: str, *, first: int, last: int) -> list[str]:
    return [f"{prefix}{number:06d}" for number in range(first, last + 1)]


def test_no_number_and_no_mail_leaves_twice(installation: Installation, tmp_path: Path) -> None:
    scene = installation.stage(CUSTOMERS)
    take(installation, scene, "first month")
    installation.bill()
    # Nothing of the first month has been rendered yet: the backup believes it unsent.
    installation.manage("backup", str(tmp_path))
    [manifest] = tmp_path.glob("*/manifest.json")
    with installation.programs(default=0, beat=False):
        installation.ring()
        take(installation, scene, "second month")
        installation.bill()
        wait_until_quiet(installation, timeout=90)
    everything = some("INV-", first=1, last=2 * CUSTOMERS)
    assert numbers_mailed(installation) == everything

    said = installation.manage("restore", str(manifest.parent), "--replace", "--yes")

    assert f"Numbers are out up to {everything[-1]}" in said
    take(installation, scene, "third month")
    with pytest.raises(CommandFailed, match="Nothing is issued"):
        installation.bill()
    with installation.programs(default=0, beat=False):
        installation.ring()
        logs = installation.places.log
        wait_until(
            lambda: "nothing is rendered" in (logs / "worker-render.log").read_text(), timeout=60
        )
        assert len(installation.mailbox.copies) == 2 * RECIPIENTS

        with pytest.raises(CommandFailed, match="Say what becomes of INV-"):
            installation.manage("acknowledge_restore", "--note=disk failed")
        installation.manage("acknowledge_restore", "--note=disk failed", "--next=INV-=INV-B-")
        take(installation, scene, "fourth month")
        installation.bill()
        wait_until_quiet(installation, timeout=90, leaving=("stopped", "drafted"))

    afterwards = some("INV-B-", first=1, last=CUSTOMERS)
    assert numbers_mailed(installation) == sorted([*everything, *afterwards])
    assert set(mailed(installation).values()) == {1}
    known = installation.sql(
        "SELECT number FROM invoices_invoice WHERE state = 'issued' ORDER BY number"
    )
    assert [number for (number,) in known] == [*everything[:CUSTOMERS], *afterwards]
