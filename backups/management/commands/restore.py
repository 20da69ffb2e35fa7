"""Restore a backup. docs/backups.md is its manual."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from audit.recording import Actor
from backups.databases import holds_anything, own_database
from backups.manifest import Manifest
from backups.refusals import RestoreRefused
from backups.reporting import StepReport
from backups.restoring import Restored, read_backup, restore_backup
from common.counting import counted
from common.exceptions import DomainError

_FAULTS_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Restore the database of a backup, and the documents that the storage lacks. Works as the"
        " owner role, while nothing else runs. See docs/backups.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "backup", type=Path, metavar="BACKUP", help="a backup's own folder, named by its time"
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="also where there is a database already, which is kept under another name",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask before replacing")

    def handle(self, *_: Any, **options: Any) -> None:
        progress = StepReport(self.stderr)
        path: Path = options["backup"].resolve()
        try:
            manifest = read_backup(path)
            self._confirm(manifest, options)
            restored = restore_backup(
                path,
                manifest,
                replaces=options["replace"],
                actor=Actor.at_terminal(),
                progress=progress,
            )
        except (DomainError, DatabaseError, OSError) as error:
            raise CommandError(f"Nothing was restored: {error}") from error
        finally:
            progress.end()
        self._report(restored)

    def _confirm(self, manifest: Manifest, options: dict[str, Any]) -> None:
        if not options["replace"] or options["yes"] or not holds_anything():
            return
        name = own_database()
        self.stdout.write(f"The backup was made at {manifest.made_at}.")
        self.stdout.write(f"What {name} has taken in since will not be in it.")
        try:
            answer = input(f"Type {name} to replace it: ")
        except EOFError:
            answer = ""
        if answer.strip() != name:
            raise RestoreRefused("that was not the database's name (--yes does not ask).")

    def _report(self, restored: Restored) -> None:
        manifest = restored.manifest
        width = max(map(len, manifest.contents))
        for table, content in sorted(manifest.contents.items()):
            self.stdout.write(f"  {table:{width}} {content.rows:>12,} rows, equal")
        lacking = len(restored.faults)
        self.stdout.write(f"Documents put back: {restored.put_back:,}; lacking: {lacking:,}")
        if restored.migrated:
            self.stdout.write(f"Migrations added: {restored.migrated:,}")
        if restored.former:
            self.stdout.write(
                f"The former database is kept as {restored.former}; drop it when it is needed no"
                " more."
            )
        if restored.setback:
            self.stdout.write(restored.setback.in_words())
        for fault in restored.faults[:_FAULTS_SHOWN]:
            self.stderr.write(f"  {fault.key} is {fault.kind}")
        if lacking:
            raise CommandError(
                f"The database is restored, but {counted(lacking, 'document')} could not be: they"
                " are neither in the storage nor in the backup as they were."
            )
