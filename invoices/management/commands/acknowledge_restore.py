"""Say what becomes of a database that was set back. docs/backups.md is its manual."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.recording import Actor
from backups.models import Setback
from backups.setbacks import Acknowledgement, record_setback
from backups.witness import find_setback, unproven_setback
from common.counting import counted
from common.exceptions import DomainError
from common.scoping import all_accounts_scope
from invoices.after_restore import count_unrendered, go_on, lost_series, uncertain_series
from invoices.archive import unreferred_documents
from mail.after_restore import count_unsent

_SHOWN = 10


class Command(BaseCommand):
    help = (
        "Show what a database that was set back does not know of, and let it go on. Without --note"
        " it decides nothing, and ends with an error while something waits. See docs/backups.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--next",
            metavar="PREFIX=PREFIX",
            type=_prefixes,
            action="append",
            default=[],
            help="the prefix of the series that follows one whose numbers are out; repeatable",
        )
        parser.add_argument(
            "--reuse-numbers",
            action="store_true",
            help="give the numbers of all other series again: right only if nobody has them",
        )
        parser.add_argument(
            "--send-mail",
            action="store_true",
            help="send what this database believes unsent, although it may have been sent",
        )
        parser.add_argument("--note", default="", help="why, for the audit log; required")
        parser.add_argument(
            "--declare",
            action="store_true",
            help="say that the database was set back although nothing shows it, for example"
            " together with the storage; holds work back at once, also without --note",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            setback = self._find(declare=options["declare"])
            if setback is None:
                self.stdout.write("There is nothing to acknowledge.")
                return
            self._show(setback)
            self._acknowledge(setback, options)
        except DomainError as refusal:
            raise CommandError(f"Nothing is acknowledged: {refusal}") from refusal

    def _find(self, *, declare: bool) -> Setback | None:
        setback = find_setback()
        if setback is None and declare:
            setback = record_setback(unproven_setback(Setback.Source.DECLARED))
        return setback

    def _show(self, setback: Setback) -> None:
        self.stdout.write(setback.in_words())
        self.stdout.write(f"Found {setback.found_at:%Y-%m-%d %H:%M} UTC.")
        if setback.witnessed_at:
            self.stdout.write(f"Something left last at {setback.witnessed_at:%Y-%m-%d %H:%M} UTC.")
        numbers = list(_about_numbers(setback)) or ["No number is out that is not known here."]
        for line in numbers:
            self.stdout.write(f"  {line}")
        with all_accounts_scope("showing what a database that was set back does not know of"):
            for line in _about_archive():
                self.stdout.write(line)
            unsent = counted(count_unsent(), "message")
            unrendered = counted(count_unrendered(), "document")
        self.stdout.write(f"Mail that is unsent here and may have been sent: {unsent}.")
        self.stdout.write(f"Not rendered here, and may have been mailed: {unrendered}.")

    def _acknowledge(self, setback: Setback, options: dict[str, Any]) -> None:
        if not options["note"]:
            raise CommandError(
                "Nothing is acknowledged yet: say why with --note, and for each series above what"
                " follows (--next PREFIX=PREFIX) or that numbers are given again"
                " (--reuse-numbers)."
            )
        followed = dict(options["next"])
        uncertain = [each.series.prefix for each in uncertain_series(setback)]
        decided = Acknowledgement(
            followed=followed,
            reused=[prefix for prefix in uncertain if prefix not in followed]
            if options["reuse_numbers"]
            else [],
            sends_mail=options["send_mail"],
            note=options["note"],
        )
        for line in go_on(setback, decided, actor=Actor.at_terminal()):
            self.stdout.write(line)
        self.stdout.write(
            "Acknowledged. Charges of documents that were lost are due again: look at them with"
            " `manage.py bill --dry-run`. The next billing run waits for approval."
        )


def _about_numbers(setback: Setback) -> Iterator[str]:
    for each in uncertain_series(setback):
        here = f"up to {each.newest} are known" if each.newest else "none is known"
        out = f"numbers up to {each.out} are out" if each.out else "more numbers may be out"
        yield f"{each.series.prefix}: {out}, {here} here"
    for head in lost_series(setback):
        yield f"{head.prefix}: numbers up to {head.number} are out, the series is not known here"


def _about_archive() -> Iterator[str]:
    found = unreferred_documents()
    shown = list(islice(found, _SHOWN))
    number = len(shown) + sum(1 for _ in found)
    yield f"Documents in the archive that no row here refers to: {number:,}."
    storage = storages["documents"]
    for key in shown:
        yield f"  {key}, stored {storage.get_modified_time(key):%Y-%m-%d %H:%M} UTC"
    if number > len(shown):
        yield f"  and {number - len(shown):,} more"


def _prefixes(argument: str) -> tuple[str, str]:
    former, separator, following = argument.partition("=")
    if not (separator and former and following):
        raise ArgumentTypeError(f"“{argument}” is not of the form PREFIX=PREFIX")
    return former, following
