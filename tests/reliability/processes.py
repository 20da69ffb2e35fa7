"""The program's processes in an installation of a test's own, and ways to kill them."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks._installation import ROOT
from benchmarks._processes import children_of, family
from scripts.serve import programs as commands_of_serve
from tests.reliability.points import POINTS, KillAt

RENDER, MAIL, DEFAULT = "worker-render", "worker-mail", "worker-default"
WEB, BEAT = "web", "beat"

_READY_SECONDS = 90
# As long as scripts/serve.py waits.
_STOP_SECONDS = 40
_READY = {BEAT: r"beat: Starting", WEB: r"Listening at"}


class ProgramFailed(Exception):
    """A program ended or did not become ready; the message holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One process that was killed -9. ``at`` is on the monotonic clock, which processes share."""

    at: float
    program: str
    pid: int
    what: Literal["main", "child", "named point"]
    point: str = ""

    @property
    def may_copy(self) -> bool:
        """Whether it may have cost a second copy of a message."""
        return self.program == MAIL and (not self.point or POINTS[self.point].may_copy)


@dataclass
class Kills:
    """Every kill in an installation: our own, and those that processes did to themselves."""

    file: Path
    own: list[Kill] = field(default_factory=list)

    def all(self) -> list[Kill]:
        deaths = self.file.read_text().splitlines() if self.file.exists() else []
        return sorted([*self.own, *map(_named, deaths)], key=lambda kill: kill.at)

    def of(self, program: str) -> list[Kill]:
        return [kill for kill in self.all() if kill.program == program]

    def at_point(self, point: str) -> list[Kill]:
        return [kill for kill in self.all() if kill.point == point]


def _named(line: str) -> Kill:
    said = json.loads(line)
    return Kill(said["at"], said["program"], said["pid"], "named point", said["point"])


def commands(
    *,
    render: int,
    mail: int,
    default: int,
    beat: bool,
    web_port: int | None,
    kill_at: Mapping[str, KillAt],
    kills: Kills,
) -> dict[str, list[str]]:
    """What ``scripts/serve.py`` starts, with as many children as asked; none leaves it out."""
    children = {RENDER: render, MAIL: mail, DEFAULT: default}
    wanted: dict[str, list[str]] = {}
    for name, command in commands_of_serve("127.0.0.1", web_port or 0, 0).items():
        if children.get(name):
            wanted[name] = _with_children(command, children[name])
        elif (name == BEAT and beat) or (name == WEB and web_port):
            wanted[name] = command
    for name, at in kill_at.items():
        wanted[name] = armed(wanted[name], at, program=name, kills=kills)
    return wanted


def armed(command: Sequence[str], at: KillAt, *, program: str, kills: Kills) -> list[str]:
    """``python -m celery …`` or ``python manage.py …``, as one that dies at a named point."""
    python, *rest = command
    told = [at.point, str(at.call), str(at.times), str(kills.file), program]
    runner = ["celery", *rest[2:]] if rest[:2] == ["-m", "celery"] else ["manage", *rest[1:]]
    return [python, "-m", "tests.reliability.killing", *told, *runner]


def _with_children(command: Sequence[str], count: int) -> list[str]:
    place = list(command).index("-c") + 1
    return [*command[:place], str(count), *command[place + 1 :]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Programs:
    """The running programs by name. Each has a session of its own, and so a group to kill."""

    def __init__(
        self,
        wanted: Mapping[str, Sequence[str]],
        *,
        environment: Mapping[str, str],
        log: Path,
        kills: Kills,
        seed: int = 20_260_101,
    ) -> None:
        self._commands = dict(wanted)
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._log = log
        self._kills = kills
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._said_before: dict[str, int] = {}
        self._chance = random.Random(seed)  # noqa: S311 - a test repeats its choices

    # --- Starting and stopping ------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start and return at once; without names, all."""
        for name in names or self._commands:
            log = self._log / f"{name}.log"
            with log.open("ab") as output:
                self._said_before[name] = output.tell()
                self._running[name] = subprocess.Popen(
                    self._commands[name],
                    cwd=ROOT,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def wait_until_ready(self, *names: str) -> None:
        """Until each says so itself. Raises ProgramFailed."""
        deadline = time.monotonic() + _READY_SECONDS
        for name in names or tuple(self._running):
            while not re.search(_READY.get(name, r"ready\."), said := self.said(name)):
                if self._running[name].poll() is not None or time.monotonic() > deadline:
                    raise ProgramFailed(f"{name} did not become ready:\n{said[-4000:]}")
                time.sleep(0.05)

    def said(self, name: str) -> str:
        """The log since the present process of the program was started."""
        with (self._log / f"{name}.log").open("rb") as log:
            log.seek(self._said_before[name])
            return log.read().decode(errors="replace")

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def children(self, name: str) -> list[int]:
        return children_of(self.pid(name))

    def is_running(self, name: str) -> bool:
        return self._running[name].poll() is None

    def restart(self, name: str, *, ready: bool = True) -> None:
        """Start again what has ended or was killed, as a supervisor does."""
        if self.is_running(name):
            self.stop(name)
        self.start(name)
        if ready:
            self.wait_until_ready(name)

    def stop(self, name: str) -> float:
        """SIGTERM as an operator's stop, and wait; returns the seconds it took.

        Raises ProgramFailed when it has to be killed after 40 s.
        """
        process, began = self._running[name], time.monotonic()
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _kill_group(process.pid)
            process.wait()
            raise ProgramFailed(f"{name} did not stop on SIGTERM") from None
        return time.monotonic() - began

    def end(self) -> None:
        """Kill what is left. ``kill_all_of`` finds children whose parent was killed before."""
        for process in self._running.values():
            _kill_group(process.pid)
            process.wait()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Until the end of the block, the program and its children stand still (SIGSTOP)."""
        pids = family(self.pid(name))
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    # --- Killing --------------------------------------------------------------------------------

    def kill_child(self, name: str) -> Kill | None:
        """A random pool process of a worker; None when none is there at the moment."""
        if not (children := self.children(name)):
            return None
        return self._kill(name, self._chance.choice(children), "child")

    def kill_main(self, name: str) -> Kill | None:
        """The first process alone, as the kernel does when memory runs out; not restarted."""
        kill = self._kill(name, self.pid(name), "main")
        self._running[name].wait()
        return kill

    def kill_family(self, name: str) -> list[Kill]:
        """A worker with all its children, as a power cut would; not restarted."""
        pids = family(self.pid(name))
        found = [self._kill(name, pid, "child") for pid in reversed(pids[1:])]
        return [kill for kill in (*found, self.kill_main(name)) if kill]

    def kill_any(self, *names: str) -> Kill | None:
        """Any process of these programs; a first process is started again at once."""
        places = [(name, pid) for name in names for pid in family(self.pid(name))]
        name, pid = self._chance.choice(places)
        if pid != self.pid(name):
            return self._kill(name, pid, "child")
        kill = self.kill_main(name)
        self.restart(name, ready=False)
        return kill

    @contextmanager
    def killing(self, *names: str, every: float, mains: bool = False) -> Iterator[None]:
        """Until the end of the block, kill a random process of these programs every so often.

        ``every`` is in seconds. ``mains``: first processes too, which are then started again.
        """
        ended = threading.Event()

        def kill_on() -> None:
            while not ended.wait(every):
                if mains:
                    self.kill_any(*names)
                else:
                    self.kill_child(self._chance.choice(names))

        thread = threading.Thread(target=kill_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _kill(self, name: str, pid: int, what: Literal["main", "child"]) -> Kill | None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        kill = Kill(time.monotonic(), name, pid, what)
        self._kills.own.append(kill)
        return kill


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def kill_all_of(var: Path) -> None:
    """Kill every process that was given this installation's folder, whoever its parent is now.

    Not its servers, which are told to stop. Only processes that a test started carry the folder in
    their environment.
    """
    given = f"COUNTERFOIL_VAR={var}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes()
            if given in environment and b"python" in command.partition(b"\0")[0]:
                os.kill(int(process.name), signal.SIGKILL)
