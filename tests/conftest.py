"""Servers, databases and guards of a test session. People and rows are in people.py, factories.py.

Tests run as the runtime role on a database of their worker, cloned from one that was migrated once.
"""

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from itertools import chain, cycle, groupby
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql
from pytest_django import DjangoDbBlocker
from redis import Redis

from common.embedded import servers
from common.embedded.places import Places
from tests.migrated_rows import Rows, flushes, put_back, read_migrated_rows
from tests.settings import TEST_TEMPLATE_DATABASE

pytest_plugins = ["tests.people"]

# Any number that nothing else locks.
_TEMPLATE_LOCK = 20_260_101
_LOCK_NAME = "session.lock"
_SESSION_LOCK = pytest.StashKey[IO[str]]()
# Of this worker's database.
_migrated: Rows = {}


# --- Workers and their order --------------------------------------------------------------------


def pytest_xdist_auto_num_workers() -> int:
    """More than there are processors: what is slow waits as much as it works."""
    return len(os.sched_getaffinity(0)) + 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each worker begin with slow files, so that none of these is all that is left at the end.

    xdist's worksteal gives each worker one stretch of the list, as long as the others'.
    """
    if not _is_xdist_worker(config):
        return
    workers = config.workerinput["workercount"]  # type: ignore[attr-defined]
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    by_file = groupby((item for item in items if item.path in slow_files), lambda item: item.path)
    stretches: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for stretch, (_, found) in zip(cycle(stretches), by_file, strict=False):
        stretch.extend(found)
    quick = [item for item in items if item.path not in slow_files]
    left = len(items)
    for number, stretch in enumerate(stretches):
        length = left // (workers - number)
        left -= length
        lacking = max(0, length - len(stretch))
        stretch.extend(quick[:lacking])
        del quick[:lacking]
    items[:] = [*chain(*stretches), *quick]


# --- Servers ------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the session's first process; xdist's workers come later and use them."""
    if not _starts_servers(config):
        return
    _clear_up_after_killed_sessions()
    places = Places(settings.VAR_DIR)
    servers.prepare(places)
    config.stash[_SESSION_LOCK] = lock = (places.var / _LOCK_NAME).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    servers.start(places, durable=False)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _starts_servers(config):
        _stop_and_remove(settings.VAR_DIR)
    elif not _is_xdist_worker(config):
        shutil.rmtree(settings.VAR_DIR, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Servers that were given stay: the template goes, once no worker needs it."""
    if not (settings.EMBEDDED or _is_xdist_worker(session.config)):
        with _as_owner_of_databases() as server:
            _drop(server, TEST_TEMPLATE_DATABASE)


def _starts_servers(config: pytest.Config) -> bool:
    only_shows = config.option.collectonly or config.option.help
    return settings.EMBEDDED and not _is_xdist_worker(config) and not only_shows


def _is_xdist_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _clear_up_after_killed_sessions() -> None:
    """A session that was killed could not stop its servers; the next one does.

    The lock tells: the kernel gives it back when its holder is gone.
    """
    for lock_file in Path(tempfile.gettempdir()).glob(f"counterfoil-test-*/{_LOCK_NAME}"):
        with suppress(OSError), lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop_and_remove(lock_file.parent)


def _stop_and_remove(var: Path) -> None:
    servers.stop(Places(var))
    shutil.rmtree(var)


# --- Databases ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Takes the place of pytest-django's: migrate once for all workers, then clone for each."""
    name = settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock(), _as_owner_of_databases() as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_TEMPLATE_LOCK])
        if not _exists(server, TEST_TEMPLATE_DATABASE):
            _make_template(server)
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(TEST_TEMPLATE_DATABASE)
            )
        )
        server.execute("SELECT pg_advisory_unlock(%s)", [_TEMPLATE_LOCK])
    with django_db_blocker.unblock(), _as_owner_of_databases(name) as database:
        _migrated.update(read_migrated_rows(database))
    yield
    # The session's last test puts nothing back: its fixtures end with this one.
    _migrated.clear()
    with django_db_blocker.unblock(), _as_owner_of_databases() as server:
        connection.close()
        _drop(server, name)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """After all fixtures of the test: the flush is one of them."""
    yield
    if _migrated and flushes(item):
        with _as_owner_of_databases(settings.DATABASES["default"]["NAME"]) as database:
            put_back(database, _migrated)


def _drop(server: psycopg.Connection, database: str) -> None:
    """Without FORCE, which is refused while autovacuum is there: it is a superuser's session."""
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = session_user",
        [database],
    )
    dropping = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(database))
    try:
        server.execute(dropping)
    except psycopg.errors.ObjectInUse:
        # It was given 5 s to be left, which may be short where every processor is busy.
        server.execute(dropping)


def _exists(server: psycopg.Connection, database: str) -> bool:
    found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
    return found.fetchone() is not None


def _make_template(server: psycopg.Connection) -> None:
    """Migrate under a passing name, so that a failed migration leaves no template to clone."""
    unfinished = f"{TEST_TEMPLATE_DATABASE}_unfinished"
    _drop(server, unfinished)
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = unfinished
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
    server.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(unfinished), sql.Identifier(TEST_TEMPLATE_DATABASE)
        )
    )


@contextmanager
def _as_owner_of_databases(database: str = "postgres") -> Iterator[psycopg.Connection]:
    """A connection of the owner login: to the server, or to one of its databases."""
    login = {**settings.DATABASES["default"], **settings.OWNER_DATABASE}
    given = {
        "user": login["USER"],
        "password": login["PASSWORD"],
        "host": login["HOST"],
        "port": login["PORT"],
        **{name: value for name, value in login["OPTIONS"].items() if name != "assume_role"},
    }
    given = {name: value for name, value in given.items() if value}
    with psycopg.connect(dbname=database, autocommit=True, **given) as server:
        yield server


# --- Guards -------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def empty_redis() -> None:
    """No test hears another's bell, meets its rate limits or reads its cache."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.flushdb()


@pytest.fixture(autouse=True)
def nothing_let_out_yet() -> None:
    """A rollback or a flush sets the database back to before the test, and so must its archive be.

    Otherwise the database would find that it is older than what an earlier test has let out.
    """
    shutil.rmtree(settings.DOCUMENTS_DIR / "witness", ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Python code may connect to this machine only."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_elsewhere(address[0])
        connect(self, address)

    def resolve_here(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_elsewhere(host)
        return resolve(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        patch.setattr(socket, "getaddrinfo", resolve_here)
        yield


def _refuse_elsewhere(host: str | None) -> None:
    if host in (None, "", "localhost"):
        return
    with suppress(ValueError):
        if ip_address(host).is_loopback:
            return
    raise PermissionError(f"a test reached for the network: {host}")
