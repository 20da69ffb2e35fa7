"""Runs Celery or manage.py in a process that suffers what ``alterations`` describes.

    python -m tests.reliability.altering VIAL 10 celery -A config …
    python -m tests.reliability.altering VIAL 1 manage bill --approve

The file that says what is poisoned, by how much time limits are divided, and then the program.
Children of a prefork pool inherit all of it when they are forked.
"""

import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import django
from celery.__main__ import main as celery_main
from django.conf import settings
from django.core.management import execute_from_command_line

from config.celery import app
from tests.reliability.alterations import Harm, Vial, Work

# Where the program looks each function up, and what names the row that it is called for.
_PLACES: dict[Work, tuple[str, str, Callable[..., str]]] = {
    Work.RENDERING: (
        "invoices.producing",
        "render_pdf",
        lambda document, **_: str(document.number),
    ),
    Work.SENDING: ("mail.sending", "assemble", lambda email, **_: str(email.recipient_address)),
    Work.DRAFTING: ("billing.working", "draft_account", lambda account_id, **_: str(account_id)),
}
_CLOCKS = (
    ("common.claims", "CLAIM_LEASE"),
    ("invoices.tasks", "_BUDGET"),
    ("invoices.producing", "_PROCESSOR_SECONDS"),
    ("billing.tasks", "_BUDGET"),
    ("mail.transport", "_LAST_ANSWER_SECONDS"),
    ("watching.beat", "_SIGN_EVERY_SECONDS"),
)
_QUEUES = (
    ("billing.queues", "DRAFT_QUEUE"),
    ("billing.queues", "ISSUE_QUEUE"),
    ("invoices.queues", "RENDER_QUEUE"),
    ("mail.queue", "EMAIL_QUEUE"),
)
_MEBIBYTE = 1024 * 1024
# More than any worker is allowed; where nothing limits it, the machine must survive the test.
_MOST_MEBIBYTES = 8192


class Poisoned(Exception):
    """The row is poisoned."""


def poison(vial: Vial) -> None:
    for work, (module, name, name_of) in _PLACES.items():
        owner = importlib.import_module(module)
        setattr(owner, name, _wrapped(getattr(owner, name), work, name_of, vial))


def _wrapped(
    function: Callable[..., Any], work: Work, name_of: Callable[..., str], vial: Vial
) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if harm := vial.harm_to(work, name_of(*args, **kwargs)):
            _suffer(harm)
        return function(*args, **kwargs)

    return wrapped


def _suffer(harm: Harm) -> NoReturn:
    match harm:
        case Harm.KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        case Harm.LOOPS:
            while True:
                pass
        case Harm.TAKES_MEMORY:
            # Never written to, so it is the process that has no memory left, and not the machine.
            held = [bytes(_MEBIBYTE) for _ in range(_MOST_MEBIBYTES)]
            raise Poisoned(f"nothing stopped a process that took {len(held)} MiB")
        case Harm.RAISES:
            pass
    raise Poisoned("a poisoned row")


def hurry(faster: float) -> None:
    for module, name in _CLOCKS:
        owner = importlib.import_module(module)
        setattr(owner, name, getattr(owner, name) / faster)
    for module, name in _QUEUES:
        queue = getattr(importlib.import_module(module), name)
        # Frozen, and known to others by reference.
        object.__setattr__(queue, "lease", queue.lease / faster)
    # A default, and so looked up when the function was defined.
    importlib.import_module("mail.sending").send_due.__kwdefaults__["budget"] /= faster
    settings.EMAIL_TIMEOUT = settings.EMAIL_TIMEOUT / faster
    for entry in app.conf.beat_schedule.values():
        entry["schedule"] /= faster
        entry["options"]["expires"] /= faster
    app.conf.task_time_limit = app.conf.task_time_limit / faster
    app.conf.task_soft_time_limit = app.conf.task_soft_time_limit / faster


def main(arguments: Sequence[str]) -> None:
    vial, faster, runner, *rest = arguments
    django.setup()
    poison(Vial(Path(vial)))
    hurry(float(faster))
    if runner == "celery":
        sys.argv = ["celery", *rest]
        celery_main()
    else:
        execute_from_command_line(["manage.py", *rest])


if __name__ == "__main__":
    main(sys.argv[1:])
