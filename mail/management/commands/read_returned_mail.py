import os
import sys
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from mail.reading_returns import MOST_READ
from mail.returned_mailbox import MailboxPlace, MailboxUnreachable, read_mailbox, take_message

# What a mail server understands of a program that it hands a message to (sysexits.h).
_TRY_AGAIN_LATER: Final = os.EX_TEMPFAIL
_NOT_FOR_US: Final = os.EX_DATAERR


class Command(BaseCommand):
    help = (
        "Read the mailbox of returned mail (BOUNCE_MAILBOX_URL) once, or with --stdin one message"
        " that a mail server hands over."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stdin", action="store_true", help="read one message from there")
        parser.add_argument(
            "--delivered-to", default="", help="its recipient, if no header says so (with --stdin)"
        )
        parser.add_argument(
            "--keep", type=Path, help="folder for messages that are no reports (with --stdin)"
        )

    def handle(
        self, *args: Any, stdin: bool, delivered_to: str, keep: Path | None, **options: Any
    ) -> None:
        if not settings.BOUNCE_ADDRESS:
            raise CommandError("Set BOUNCE_ADDRESS; see docs/mail-returns.md.")
        try:
            if stdin:
                self._take(delivered_to, keep)
            else:
                self._read()
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                f"The database is away: {error}", returncode=_TRY_AGAIN_LATER
            ) from error

    def _read(self) -> None:
        if not settings.BOUNCE_MAILBOX_URL:
            raise CommandError("Set BOUNCE_MAILBOX_URL, or hand over a message with --stdin.")
        try:
            done = read_mailbox(MailboxPlace.of_url(settings.BOUNCE_MAILBOX_URL))
        except MailboxUnreachable as error:
            raise CommandError(str(error), returncode=_TRY_AGAIN_LATER) from error
        self.stdout.write(f"{done.taken} read, {done.left} left in the mailbox with a flag.")

    def _take(self, delivered_to: str, keep: Path | None) -> None:
        source = sys.stdin.buffer
        content = source.read(MOST_READ)
        # Otherwise whoever hands it over is told of a broken pipe.
        while source.read(MOST_READ):
            pass
        if take_message(content, delivered_to=delivered_to):
            return
        if keep is None:
            raise CommandError("This is no report of returned mail.", returncode=_NOT_FOR_US)
        keep.mkdir(parents=True, exist_ok=True)
        place = keep / f"{uuid.uuid4()}.eml"
        place.write_bytes(content)
        self.stderr.write(f"This is no report of returned mail. It is kept as {place}.")
