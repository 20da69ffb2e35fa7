"""What processes cost, read from the kernel: processor time and the most memory they ever held."""

import os
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from invoices.rendering.einvoice.asking import PROGRAM

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_SECONDS_A_LOOK = 0.1
_LOOKS_OF_A_CHILD = 3
_STOP_SECONDS = 60


class ProgramFailed(Exception):
    """A measured program ended with an error; the message holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock and of processors: ours, and PostgreSQL's meanwhile."""

    wall: float
    cpu: float
    postgres_cpu: float


@dataclass
class Peaks:
    """The most memory (VmHWM, in kB) that any process of a name ever held, sampled while it ran.

    VmHWM only grows, so what a look misses is what a process took in its last tenth of a second.
    """

    found: dict[str, int] = field(default_factory=dict)
    _watched: dict[int, str] = field(default_factory=dict)
    _looks: Counter[int] = field(default_factory=Counter)

    def watch(self, pid: int, name: str) -> None:
        self._watched[pid] = name

    def forget(self, pid: int) -> None:
        self._watched.pop(pid, None)

    def look(self) -> None:
        for root, name in list(self._watched.items()):
            for pid in family(root):
                self._looks[pid] += 1
                # A program that is just being started is still a copy of its parent.
                if pid == root or self._looks[pid] >= _LOOKS_OF_A_CHILD:
                    label = name if pid == root else f"{name}, {_role(pid)}"
                    self.found[label] = max(self.found.get(label, 0), _peak_kilobytes(pid))

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look ten times a second until the end of the block."""
        ended = threading.Event()

        def look_on() -> None:
            while not ended.wait(_SECONDS_A_LOOK):
                self.look()

        thread = threading.Thread(target=look_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@dataclass(frozen=True)
class Meter:
    """Runs programs and says what they cost. ``postgres`` is its first process, if it is ours."""

    environment: dict[str, str]
    folder: Path
    log: Path
    postgres: int | None
    peaks: Peaks

    def run(self, name: str, command: Sequence[str]) -> tuple[str, Cost]:
        """To the end; returns its standard output. Raises ProgramFailed."""
        wall, spent = time.monotonic(), self.postgres_cpu()
        children = os.times()
        output = self.log / f"{name.replace(' ', '-')}.out"
        with self._started(name, command, output) as process:
            process.wait()
        ended = os.times()
        cpu = (ended.children_user + ended.children_system) - (
            children.children_user + children.children_system
        )
        said = output.read_text(errors="replace")
        if process.returncode != 0:
            errors = output.with_suffix(".err").read_text(errors="replace")
            raise ProgramFailed(f"{name} failed:\n{said[-2000:]}\n{errors[-4000:]}")
        return said, Cost(time.monotonic() - wall, cpu, self.postgres_cpu() - spent)

    @contextmanager
    def running(self, name: str, command: Sequence[str], *, ready: str) -> Iterator[int]:
        """In the background until the end of the block; yields its pid once its log says ``ready``.

        Raises ProgramFailed if it ends before that.
        """
        output = self.log / f"{name.replace(' ', '-')}.out"
        with self._started(name, command, output) as process:
            try:
                errors = output.with_suffix(".err")
                while not re.search(ready, said := errors.read_text(errors="replace")):
                    if process.poll() is not None:
                        raise ProgramFailed(f"{name} ended:\n{said[-4000:]}")
                    time.sleep(0.05)
                yield process.pid
            finally:
                process.terminate()
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @contextmanager
    def _started(
        self, name: str, command: Sequence[str], output: Path
    ) -> Iterator["subprocess.Popen[bytes]"]:
        with output.open("wb") as out, output.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=out, stderr=err
            )
        self.peaks.watch(process.pid, name)
        try:
            yield process
        finally:
            self.peaks.forget(process.pid)

    def postgres_cpu(self) -> float:
        """Processor seconds of PostgreSQL so far; 0 when it is not ours to look at."""
        return cpu_seconds(self.postgres) if self.postgres else 0.0


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process and of all it ever started, those that ended included.

    The kernel adds an ended child's time to its parent's.
    """
    return sum(map(_own_and_ended, family(pid)))


def family(pid: int) -> list[int]:
    """A process and its living descendants."""
    found = [pid]
    for member in found:
        found += children_of(member)
    return found


def children_of(pid: int) -> list[int]:
    """The living processes that this one started itself."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _own_and_ended(pid: int) -> float:
    try:
        # The name in the second field may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS_A_SECOND


def _role(pid: int) -> str:
    """The validator of e-invoices is a child of a worker's child, and a program of its own."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "child"
    return "validator" if PROGRAM.encode() in command.split(b"\0") else "child"


def _peak_kilobytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, flags=re.MULTILINE)
    return int(found[1]) if found else 0
