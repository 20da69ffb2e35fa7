"""Prove that issued documents are what they were. docs/proof.md is its manual."""

import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from common.counting import counted
from invoices.proving.comparing import compare
from invoices.proving.files import Files
from invoices.proving.findings import Finding
from invoices.proving.heads import make_head
from invoices.proving.noted import Noted, read_noted
from invoices.proving.reading import all_series, one_moment
from invoices.proving.verifying import Verification

_FOUND, _MISUSED, _NOT_CHECKED = 1, 2, 3
_TOLD_EVERY_SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "Check numbers, hashes, sums and stored files of all issued documents. Ends with 1 when"
        " something differs, 2 when it was called wrongly, 3 when the storage of documents could"
        " not be read. See docs/proof.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--series", metavar="PREFIX", help="this series alone")
        parser.add_argument("--no-files", action="store_true", help="do not read stored files")
        parser.add_argument(
            "--head",
            action="store_true",
            help="check nothing; print the state of every series, to be kept elsewhere, and a line"
            " with its hash, to be published",
        )
        parser.add_argument(
            "--against",
            metavar="HEAD",
            type=_text,
            action="append",
            default=[],
            help="a file with heads that were printed earlier, or -; repeatable: find any change"
            " since",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if options["head"] and (options["against"] or options["no_files"]):
            raise CommandError("--head prints and checks nothing.", returncode=_MISUSED)
        noted = read_noted("\n".join(options["against"]))
        if options["against"] and not (noted.heads or noted.findings):
            raise CommandError("There is no head in what was given.", returncode=_MISUSED)
        with one_moment("proving the documents of every account"):
            if options["series"] is not None and not all_series(options["series"]):
                message = f"There is no series with the prefix “{options['series']}”."
                raise CommandError(message, returncode=_MISUSED)
            if options["head"]:
                self._print_head(options["series"])
                return
            files = None if options["no_files"] else Files()
            look = Verification(options["series"], files, _Progress(self.stderr.write))
            number = self._tell(look.findings()) + self._compare(noted, options["series"])
        self._sum_up(look, number, noted)

    def _print_head(self, prefix: str | None) -> None:
        head = make_head(made_at=timezone.now(), prefix=prefix)
        self.stdout.write(head.to_json())
        self.stdout.write(head.line())

    def _compare(self, noted: Noted, prefix: str | None) -> int:
        return self._tell(noted.findings) + self._tell(compare(noted.heads, prefix=prefix))

    def _tell(self, findings: Iterable[Finding]) -> int:
        """Print each; how many were no notes."""
        number = 0
        for finding in findings:
            self.stdout.write(str(finding))
            number += not finding.is_note
        return number

    def _sum_up(self, look: Verification, number: int, noted: Noted) -> None:
        heads = f", {counted(len(noted.heads), 'head')}" if noted.heads else ""
        files = f", {counted(look.files.read, 'file')}" if look.files else ", no files"
        looked_at = f"{counted(look.documents, 'document')} in {look.series} series{files}{heads}"
        away = look.files.away if look.files else ""
        unread = f" The storage cannot be read ({away}): this says nothing about the files."
        if number:
            words = f"{looked_at}: {counted(number, 'finding')}.{unread if away else ''}"
            raise CommandError(words, returncode=_FOUND)
        if away:
            words = f"{looked_at}: nothing else differs.{unread}"
            raise CommandError(words, returncode=_NOT_CHECKED)
        self.stdout.write(f"{looked_at}: nothing differs.")


class _Progress:
    """Tells now and then how far it is and how fast."""

    def __init__(self, write: Any) -> None:
        self._write = write
        self._begun = self._told = time.monotonic()

    def __call__(self, documents: int) -> None:
        now = time.monotonic()
        if now - self._told >= _TOLD_EVERY_SECONDS:
            self._told = now
            self._write(f"{documents:,} documents, {documents / (now - self._begun):,.0f} a second")


def _text(argument: str) -> str:
    try:
        return sys.stdin.read() if argument == "-" else Path(argument).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentTypeError(f"{argument} cannot be read: {error}") from error
