"""What the image postgres:18 does at its first start, with the programs of the installed wheel."""

import os
import pwd
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.embedded.postgres import as_nobody, program

_SUPERUSER = "postgres"


def first_start(environment: Mapping[str, str], *, mounted: Sequence[Path]) -> None:
    """Make the data folder, and run the mounted scripts on a server that listens on a socket only.

    ``environment`` holds what the image reads: PGDATA, PGPORT, POSTGRES_PASSWORD_FILE,
    POSTGRES_INITDB_ARGS, and what the scripts read.
    """
    data = Path(environment["PGDATA"])
    sockets = data.with_name("postgres-sockets")
    for folder in (data, sockets):
        folder.mkdir()
        _give_to_nobody(folder)
    given = {**environment, "PGHOST": str(sockets), "POSTGRES_USER": _SUPERUSER}
    _run(
        given,
        *("initdb", "--username", _SUPERUSER),
        *("--pwfile", environment["POSTGRES_PASSWORD_FILE"]),
        # The image asks everybody from outside the container for a password, and here all clients
        # come from this machine.
        *("--auth-local=trust", "--auth-host=scram-sha-256"),
        *shlex.split(environment["POSTGRES_INITDB_ARGS"]),
    )
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(f"unix_socket_directories = '{sockets}'\nlisten_addresses = '127.0.0.1'\n")
    log = str(data.with_name("postgres-first-start.log"))
    _run(
        given,
        *("pg_ctl", "start", "--wait", "--silent"),
        *("--log", log, "--options", "-c listen_addresses="),
    )
    for script in mounted:
        _run(given, str(script))
    _run(given, "pg_ctl", "stop", "--wait", "--silent")


def _give_to_nobody(path: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def _run(environment: Mapping[str, str], name: str, *arguments: str) -> None:
    executable = name if "/" in name else str(program(name))
    done = subprocess.run(
        as_nobody([executable, *arguments]),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}"
