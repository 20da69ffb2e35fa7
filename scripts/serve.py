"""Runs the whole of Counterfoil on this machine: servers, web, workers, beat, watchman, mail.

``make run`` and ``make demo`` start it. It holds every process it starts: one that ends is started
again, as any supervisor would, and on Ctrl-C, SIGTERM or a closed terminal it stops them all,
PostgreSQL and Redis last. An operator's installation runs the same programs under a supervisor of
its own (docs/operations.md).
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from common.embedded import servers  # noqa: E402 - found through the line above
from common.embedded.places import EmbeddedError, Places  # noqa: E402

# Longer than a worker's soft shutdown (CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT).
STOP_SECONDS = 40
READY_SECONDS = 60
MAIL_PORT = 8025
SECONDS_A_LOOK = 2
# A process that ends more often than this within the time cannot be helped by starting it again.
MOST_STARTS = 5
WITHIN_SECONDS = 60


class ServeError(Exception):
    """It cannot start or go on; the message is for people."""


class StopRequested(BaseException):
    """Ctrl-C or a signal: unwinds from wherever the start has got to."""


@dataclass
class Child:
    name: str
    command: list[str]
    log: Path
    process: "subprocess.Popen[bytes]"
    # When it was started, by the monotonic clock.
    starts: list[float] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="load the sample operator first")
    options = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, request_stop)
    try:
        serve(demo=options.demo)
    except StopRequested:
        return 0
    except (ServeError, EmbeddedError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def serve(*, demo: bool) -> NoReturn:
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    places = Places.of_environment()
    servers.prepare(places)
    with only_one(places, f"http://{host}:{port}"):
        refuse_busy_port(host, port)
        mail_port = free_port(int(os.environ.get("EMAIL_PORT", MAIL_PORT)))
        os.environ |= {"PORT": str(port), "EMAIL_PORT": str(mail_port)}
        with embedded_servers(places):
            say("bringing the database up to date")
            manage("migrate", "--verbosity", "0")
            sign_in = manage("load_demo") if demo else ""
            with children(places, programs(host, port, mail_port)) as running:
                wait_until_ready(f"http://{host}:{port}/", host, port, running)
                announce(host, port, places, sign_in)
                watch(places, running)


def programs(host: str, port: int, mail_port: int) -> dict[str, list[str]]:
    """Each process by name. Rendering is bound to the processor, mail to waiting."""
    processors = os.cpu_count() or 1
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "-A", "config"]
    worker = [*celery, "worker", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
    return {
        "mail-catcher": [sys.executable, "manage.py", "mail_catcher", "--port", str(mail_port)],
        "web": [
            *python,
            "gunicorn",
            "config.wsgi",
            f"--bind={host}:{port}",
            f"--workers={min(processors + 1, 4)}",
            "--timeout=30",
            "--preload",
            "--no-control-socket",
        ],
        "worker-render": [*worker, "-Q", "render", "-n", "render@%h", "-c", str(processors)],
        "worker-mail": [*worker, "-Q", "mail", "-n", "mail@%h", "-c", "2"],
        "worker-default": [*worker, "-Q", "default", "-n", "default@%h", "-c", "1"],
        "beat": [*celery, "beat", "--loglevel=INFO", "--pidfile="],
        "watchman": [sys.executable, "manage.py", "watch"],
    }


# --- Before the start ---------------------------------------------------------------------------


@contextlib.contextmanager
def only_one(places: Places, address: str) -> Iterator[None]:
    """The lock is let go by the kernel, however this process ends."""
    with (places.var / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ServeError(
                f"Counterfoil is running already: {lock.read().strip()}.\n"
                "Stop that one with Ctrl-C in its window first."
            ) from None
        lock.truncate(0)
        lock.write(f"{address}, process {os.getpid()}")
        lock.flush()
        yield


def refuse_busy_port(host: str, port: int) -> None:
    if not is_free(host, port):
        raise ServeError(
            f"Port {port} is taken by another program.\n"
            f"Choose another one, for example: make demo PORT={free_port(port + 1)}"
        )


def free_port(wanted: int) -> int:
    for port in range(wanted, wanted + 100):
        if is_free("127.0.0.1", port):
            return port
    raise ServeError(f"No port from {wanted} to {wanted + 99} is free.")


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections of a former run that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def embedded_servers(places: Places) -> Iterator[None]:
    """PostgreSQL and Redis, unless the environment names others."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    say("starting PostgreSQL and Redis")
    try:
        servers.start(places)
        yield
    finally:
        servers.stop(places)


