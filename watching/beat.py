"""Celery's beat, so that it can be heard. Named by ``beat_scheduler`` in Celery's settings.

The schedule is kept in memory. Nothing depends on when an entry ran last: what is due, the database
says, and so it does whether the day has had its billing run.
"""

import logging
import math
import socket
import time
from datetime import timedelta
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from django.db import Error

from watching.reaching import DatabaseAway, database_connection
from watching.signs import BEAT, give_sign

logger = logging.getLogger(__name__)

_SIGN_EVERY_SECONDS = 15
# Sweeps and canaries. What is rarer does more than look, and is in no hurry.
_DUE_AT_START = timedelta(minutes=1)


class HeardScheduler(Scheduler):
    """Gives beat's sign of life when a task has been handed to Redis, and not merely each round.

    So a beat that runs and cannot ring is silent, and workers are waited for only while canaries
    have really been sent to them.
    """

    _signed_at = -math.inf

    def setup_schedule(self) -> None:
        """What is sent every few seconds is due at the start: workers are called at once."""
        super().setup_schedule()
        for entry in self.schedule.values():
            interval = getattr(entry.schedule, "run_every", None)
            if isinstance(interval, timedelta) and interval <= _DUE_AT_START:
                entry.last_run_at = entry.default_now() - interval

    def apply_async(
        self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        sent = super().apply_async(entry, producer=producer, advance=advance, **kwargs)
        self._sign()
        return sent

    def _sign(self) -> None:
        """At most every 15 s, and whether or not PostgreSQL is there: ringing goes on."""
        now = time.monotonic()
        if now - self._signed_at < _SIGN_EVERY_SECONDS:
            return
        self._signed_at = now
        try:
            with database_connection() as connection:
                give_sign(BEAT, by=socket.gethostname(), over=connection)
        except (DatabaseAway, Error) as error:
            logger.warning("beat's sign of life could not be written: %s", error)
