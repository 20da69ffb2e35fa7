import asyncio
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mail import catcher


class Command(BaseCommand):
    help = "Accept mail on this machine and keep it for the mailbox page (embedded mode only)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.EMAIL_PORT)

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if settings.MAILBOX_DIR is None:
            raise CommandError("There is a mail server of your own: EMAIL_HOST names it.")
        try:
            asyncio.run(_serve_until_signal(settings.MAILBOX_DIR, port))
        except OSError as error:
            raise CommandError(f"Port {port} cannot be used: {error.strerror}") from error


async def _serve_until_signal(folder: Path, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await catcher.serve(folder, host="127.0.0.1", port=port, stop=stop)
