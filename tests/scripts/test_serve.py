"""`make run`, from the first process to the last: what it starts, it stops."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from common.embedded import postgres, redis, servers
from common.embedded.places import Places

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120


class Served:
    """One `scripts/serve.py` with a folder, a port and an environment of its own."""

    def __init__(self, var: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.var = var
        self.output = var.with_suffix(".txt")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "subprocess.Popen[bytes]":
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "scripts/serve.py"],
                cwd=ROOT,
                env={
                    "PATH": os.environ["PATH"],
                    "COUNTERFOIL_VAR": str(self.var),
                    "PORT": str(self.port),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while f"ready at http://127.0.0.1:{self.port}/" not in self.said():
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def processes(self) -> dict[int, str]:
        """The command lines of all that lives and was given this folder, by process.

        By environment or, since Redis writes over its own, by command line.
        """
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (folder / "cmdline").read_text()
                given = (folder / "environ").read_bytes().decode(errors="replace")
                if str(self.var) in command or f"COUNTERFOIL_VAR={self.var}" in given:
                    found[int(folder.name)] = command.replace("\0", " ")
        return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "var")
    yield served
    if served.process is not None and served.process.poll() is None:
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(PATIENCE_SECONDS)
    servers.stop(Places(served.var))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_everything_runs_and_one_signal_stops_it_all(
    served: Served, number: signal.Signals
) -> None:
    process = served.start()
    served.wait_until_ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/", timeout=10) as page:
        assert page.status == 200
    running = " ".join(served.processes().values())
    for part in ("postgres", "redis-server", "gunicorn", "render@", "mail@", "default@"):
        assert part in running
    assert "celery -A config beat" in running
    assert "manage.py watch" in running
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert served.processes() == {}


def test_second_start_says_that_one_is_running_and_leaves_it_alone(served: Served) -> None:
    served.start()
    served.wait_until_ready()
    second = Served(served.var)
    second.output = served.output.with_name("second.txt")
    assert second.start().wait(PATIENCE_SECONDS) == 1
    assert f"running already: http://127.0.0.1:{served.port}" in second.said()
    assert served.process is not None
    assert served.process.poll() is None


def test_busy_port_is_told_with_a_free_one_and_nothing_is_started(served: Served) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", served.port))
        taken.listen()
        assert served.start().wait(PATIENCE_SECONDS) == 1
    assert f"Port {served.port} is taken" in served.said()
    assert "make demo PORT=" in served.said()
    assert served.processes() == {}


def test_what_ends_is_started_again(served: Served) -> None:
    served.start()
    served.wait_until_ready()
    places = Places(served.var)
    killed = min(pid for pid, command in served.processes().items() if "mail@" in command)
    os.kill(killed, signal.SIGKILL)
    postgres.stop(places, mode="immediate")
    redis.stop(places)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (is_whole(served) and "worker-mail ended unexpectedly" in served.said()):
        assert time.monotonic() < deadline, served.said()
        time.sleep(0.2)
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/", timeout=10) as page:
        assert page.status == 200


def is_whole(served: Served) -> bool:
    running = " ".join(served.processes().values())
    return servers.both_run(Places(served.var)) and "mail@" in running