def manage(*arguments: str) -> str:
    """A management command, run to its end; returns what it printed."""
    finished = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        check=False,
    )
    if finished.returncode != 0:
        raise ServeError(f"{finished.stdout}\n`manage.py {' '.join(arguments)}` failed.")
    return finished.stdout


# --- Processes ----------------------------------------------------------------------------------


@contextlib.contextmanager
def children(places: Places, commands: dict[str, list[str]]) -> Iterator[list[Child]]:
    say("starting web, workers, beat, watchman and the mail catcher")
    running: list[Child] = []
    try:
        for name, command in commands.items():
            running.append(start(name, command, places.log / f"{name}.log"))
        yield running
    finally:
        # A second Ctrl-C must not leave half of them running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        say("stopping")
        stop_all(running)


def start(name: str, command: list[str], log: Path) -> Child:
    log.unlink(missing_ok=True)
    return Child(name, command, log, launch(command, log), [time.monotonic()])


def launch(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    """In a session of its own, so that Ctrl-C reaches it through us and in order."""
    # Should this process be killed outright, the kernel stops the child.
    follow_us = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        return subprocess.Popen(
            [*follow_us, *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop_all(running: Sequence[Child]) -> None:
    """Ask all at once, wait for each, and end what does not answer together with its children."""
    for child in running:
        child.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in running:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"{child.name} does not stop; killing it")
        end_group(child)
        child.process.wait()


def watch(places: Places, running: Sequence[Child]) -> NoReturn:
    """Start again what ends, servers included, until a signal raises StopRequested."""
    while True:
        if not os.environ.get("DATABASE_URL") and not servers.both_run(places):
            say("PostgreSQL or Redis has ended; starting it again")
            servers.start(places)
        for child in running:
            if child.process.poll() is not None:
                start_again(child)
        time.sleep(SECONDS_A_LOOK)


def start_again(child: Child) -> None:
    """Raises ServeError when that does not help."""
    end_group(child)
    recent = [at for at in child.starts if at > time.monotonic() - WITHIN_SECONDS]
    if len(recent) >= MOST_STARTS:
        raise ended(child)
    say(f"{child.name} ended unexpectedly ({child.process.returncode}); starting it again")
    child.process = launch(child.command, child.log)
    child.starts = [*recent, time.monotonic()]


def end_group(child: Child) -> None:
    """What a process that was killed has left of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


def refuse_ended(running: Sequence[Child]) -> None:
    for child in running:
        if child.process.poll() is not None:
            raise ended(child)


def ended(child: Child) -> ServeError:
    said = "\n".join(child.log.read_text(errors="replace").splitlines()[-15:])
    return ServeError(f"{child.name} ended unexpectedly; the end of {child.log}:\n{said}")


def wait_until_ready(url: str, host: str, port: int, running: Sequence[Child]) -> None:
    """Until a page comes back, whatever its status says."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        refuse_ended(running)
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own http address
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise ServeError(f"No answer from http://{host}:{port} after {READY_SECONDS} s.")


# --- Talking ------------------------------------------------------------------------------------


def announce(host: str, port: int, places: Places, sign_in: str) -> None:
    print(f"\nCounterfoil is ready at http://{host}:{port}/\n")
    if sign_in:
        print(f"{sign_in.strip()}\n")
    else:
        print("The first who may sign in: .venv/bin/python manage.py createsuperuser\n")
    print(f"Logs are in {places.log}. Ctrl-C stops everything.", flush=True)


def say(text: str) -> None:
    print(f"counterfoil: {text}", flush=True)


def request_stop(number: int, frame: FrameType | None) -> NoReturn:
    raise StopRequested


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
