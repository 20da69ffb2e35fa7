"""Two releases of the program on one installation, each run from a folder of its own."""

import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._installation import ROOT
from scripts.serve import STOP_SECONDS
from scripts.serve import programs as commands_of_serve
from tests.reliability.processes import WEB, Kills, ProgramFailed, Programs, commands

_READY_SECONDS = 60.0
# What stages customers is the same for any release; one that is older than it has none.
_STAGE = ("tests/reliability/charges.py", "tests/reliability/stage.py")


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the code. Both use the packages of this environment."""

    name: str
    folder: Path

    def run(self, environment: Mapping[str, str], *arguments: str) -> str:
        """Python with these arguments, to its end; returns its output. Raises ProgramFailed."""
        finished = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise ProgramFailed(f"{self.name}: {' '.join(arguments)}\n{finished.stdout[-4000:]}")
        return finished.stdout

    def workers(self, environment: Mapping[str, str], log: Path, *, renderers: int) -> Programs:
        """Workers and beat, not started yet, with logs of their own."""
        log.mkdir()
        kills = Kills(log / "kills.jsonl")
        wanted = commands(
            render=renderers, mail=2, default=1, beat=True, web_port=None, kill_at={}, kills=kills
        )
        here = {name: ["env", "-C", str(self.folder), *command] for name, command in wanted.items()}
        return Programs(here, environment=environment, log=log, kills=kills)


@contextmanager
def unpacked(ref: str) -> Iterator[Release]:
    """The release that git knows as ``ref``, in a folder that goes at the end."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-release-") as name:
        folder = Path(name)
        archive = ["git", "archive", "--format=tar", ref]
        with subprocess.Popen(archive, cwd=ROOT, stdout=subprocess.PIPE) as git:
            with tarfile.open(fileobj=git.stdout, mode="r|") as files:
                files.extractall(folder, filter="data")
        if git.returncode != 0:
            raise ProgramFailed(f"git knows no {ref}")
        # What set-up brings is not in git.
        for brought in ("node_modules",):
            if (ROOT / brought).exists():
                (folder / brought).symlink_to(ROOT / brought)
        for file in _STAGE:
            if not (folder / file).exists():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_bytes((ROOT / file).read_bytes())
        yield Release(ref, folder)


@dataclass
class Front:
    """The address that both releases answer at: a listening socket that web servers are given.

    So a supervisor does it (a socket unit of systemd): connections that arrive while one release
    has gone and the next is not there yet wait, and none is refused.
    """

    port: int
    environment: Mapping[str, str]
    log: Path
    _socket: socket.socket = field(init=False)
    _running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self.port), backlog=128)

    def start(self, release: Release) -> None:
        """Until it answers. Raises ProgramFailed."""
        handle = self._socket.fileno()
        command = commands_of_serve("127.0.0.1", self.port, 0)[WEB]
        bound = [
            f"--bind=fd://{handle}" if word.startswith("--bind=") else word for word in command
        ]
        log = self.log / f"{WEB}-{release.name}.log"
        with log.open("ab") as output:
            process = self._running[release.name] = subprocess.Popen(
                bound,
                cwd=release.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(handle,),
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_SECONDS
        while "Booting worker" not in (said := log.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ProgramFailed(f"{WEB} of {release.name} did not become ready:\n{said}")
            time.sleep(0.05)

    def stop(self, release: Release) -> float:
        """SIGTERM, and wait for the requests in hand; returns the seconds it took."""
        process, began = self._running.pop(release.name), time.monotonic()
        process.terminate()
        process.wait(STOP_SECONDS)
        return time.monotonic() - began

    def end(self) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGQUIT)
            process.wait()
        self._socket.close()
