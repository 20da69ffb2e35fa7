import os
import signal
import socket
import time
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mail.addresses import UnusableAddress, envelope_address
from watching.watchman import INTERVAL_SECONDS, Watchman


class Command(BaseCommand):
    help = (
        "Look every half minute at what can be wrong, and mail ALARM_EMAIL about it. Runs until"
        " SIGTERM or Ctrl-C."
    )
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        try:
            envelope_address(settings.ALARM_EMAIL)
        except UnusableAddress as error:
            raise CommandError(f"ALARM_EMAIL: {error}") from error
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        watchman = Watchman(name=f"{socket.gethostname()}:{os.getpid()}")
        try:
            _watch_for_ever(watchman)
        except _StopRequested:
            watchman.stop()


class _StopRequested(BaseException):
    """A signal. Not SystemExit, for which the database's driver would wait several seconds."""


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise _StopRequested


def _watch_for_ever(watchman: Watchman) -> NoReturn:
    while True:
        started = time.monotonic()
        watchman.look()
        time.sleep(max(0.0, started + INTERVAL_SECONDS - time.monotonic()))
