"""Telling workers that rows are due. Losing a ring costs seconds: beat's sweep rings again.

The database is the queue of record. A ring is a task's name without any payload; it is sent after
the commit that made the rows, at most once while nobody has answered the last one, and a Redis that
is away or frozen delays the caller by half a second once and is then left alone for a while.
"""

import logging
import time

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

RENDER_DOCUMENTS = "invoices.tasks.render_documents"
SEND_EMAILS = "mail.tasks.send_emails"
WORK_BILLING_RUNS = "billing.tasks.work_billing_runs"

# A ring that nobody has answered for this long is taken for lost (its worker was killed).
_UNANSWERED_SECONDS = 20
# How long the bell is left alone after Redis failed to answer.
_PAUSE_SECONDS = 10


def ring(task_name: str) -> None:
    """After the present transaction commits, wake a worker to run ``task_name``.

    Never raises and never rolls anything back: the rows are committed, the sweep will find them.
    """
    # Not a partial: Django's robust handling asks a callback for its name.
    transaction.on_commit(lambda: _send(task_name), robust=True)


def answered(task_name: str) -> None:
    """Called by a task as it starts, *before* it looks for rows: later rings are sent again."""
    _bell.forget(task_name)


class _Bell:
    """Keeps one Redis client per process and the time until which Redis is left alone."""

    def __init__(self) -> None:
        self._client: Redis | None = None
        self._paused_until = 0.0

    def _redis(self) -> Redis:
        if self._client is None:
            self._client = Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=settings.REDIS_TIMEOUT_SECONDS,
                socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        return self._client

    def is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def pause(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("the bell is silent for %s s: %s", _PAUSE_SECONDS, error)

    def is_first(self, task_name: str) -> bool:
        """Whether no unanswered ring of this task is on its way; marks one as sent."""
        return bool(self._redis().set(_key(task_name), 1, nx=True, ex=_UNANSWERED_SECONDS))

    def forget(self, task_name: str) -> None:
        try:
            self._redis().delete(_key(task_name))
        except RedisError as error:
            self.pause(error)


_bell = _Bell()


def _key(task_name: str) -> str:
    return f"bell:{task_name}"


def _send(task_name: str) -> None:
    if _bell.is_paused():
        return
    try:
        if _bell.is_first(task_name):
            current_app.send_task(task_name, retry=False, ignore_result=True)
    except (RedisError, OperationalError) as error:
        _bell.pause(error)
