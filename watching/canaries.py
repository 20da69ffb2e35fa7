"""Canaries: tasks that beat sends through every queue, so that a worker that is deaf is noticed.

Nothing here needs models: Celery's settings are read before there are any.
"""

from datetime import timedelta
from typing import Any, Final

QUEUES: Final = ("default", "render", "mail")
TASK: Final = "watching.tasks.answer_canary"
INTERVAL: Final = timedelta(seconds=30)
# Longer than a task may keep a worker from answering (time limits of 90 and 120 s), so that a busy
# worker gets to one; shorter than for ever, so that they do not pile up in front of none.
_EXPIRES: Final = timedelta(minutes=2)


def beat_entries() -> dict[str, dict[str, Any]]:
    """What beat sends: one canary for each queue."""
    return {
        f"canary {queue}": {
            "task": TASK,
            "schedule": INTERVAL,
            "options": {"queue": queue, "expires": _EXPIRES.total_seconds()},
        }
        for queue in QUEUES
    }
