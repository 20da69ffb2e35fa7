"""PostgreSQL's own programs: found, compared with the server's version, and run."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from django.conf import settings
from django.db import connection
from psycopg.pq import Conninfo

from backups.refusals import ProgramFailed, ProgramMissing
from common.embedded import postgres

# What a failed program said last; the beginning says which object it was at.
_SAID_LENGTH = 4_000


def find_program(name: str) -> Path:
    """``pg_dump`` or ``pg_restore``, not older than the server of the default connection.

    Raises ProgramMissing.
    """
    path = _located(name)
    if path is None or not path.is_file():
        raise ProgramMissing(
            f"{name} was not found. Install the client programs of PostgreSQL"
            f" {_server_version()}, or set POSTGRES_BIN to their folder."
        )
    version = _version_of(path)
    if version < _server_version():
        # It would refuse as well, in words about catalogues.
        raise ProgramMissing(
            f"{path} is of PostgreSQL {version}, and the server is {_server_version()}. Install"
            " newer client programs, or set POSTGRES_BIN to their folder."
        )
    return path


def run_program(path: Path, *arguments: str | Path) -> None:
    """Run to the end, signed in as the default connection is. Raises ProgramFailed.

    The password goes through the environment, which other users' lists of processes do not show.
    """
    finished = subprocess.run(
        [path, "--no-password", *arguments],
        env={**os.environ, **_login(), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode != 0:
        raise ProgramFailed(f"{path.name} failed:\n{finished.stderr.strip()[:_SAID_LENGTH]}")


def _located(name: str) -> Path | None:
    if settings.POSTGRES_BIN:
        return Path(settings.POSTGRES_BIN, name)
    if settings.EMBEDDED:
        return postgres.program(name)
    found = shutil.which(name)
    return Path(found) if found else None


def _version_of(path: Path) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if found is None:
        raise ProgramMissing(f"{path} does not say its version.")
    return int(found[1])


def _server_version() -> int:
    major, _ = connection.get_database_version()
    return int(major)


def _login() -> dict[str, str]:
    """The parameters of the default connection as libpq's variables."""
    given = connection.get_connection_params()
    return {
        option.envvar.decode(): str(given[keyword])
        for option in Conninfo.get_defaults()
        if option.envvar and (keyword := option.keyword.decode()) in given
    }
