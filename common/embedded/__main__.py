"""``python -m common.embedded prepare | start | stop | show | psql``"""

import os
import sys
from collections.abc import Callable, Sequence

import psycopg
from redis.exceptions import RedisError

from common.embedded import postgres, servers
from common.embedded.places import DATABASE, OWNER_ROLE, EmbeddedError, Places


def show(places: Places) -> None:
    print(f"PostgreSQL  postgresql://{OWNER_ROLE}@/{DATABASE}?host={places.sockets}")
    print(f"Redis       unix://{places.redis_socket}")


def psql(places: Places) -> None:
    """Become PostgreSQL's shell, signed in as the owner role."""
    program = str(postgres.program("psql"))
    os.execv(program, [program, "-h", str(places.sockets), "-U", OWNER_ROLE, DATABASE])  # noqa: S606


COMMANDS: dict[str, Callable[[Places], None]] = {
    "prepare": servers.prepare,
    "start": servers.start,
    "stop": servers.stop,
    "show": show,
    "psql": psql,
}


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m common.embedded {' | '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        COMMANDS[arguments[0]](Places.of_environment())
    except (EmbeddedError, OSError, psycopg.Error, RedisError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
