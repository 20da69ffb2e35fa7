"""Starting and stopping both servers together."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.embedded import postgres, redis
from common.embedded.places import SECRETS, EmbeddedError, Places


def prepare(places: Places) -> None:
    """Make the folders and the secrets that settings read. Keeps what is there."""
    for folder in (places.var, places.sockets, places.log, places.redis, places.secrets):
        _make_private(folder)
    for name in SECRETS:
        file = places.secret(name)
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(64))


def start(places: Places, *, durable: bool = True) -> None:
    """Start what does not run already. ``durable``: see ``postgres.start``."""
    prepare(places)
    with _one_at_a_time(places):
        postgres.start(places, durable=durable)
        redis.start(places)


def both_run(places: Places) -> bool:
    """Whether both are there, busy or not."""
    return redis.runs(places) and postgres.lives(places)


def stop(places: Places) -> None:
    """Stop what runs."""
    if places.var.exists():
        with _one_at_a_time(places):
            redis.stop(places)
            postgres.stop(places)


def _make_private(folder: Path) -> None:
    """Make ``folder`` for this user alone; refuse one that somebody else put there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != os.geteuid():
        raise EmbeddedError(f"{folder} belongs to another user. Remove it, or run as its owner.")
    if status.st_mode & 0o077:
        folder.chmod(0o700)


@contextmanager
def _one_at_a_time(places: Places) -> Iterator[None]:
    """Two starts in the same second wait for each other instead of both initialising."""
    with (places.var / "embedded.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
