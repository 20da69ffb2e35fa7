"""Runs Celery in processes that kill themselves where ``orders`` tells them to.

    python -m tests.reliability.obeying ORDERS LEDGER worker-mail -A config worker …

The file of orders, the file that counts deaths, the program's name, and then Celery's arguments.
Every named point is wrapped; the file is looked into at each call, so orders reach processes that
are running.
"""

import fcntl
import functools
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
from celery.__main__ import main as celery_main

from tests.reliability.killing import Blow, arm, bury_at_once
from tests.reliability.points import POINTS, KillAt


class Held:
    """What this process leased last, for the ledger: nobody else may end another's lease."""

    token = ""

    def note(self) -> None:
        claims = importlib.import_module("common.claims")
        lease = claims._lease

        @functools.wraps(lease)
        def noted(*args: Any, **kwargs: Any) -> Any:
            leased = lease(*args, **kwargs)
            if leased:
                self.token = str(leased[0].token)
            return leased

        claims._lease = noted  # type: ignore[attr-defined]


@dataclass
class Obedience(Blow):
    """One point's calls in this process, compared with the next order of the program."""

    orders: Path
    held: Held
    _position: int = field(default=-1, init=False)

    def strike(self) -> None:
        ordered, position = self._ordered(), self._deaths()
        if position >= len(ordered):
            return
        point, call = ordered[position]
        if point != self.kill_at.point:
            return
        if position != self._position:
            self._position, self._calls = position, 0
        self._calls += 1
        if self._calls >= call and self._is_first(position):
            os.kill(os.getpid(), signal.SIGKILL)

    def _ordered(self) -> list[tuple[str, int]]:
        if not self.orders.exists():
            return []
        given = json.loads(self.orders.read_text())
        return [(point, call) for program, point, call in given if program == self.program]

    def _deaths(self) -> int:
        if not self.ledger.exists():
            return 0
        deaths = map(json.loads, self.ledger.read_text().splitlines())
        return sum(death["program"] == self.program for death in deaths)

    def _is_first(self, position: int) -> bool:
        """Enters this death into the ledger, unless another process was quicker."""
        with self.ledger.open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if self._deaths() != position:
                return False
            entry = {
                "point": self.kill_at.point,
                "program": self.program,
                "pid": os.getpid(),
                "at": time.monotonic(),
                "token": self.held.token,
            }
            stream.write(json.dumps(entry) + "\n")
            return True


def main(arguments: Sequence[str]) -> None:
    orders, ledger, program, *rest = arguments
    django.setup()
    bury_at_once()
    held = Held()
    held.note()
    for point in POINTS:
        arm(Obedience(KillAt(point), Path(ledger), program, Path(orders), held))
    sys.argv = ["celery", *rest]
    celery_main()


if __name__ == "__main__":
    main(sys.argv[1:])
