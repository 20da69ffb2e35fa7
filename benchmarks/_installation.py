"""An installation of a benchmark's own: servers, database and folders that go when it ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.embedded import servers
from common.embedded.places import Places

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Installation:
    """Where it lies, and what its programs need in their environment."""

    folder: Path
    environment: dict[str, str]

    def run(self, module: str) -> int:
        """Run a module of this folder to its end, which sets up Django on this installation.

        It starts processes of its own, so on Ctrl-C or SIGTERM it is asked to end, and waited for.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}"], cwd=ROOT, env=self.environment
        )
        before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has sent it to both.
            return process.wait()
        finally:
            signal.signal(signal.SIGTERM, before)


def end_in_order() -> None:
    """Let SIGTERM unwind this process as an exception does, so that what it started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


@contextmanager
def own_installation() -> Iterator[Installation]:
    """Start embedded servers in a temporary folder and migrate; stop and delete them at the end."""
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-bench-"))
    places = Places(folder)
    # An operator's servers are not measured, and not written to.
    theirs = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "EMAIL_HOST"}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in theirs},
        "COUNTERFOIL_VAR": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    try:
        servers.start(places)
        migrate = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        yield Installation(folder, environment)
    finally:
        servers.stop(places)
        shutil.rmtree(folder)


def postgres_pid_of(places: Places) -> int | None:
    """The first process of the embedded PostgreSQL; None when another server is used."""
    file = places.postgres / "postmaster.pid"
    return int(file.read_text().split("\n", 1)[0]) if file.exists() else None
