"""How Celery runs here: it only rings the bell, so a message may be lost and none is precious.

Read by ``config.celery`` at first use. What each value prevents is in docs/decisions, on rows as
the queue of record.
"""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings

from common import bell
from watching import canaries


def _broker_url(redis_url: str) -> str:
    """Kombu's spelling of REDIS_URL, which writes unix sockets in a way of its own."""
    if not redis_url.startswith("unix://"):
        return redis_url
    path, _, number = redis_url.removeprefix("unix://").partition("?db=")
    return f"redis+socket://{path}?virtual_host={number or 0}"


broker_url = _broker_url(settings.REDIS_URL)
broker_transport_options: dict[str, Any] = {
    # A message whose worker vanished is delivered again after this; longer than any task runs.
    "visibility_timeout": 300,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    # Web requests never wait for this: the bell has a shorter time limit of its own.
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
}
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a worker outlives a broker that is away for long

result_backend = None
task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]

# A killed child's task runs again at once; rows count the attempts, so it cannot go on for ever.
task_acks_late = True
task_reject_on_worker_lost = True
task_time_limit = 120
task_soft_time_limit = 90

worker_prefetch_multiplier = 1
worker_soft_shutdown_timeout = 30
# Losing Redis loses the bell and not the work: what is in hand goes on (docs/decisions/0060).
worker_cancel_long_running_tasks_on_connection_loss = False
# C libraries leak a little. A task is many batches, so this is some thousands of documents.
worker_max_tasks_per_child = 200
worker_max_memory_per_child = 350_000  # KiB
worker_hijack_root_logger = False

task_default_queue = "default"
task_routes: dict[str, dict[str, str]] = {
    "invoices.tasks.*": {"queue": "render"},
    "mail.tasks.*": {"queue": "mail"},
    # Sending does not wait for a mailbox that is slow.
    "mail.tasks.read_returned_mail": {"queue": "default"},
    "mail.tasks.settle_reports": {"queue": "default"},
}

timezone = "UTC"
beat_scheduler = "watching.beat:HeardScheduler"

# Rings again for rows whose ring was lost. One that waited for longer than the next is dropped.
_SWEEP: Final = timedelta(seconds=20)
beat_schedule: dict[str, dict[str, Any]] = {
    f"sweep {task}": {
        "task": task,
        "schedule": _SWEEP,
        "options": {"expires": _SWEEP.total_seconds()},
    }
    for task in (bell.RENDER_DOCUMENTS, bell.SEND_EMAILS, bell.WORK_BILLING_RUNS)
}
# Asks; whether the day has had its run, the database knows (billing.billing_run.start_daily_run).
_DAILY_RUN_ASKED_FOR: Final = timedelta(minutes=15)
beat_schedule["bill what is due"] = {
    "task": "billing.tasks.bill_due_entries",
    "schedule": _DAILY_RUN_ASKED_FOR,
    "options": {"expires": _DAILY_RUN_ASKED_FOR.total_seconds()},
}
_OWNERSHIP_ASKED_FOR: Final = timedelta(minutes=5)
beat_schedule["end changes of owner that are due"] = {
    "task": "accounts.tasks.end_due_ownership_changes",
    "schedule": _OWNERSHIP_ASKED_FOR,
    "options": {"expires": _OWNERSHIP_ASKED_FOR.total_seconds()},
}
_RESETS_ASKED_FOR: Final = timedelta(minutes=5)
beat_schedule["look after two-factor resets"] = {
    "task": "twofactor.tasks.look_after_two_factor_resets",
    "schedule": _RESETS_ASKED_FOR,
    "options": {"expires": _RESETS_ASKED_FOR.total_seconds()},
}
_TWO_FACTOR_REMINDED: Final = timedelta(minutes=15)
beat_schedule["remind of two-factor that will be required"] = {
    "task": "accounts.tasks.remind_of_two_factor",
    "schedule": _TWO_FACTOR_REMINDED,
    "options": {"expires": _TWO_FACTOR_REMINDED.total_seconds()},
}
_NUMBERS_FORGOTTEN: Final = timedelta(hours=6)
beat_schedule["forget old text messages"] = {
    "task": "twofactor.tasks.forget_old_text_messages",
    "schedule": _NUMBERS_FORGOTTEN,
    "options": {"expires": _NUMBERS_FORGOTTEN.total_seconds()},
}
_REPORTS_SETTLED: Final = timedelta(minutes=1)
beat_schedule["settle reports on mail"] = {
    "task": "mail.tasks.settle_reports",
    "schedule": _REPORTS_SETTLED,
    "options": {"expires": _REPORTS_SETTLED.total_seconds()},
}
_RETURNED_MAIL_READ: Final = timedelta(minutes=3)
if settings.BOUNCE_MAILBOX_URL:
    beat_schedule["read returned mail"] = {
        "task": "mail.tasks.read_returned_mail",
        "schedule": _RETURNED_MAIL_READ,
        "options": {"expires": _RETURNED_MAIL_READ.total_seconds()},
    }
beat_schedule |= canaries.beat_entries()
