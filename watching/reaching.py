"""Whether PostgreSQL and Redis answer, asked in a way that ends soon whatever they do."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.conf import settings
from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

# The least that libpq and psycopg take.
_CONNECT_SECONDS = 2


class DatabaseAway(Exception):
    """PostgreSQL did not take a connection in time; the message is its own or the driver's."""


@contextmanager
def database_connection() -> Iterator[BaseDatabaseWrapper]:
    """A new connection as the program's own, closed at the end of the block. Raises DatabaseAway.

    Not the one that the process keeps: if PostgreSQL is frozen or its machine has vanished, nothing
    on the client's side ends a statement, but connecting has a time limit. It also proves more: the
    server greets and signs in, with a process of its own for us.
    """
    fresh = connection.copy()
    fresh.settings_dict["OPTIONS"]["connect_timeout"] = _CONNECT_SECONDS
    try:
        fresh.ensure_connection()
    except Error as error:
        raise DatabaseAway(str(error).strip()) from error
    with closing(fresh):
        yield fresh


def require_database() -> None:
    """Raises DatabaseAway after two seconds at the latest."""
    with database_connection():
        pass


def bell_answers() -> bool:
    """Whether Redis answers within a second."""
    seconds = settings.REDIS_TIMEOUT_SECONDS
    client = Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with client:
            return bool(client.ping())
    except RedisError:
        return False
