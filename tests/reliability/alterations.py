"""Programs that are given something to suffer from: poisoned rows, and a clock that runs faster.

The program knows nothing of it: ``tests.reliability.altering`` wraps functions and divides time
limits in the processes that a test chooses. Poison lies in a file that these look into at each
call, so the same workers can run without it, with it, and after it is gone.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path


class Harm(StrEnum):
    """What happens to a process that takes up a poisoned row."""

    RAISES = auto()
    # Without end and in Python, as a layout that never settles.
    LOOPS = auto()
    TAKES_MEMORY = auto()
    # As a crash in a C library, or the kernel when memory runs out.
    KILLS = auto()


class Work(StrEnum):
    """What can be poisoned, and how a test names the row."""

    # A document, by its number.
    RENDERING = auto()
    # A message, by its recipient's address.
    SENDING = auto()
    # An account in a billing run, by its primary key.
    DRAFTING = auto()


@dataclass(frozen=True)
class Vial:
    """The file that says which rows are poisoned at the moment; none while it is not there."""

    file: Path

    def pour(self, harm: Harm, *, into: Work, named: str) -> None:
        """Poison one more row."""
        poisoned = self._read()
        poisoned.setdefault(into, {})[named] = harm
        passing = self.file.with_suffix(".new")
        passing.write_text(json.dumps(poisoned))
        passing.replace(self.file)

    def empty(self) -> None:
        """The cause is gone; what was parked because of it stays parked."""
        self.file.unlink(missing_ok=True)

    def harm_to(self, work: Work, name: str) -> Harm | None:
        harm = self._read().get(work, {}).get(name)
        return Harm(harm) if harm else None

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            poisoned: dict[str, dict[str, str]] = json.loads(self.file.read_text())
        except FileNotFoundError:
            return {}
        return poisoned


@dataclass(frozen=True)
class Alteration:
    """What the processes of a program suffer.

    ``faster`` divides time limits and leases: a hundred rows then meet what a thousand would meet
    with the real ones, and a test need not wait for these.
    """

    vial: Vial
    faster: float = 1

    def __call__(self, command: Sequence[str]) -> list[str]:
        """``python -m celery …`` or ``python manage.py …``, altered."""
        python, *rest = command
        told = [str(self.vial.file), str(self.faster)]
        runner = ["celery", *rest[2:]] if rest[:2] == ["-m", "celery"] else ["manage", *rest[1:]]
        return [python, "-m", "tests.reliability.altering", *told, *runner]
