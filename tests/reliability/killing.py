"""Runs Celery or manage.py in a process that kills itself at a named point.

    python -m tests.reliability.killing "after content" 3 2 LEDGER worker-mail celery -A config …
    python -m tests.reliability.killing "numbered" 5 1 LEDGER bill manage bill --approve

The point, the call in each process at which it strikes, how often over all processes, the file that
counts, the program's name, and then the program. Children of a prefork pool inherit the wrapping
when they are forked. Once the count is full, everything behaves as ever.
"""

import fcntl
import functools
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
from celery.__main__ import main as celery_main
from celery.concurrency.asynpool import AsynPool
from django.core.management import execute_from_command_line

from tests.reliability.points import POINTS, KillAt, When

# The main process may see a child go before the kernel lets it be buried, and then looks again
# after 5 s only. A hundred deaths would take minutes.
_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass
class Blow:
    """Counts calls in this process, and deaths in all of them."""

    kill_at: KillAt
    ledger: Path
    program: str
    _calls: int = field(default=0, init=False)

    def strike(self) -> None:
        self._calls += 1
        if self._calls == self.kill_at.call and self._is_allowed():
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_allowed(self) -> bool:
        """Enters this death into the ledger, unless there have been enough."""
        with self.ledger.open("a+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            deaths = [json.loads(line) for line in stream]
            same = [death for death in deaths if death["point"] == self.kill_at.point]
            if len(same) >= self.kill_at.times:
                return False
            entry = {
                "point": self.kill_at.point,
                "program": self.program,
                "pid": os.getpid(),
                "at": time.monotonic(),
            }
            stream.write(json.dumps(entry) + "\n")
            return True


def bury_at_once() -> None:
    """Have the main process of a pool look for dead children more often."""
    AsynPool.timers = property(  # type: ignore[assignment, method-assign]
        lambda pool: {pool.maintain_pool: _SECONDS_BETWEEN_LOOKS}
    )


def arm(blow: Blow) -> None:
    """Wrap the functions of the point, each where the program looks it up."""
    point = POINTS[blow.kill_at.point]
    for target in point.targets:
        module, _, path = target.partition(":")
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        wrap = _before if point.when is When.BEFORE else _after
        setattr(owner, name, wrap(getattr(owner, name), blow))


def _before(function: Callable[..., Any], blow: Blow) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        blow.strike()
        return function(*args, **kwargs)

    return wrapped


def _after(function: Callable[..., Any], blow: Blow) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if result is None or result:
            blow.strike()
        return result

    return wrapped


def main(arguments: Sequence[str]) -> None:
    point, call, times, ledger, program, runner, *rest = arguments
    django.setup()
    arm(Blow(KillAt(point, int(call), int(times)), Path(ledger), program))
    if runner == "celery":
        bury_at_once()
        sys.argv = ["celery", *rest]
        celery_main()
    else:
        execute_from_command_line(["manage.py", *rest])


if __name__ == "__main__":
    main(sys.argv[1:])
