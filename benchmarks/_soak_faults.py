"""The soak's faults: processes killed at random, Redis emptied, PostgreSQL crashed, supervised.

The supervisor is the one of ``scripts/serve.py``: it looks every two seconds, ends what a killed
process has left of its own, and starts it again. It does so however often that happens.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._processes import family
from scripts.serve import SECONDS_A_LOOK
from tests.reliability.installation import Installation
from tests.reliability.processes import BEAT, DEFAULT, MAIL, RENDER, Kill, Programs

BILL = "bill"
# What is killed, main processes and children alike. Beat is needed once in 20 s and is not a
# worker; nobody starts the foreground again, since a run is rows that workers finish.
_VICTIMS = (RENDER, MAIL, DEFAULT, BILL)
_SUPERVISED = (RENDER, MAIL, DEFAULT, BEAT)
# When the servers are hit: at these shares of rendering and delivering.
_REDIS_AT, _POSTGRES_AT = 1 / 3, 2 / 3
_LINES_TOLD = 1


@dataclass
class Faults:
    """Call ``tick`` often. A kill is one stroke, whatever dies along with a first process."""

    installation: Installation
    programs: Programs
    every: float
    chance: random.Random
    say: Callable[[str], None]
    # Strokes by program and by what they hit.
    strokes: Counter[tuple[str, str]] = field(default_factory=Counter)
    # Children that the supervisor ended after their first process was killed.
    orphans: int = 0
    restarts: int = 0
    # Programs that ended although nobody had killed them: the servers' faults ended them.
    ended_alone: Counter[str] = field(default_factory=Counter)
    redis_emptied: int = 0
    postgres_crashed: int = 0
    _killed: set[str] = field(default_factory=set)
    _next_stroke: float = field(init=False)
    _next_look: float = field(init=False)
    _postgres_returns_at: float | None = None

    def __post_init__(self) -> None:
        self._next_stroke = time.monotonic() + self.every
        self._next_look = time.monotonic() + SECONDS_A_LOOK

    @property
    def count(self) -> int:
        return self.strokes.total()

    def tick(self, share_out: float) -> None:
        """Whatever is due by now; ``share_out`` is how much of the run's documents is out."""
        now = time.monotonic()
        if now >= self._next_stroke:
            self._next_stroke += self.every
            self._strike()
        if now >= self._next_look:
            self._next_look = now + SECONDS_A_LOOK
            self._supervise()
        if not self.redis_emptied and share_out >= _REDIS_AT:
            self.redis_emptied += 1
            self.say("Redis is stopped and started empty")
            self.installation.restart_redis()
        if not self.postgres_crashed and share_out >= _POSTGRES_AT:
            self.postgres_crashed += 1
            self.say("PostgreSQL is stopped at once, as a crash")
            self.installation.stop_postgres("immediate")
            self._postgres_returns_at = time.monotonic() + SECONDS_A_LOOK
        if self._postgres_returns_at and now >= self._postgres_returns_at:
            self._postgres_returns_at = None
            self.installation.start_postgres()

    def _strike(self) -> None:
        """One process of all that are there, each as likely as any other."""
        places = [
            (name, pid)
            for name in _VICTIMS
            if self.programs.is_running(name)
            for pid in family(self.programs.pid(name))
        ]
        if not places:
            return
        name, pid = self.chance.choice(places)
        is_main = pid == self.programs.pid(name)
        kill = self.programs.kill_main(name) if is_main else self.programs.kill_child(name)
        if kill:
            self.strokes[name, kill.what] += 1
            self._killed |= {name} if is_main else set()

    def _supervise(self) -> None:
        for name in _SUPERVISED:
            if not self.programs.is_running(name):
                self._start_again(name)

    def _start_again(self, name: str) -> None:
        if name in self._killed:
            self._killed.remove(name)
        else:
            self.ended_alone[name] += 1
            said = self.programs.said(name).splitlines()[-_LINES_TOLD:]
            self.say("\n    ".join([f"{name} has ended by itself, having said", *said]))
        for pid in _session(self.programs.pid(name)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.orphans += 1
                # A copy of a message may come of it, as of any other kill.
                self.installation.kills.own.append(Kill(time.monotonic(), name, pid, "child"))
        self.programs.start(name)
        self.restarts += 1


def _session(leader: int) -> list[int]:
    """Living processes of a session: what a first process that is gone has left behind."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The name in the second field may hold spaces and brackets.
            state, _, _, session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(process.name))
    return found
