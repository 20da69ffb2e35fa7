"""The Celery application: workers and beat start with ``celery -A config``.

Tasks are the ``tasks`` modules of the packages. A message carries a task's name and no payload;
what there is to do, the database says (``common.claims``).
"""

import logging
import os
import resource
import traceback
from importlib import import_module
from typing import Any, Final

from celery import Celery, Task, bootsteps
from celery.worker.consumer import Tasks
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu.exceptions import OperationalError

from common import bell
from config.broker import use_own_transport
from invoices.rendering.fonts import missing_fonts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

logger = logging.getLogger(__name__)

_MEBIBYTE: Final = 1024 * 1024
# With less a worker would not get as far as its first document.
_LEAST_MEMORY: Final = 256 * _MEBIBYTE


class OutOfMemory(Exception):
    """A task was refused memory, and nothing within it had taken note of that."""


class ContainedTask(Task):  # type: ignore[type-arg]
    """A task that never ends in a MemoryError: Celery would take its whole worker down with it."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return super().__call__(*args, **options)
        except MemoryError as error:
            # What the frames hold is what fills the memory.
            traceback.clear_frames(error.__traceback__)
            raise OutOfMemory(f"{self.name} took more than WORKER_MEMORY_LIMIT_MB") from error


use_own_transport()
app = Celery("counterfoil", task_cls=ContainedTask)
app.config_from_object("config.celery_settings")
app.autodiscover_tasks()


class Rendering(bootsteps.StartStopStep):
    """A worker that renders tells at its start what is missing, and does not start without fonts.

    Without any font the PDF engine does not fail but crash, document after document. The engine is
    imported before the worker forks, so that its processes share it.
    """

    def create(self, parent: Any) -> None:
        if "render" in parent.app.amqp.queues.consume_from:
            import_module("invoices.producing")

    def start(self, parent: Any) -> None:
        if "render" not in parent.app.amqp.queues.consume_from:
            return
        for message in missing_fonts():
            logger.warning(message)


class MemoryLimit(bootsteps.Step):
    """A process of a worker that wants more memory than the settings allow gets a MemoryError.

    That ends one document's attempt; without a limit it would end whatever the kernel chooses when
    the machine has no memory left. The limit is set before the pool starts, and every process that
    the worker forks inherits it. It counts what a process may write to (``RLIMIT_DATA``; Linux),
    and so not the fonts and libraries that it only reads.
    """

    def create(self, parent: Any) -> None:
        limit = settings.WORKER_MEMORY_LIMIT_MB * _MEBIBYTE
        if not limit:
            return
        if limit < _LEAST_MEMORY:
            raise ImproperlyConfigured(
                f"WORKER_MEMORY_LIMIT_MB must be 0 (none) or {_LEAST_MEMORY // _MEBIBYTE} or more."
            )
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        if most != resource.RLIM_INFINITY:
            limit = min(limit, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


class FirstLook(bootsteps.StartStopStep):
    """A worker that starts, or finds Redis again, looks at once for what is due in its queues.

    What rang before rang for nobody: messages in the hands of a worker that was killed come back
    after minutes, and those of a Redis that was emptied never. The next sweep may be 20 s away.
    """

    requires = (Tasks,)

    def start(self, parent: Any) -> None:
        amqp = parent.app.amqp
        for task in (bell.RENDER_DOCUMENTS, bell.SEND_EMAILS, bell.WORK_BILLING_RUNS):
            if amqp.router.route({}, task)["queue"].name not in amqp.queues.consume_from:
                continue
            try:
                parent.app.send_task(task, retry=False, ignore_result=True)
            except OperationalError as error:
                logger.warning("Redis is away again before a first look: %s", error)


app.steps["worker"].add(Rendering)
app.steps["worker"].add(MemoryLimit)
app.steps["consumer"].add(FirstLook)
