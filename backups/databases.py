"""A database beside the program's own, which takes its name once it has proven itself."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import ObjectInUse

from backups.ownership import MAINTENANCE_DATABASE, owner_of
from backups.refusals import RestoreRefused
from common.counting import counted

_UNFINISHED = "_restoring"
_LEAVING_SECONDS = 3.0
# How often the server is asked for a database to itself; it waits for 5 s each time.
_TRIES = 3


def own_database() -> str:
    name: str = settings.DATABASES["default"]["NAME"]
    return name


def unfinished_database() -> str:
    """Where a restore is made; whatever has this name is left from one that was broken off."""
    return f"{own_database()}{_UNFINISHED}"


def holds_anything() -> bool:
    """Whether the program's database is there and has tables."""
    with owner_of(MAINTENANCE_DATABASE):
        if not _exists(own_database()):
            return False
    with owner_of(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p'))"
        )
        return bool(cursor.fetchone()[0])


def refuse_if_in_use() -> None:
    """Raise RestoreRefused while somebody is connected to the program's database.

    A session whose client has just left takes the server a moment to end.
    """
    gives_up_at = time.monotonic() + _LEAVING_SECONDS
    while sessions := _sessions():
        if time.monotonic() > gives_up_at:
            raise RestoreRefused(
                f"The database {own_database()} is in use by {counted(sessions, 'connection')}:"
                " stop web, workers, beat, the watchman and whatever else works on it, and start"
                " them when the restore is done."
            )
        time.sleep(0.1)


def _sessions() -> int:
    """Of all logins, and without the server's own such as autovacuum, which belong to nobody.

    Whose a session is, the owner sees of every session; of what kind, of its own alone.
    """
    with owner_of(MAINTENANCE_DATABASE), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usesysid IS NOT NULL",
            [own_database()],
        )
        return int(cursor.fetchone()[0])


def create_unfinished() -> None:
    """An empty database as new ones of this server are. Raises RestoreRefused."""
    with owner_of(MAINTENANCE_DATABASE), connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolcreatedb OR rolsuper FROM pg_roles"
            " WHERE rolname = current_user"
        )
        role, may_create = cursor.fetchone()
    if not may_create:
        raise RestoreRefused(
            f"A restore is made in a new database, and {role} may not create one. As PostgreSQL's"
            f" superuser: ALTER ROLE {role} CREATEDB"
        )
    drop_unfinished()
    _run(f"CREATE DATABASE {_quoted(unfinished_database())} TEMPLATE template0")


def drop_unfinished() -> None:
    """Raises RestoreRefused when somebody is connected to it and stays."""
    _run(f"DROP DATABASE IF EXISTS {_quoted(unfinished_database())}")


def put_in_place() -> str:
    """Give the new database the program's name, in one transaction with the former one's new name.

    Returns that name, or nothing where there was no former one. Raises RestoreRefused when somebody
    has connected to it meanwhile.
    """
    refuse_if_in_use()
    with owner_of(MAINTENANCE_DATABASE):
        former = _free_name() if _exists(own_database()) else ""
        _when_unused(partial(_rename, former))
    return former


def _free_name() -> str:
    """For the former database; after a second restore in the same second, that of the next."""
    while _exists(name := f"{own_database()}_before_{_stamp()}"):
        time.sleep(0.1)
    return name


def _rename(former: str) -> None:
    own = _quoted(own_database())
    with transaction.atomic(), connection.cursor() as cursor:
        if former:
            cursor.execute(f"ALTER DATABASE {own} RENAME TO {_quoted(former)}")
        cursor.execute(f"ALTER DATABASE {_quoted(unfinished_database())} RENAME TO {own}")


def drop(name: str) -> None:
    """Raises RestoreRefused when somebody is connected to it and stays."""
    _run(f"DROP DATABASE {_quoted(name)}")


def _run(statement: str) -> None:
    with owner_of(MAINTENANCE_DATABASE), connection.cursor() as cursor:
        _when_unused(partial(cursor.execute, statement))


def _when_unused(change: Callable[[], object]) -> None:
    """Change databases as soon as nobody else is connected to them. Raises RestoreRefused.

    The server sends autovacuum out of them by itself. WITH (FORCE) would not do: it asks first
    whether the owner may end every session that is there, and autovacuum's is a superuser's.
    """
    for further in reversed(range(_TRIES)):
        try:
            change()
        except OperationalError as error:
            if not isinstance(error.__cause__, ObjectInUse):
                raise
            if not further:
                raise RestoreRefused(f"PostgreSQL says: {error}") from error
        else:
            return


def _exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [name])
        return bool(cursor.fetchone()[0])


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
