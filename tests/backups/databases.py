"""Databases copied, replaced and dropped as the owner role does it on the session's server."""

from django.db import connection

from backups.databases import drop
from backups.ownership import MAINTENANCE_DATABASE, owner_of


def copy(name: str, to: str) -> None:
    """A copy of a whole database, as a snapshot of its disk would be."""
    _run(f'CREATE DATABASE "{to}" TEMPLATE "{name}"')


def set_back(name: str, to: str) -> None:
    """Put a former copy in the place of a database: no command of ours has a hand in it."""
    drop(name)
    _run(f'ALTER DATABASE "{to}" RENAME TO "{name}"')


def names_like(name: str) -> list[str]:
    """Every database whose name starts with ``name``."""
    with owner_of(MAINTENANCE_DATABASE), connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1", [name]
        )
        return [found for (found,) in cursor.fetchall()]


def drop_all(name: str) -> None:
    """Also those to which a test that failed has left a connection."""
    for found in names_like(name):
        _run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{found}' AND usename = session_user"
        )
        drop(found)


def _run(statement: str) -> None:
    with owner_of(MAINTENANCE_DATABASE), connection.cursor() as cursor:
        cursor.execute(statement)
