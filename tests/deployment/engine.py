"""What a container engine does with docker-compose.yml, done with processes of this machine.

The same commands run in the same order with the same environment, on a PostgreSQL and a Redis that
listen on TCP and ask for passwords. What differs is where things lie: names of services become
ports of this machine, and paths of the image become folders of the test.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.embedded.postgres import as_nobody, program
from tests.deployment import postgres_image
from tests.deployment.compose import ROOT, Condition, Service, image_environment

_READY_SECONDS = 180
# Each look may start a Python for the health check of a service.
_LOOK_SECONDS = 0.3
_TAIL = 3000


class EngineError(Exception):
    """A service ended, did not become healthy or did not stop; the message holds its log's end."""


@dataclass
class Running:
    """A service that was started."""

    service: Service
    process: "subprocess.Popen[bytes]"
    log: Path

    def tail(self) -> str:
        return f"{self.service.name}:\n{self.log.read_text(errors='replace')[-_TAIL:]}"


@dataclass
class Engine:
    """``folder`` takes everything; ``env_file`` is what the operator filled in."""

    folder: Path
    env_file: Mapping[str, str]
    running: dict[str, Running] = field(default_factory=dict)
    completed: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    _healthy: set[str] = field(default_factory=set)
    _ports: dict[str, int] = field(default_factory=dict)

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def port(self, name: str) -> int:
        """The port of this machine on which a service listens."""
        if name not in self._ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._ports[name] = probe.getsockname()[1]
        return self._ports[name]

    # --- Starting -------------------------------------------------------------------------------

    def up(self, services: Mapping[str, Service]) -> None:
        """Start each service as soon as its conditions hold, until all are as wanted."""
        deadline = time.monotonic() + _READY_SECONDS
        waiting = dict(services)
        while waiting or not all(map(self._is_settled, services.values())):
            for name, service in list(waiting.items()):
                if all(self._holds(*condition) for condition in service.depends_on.items()):
                    self._start(service)
                    del waiting[name]
            self._refuse_ended()
            if time.monotonic() > deadline:
                raise EngineError(f"not up: {[*waiting]}\n{self.logs()}")
            time.sleep(_LOOK_SECONDS)

    def _holds(self, other: str, condition: Condition) -> bool:
        if condition == "service_completed_successfully":
            return other in self.completed
        if other not in self.running:
            return False
        return condition == "service_started" or self.is_healthy(self.running[other].service)

    def _is_settled(self, service: Service) -> bool:
        if service.runs_once:
            return service.name in self.completed
        return service.name in self.running and self.is_healthy(service)

    def is_healthy(self, service: Service) -> bool:
        """What the service's own health check says; one without is healthy if it runs."""
        if service.health_check is None or service.name in self._healthy:
            return True
        checked = subprocess.run(
            self._here(service, service.health_check),
            cwd=ROOT,
            env=self.environment(service),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if checked.returncode == 0:
            self._healthy.add(service.name)
        return checked.returncode == 0

    def _start(self, service: Service) -> None:
        command, environment = self._here(service, service.command), self.environment(service)
        if service.name == "postgres":
            postgres_image.first_start(environment, mounted=_init_scripts(service))
            command = as_nobody(command)
        log = self.folder / f"{service.name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(service.name)
        self.running[service.name] = Running(service, process, log)

    def _refuse_ended(self) -> None:
        for name, running in list(self.running.items()):
            status = running.process.poll()
            if status == 0 and running.service.runs_once:
                del self.running[name]
                self.completed.append(name)
            elif status is not None:
                raise EngineError(f"{name} ended with {status}\n{running.tail()}")

    def logs(self) -> str:
        return "\n\n".join(running.tail() for running in self.running.values())

    # --- What a process is given ----------------------------------------------------------------

    def environment(self, service: Service) -> dict[str, str]:
        """The image's variables, the file's, the service's own: each overrides those before."""
        given = {**image_environment(), **self.env_file} if service.runs_the_program else {}
        given |= service.environment
        return {
            **{name: self._translated(service, value) for name, value in given.items()},
            "PATH": f"{Path(sys.executable).parent}:{program('psql').parent}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PGDATA": str(self.folder / "postgres"),
            "PGPORT": str(self.port("postgres")),
        }

    def _here(self, service: Service, command: Sequence[str]) -> list[str]:
        return [self._translated(service, word) for word in command]

    def _translated(self, service: Service, text: str) -> str:
        own = f"127.0.0.1:{self.port(service.name)}"
        places = {
            r"/run/secrets": str(self.secrets),
            r"/run/counterfoil": str(self.folder / "run" / service.name),
            r"/var/lib/counterfoil": str(self.folder / "records"),
            r"/app/collected": str(self.folder / "collected"),
            r"^/backups$": str(self.folder / "backups"),
            r"\b(0\.0\.0\.0|127\.0\.0\.1):8000\b": own,
            r"\bpostgres:5432\b": f"127.0.0.1:{self.port('postgres')}",
            r"\bredis:6379\b": f"127.0.0.1:{self.port('redis')}",
            r"^6379$": str(self.port("redis")),
        }
        for theirs, ours in places.items():
            text = re.sub(theirs, ours, text)
        return text

    # --- Using and stopping ---------------------------------------------------------------------

    def run(self, service: Service, *command: str, **further: str) -> str:
        """A command with a service's environment; its own if none is given. What it printed."""
        done = subprocess.run(
            self._here(service, command or service.command),
            cwd=ROOT,
            env={**self.environment(service), **further},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise EngineError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def down(self) -> dict[str, int]:
        """Ask all to stop, those that others depend on after these; each one's exit status.

        Raises EngineError for one that takes longer than its grace period.
        """
        stopped: dict[str, int] = {}
        while self.running:
            needed = {other for one in self.running.values() for other in one.service.depends_on}
            round_ = [one for name, one in self.running.items() if name not in needed]
            began = time.monotonic()
            for one in round_:
                is_server = one.service.name == "postgres"
                one.process.send_signal(signal.SIGINT if is_server else signal.SIGTERM)
            for one in round_:
                stopped[one.service.name] = _wait(one, began)
                del self.running[one.service.name]
        return stopped

    def kill(self) -> None:
        """End what is left, whatever state it is in."""
        for one in self.running.values():
            if one.process.poll() is None:
                os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()
        self.running.clear()


def _init_scripts(service: Service) -> list[Path]:
    """Those of the checkout that the service mounts for its first start."""
    return [
        ROOT / volume.split(":")[0]
        for volume in service.raw["volumes"]
        if ":/docker-entrypoint-initdb.d/" in volume
    ]


def _wait(one: Running, began: float) -> int:
    grace = one.service.grace_seconds
    try:
        return one.process.wait(max(0.1, began + grace - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise EngineError(f"did not stop within {grace} s\n{one.tail()}") from None
