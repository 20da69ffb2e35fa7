"""Back up database and documents. docs/backups.md is its manual."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.template.defaultfilters import filesizeformat

from backups.documents import count_unreachable
from backups.making import Made, make_backup
from backups.reporting import StepReport
from common.counting import counted
from common.exceptions import DomainError

_FAULTS_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Write a backup into FOLDER: a dump of the database, and the documents that FOLDER does not"
        " have yet. Works as the owner role. See docs/backups.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", type=Path, metavar="FOLDER", help="is made if it is not there"
        )
        parser.add_argument(
            "--without-documents",
            action="store_true",
            help="the database alone, where the documents' storage is backed up by its own means",
        )
        parser.add_argument(
            "--reread",
            action="store_true",
            help="read all documents and their copies again, not only what is new",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        progress = StepReport(self.stderr)
        try:
            made = make_backup(
                options["folder"],
                with_documents=not options["without_documents"],
                rereads=options["reread"],
                progress=progress,
            )
        except (DomainError, DatabaseError, OSError) as error:
            raise CommandError(f"No backup was made: {error}") from error
        finally:
            progress.end()
        self._report(made)

    def _report(self, made: Made) -> None:
        manifest = made.manifest
        rows = sum(content.rows for content in manifest.contents.values())
        tables = counted(len(manifest.contents), "table")
        self.stdout.write(f"{made.path}")
        self.stdout.write(
            f"  database: {counted(rows, 'row')} in {tables}, {filesizeformat(manifest.dump_bytes)}"
        )
        if manifest.has_documents:
            size = filesizeformat(manifest.document_bytes)
            documents = counted(manifest.documents, "document")
            self.stdout.write(f"  documents: {documents}, {size}, {made.copied:,} of them new")
        else:
            self.stdout.write("  documents: not in this backup")
        for fault in manifest.faults[:_FAULTS_SHOWN]:
            self.stderr.write(f"  {fault.key} is {fault.kind}")
        if manifest.faults:
            documents = counted(len(manifest.faults), "document")
            unreachable = count_unreachable(manifest.faults)
            again = (
                f" {unreachable:,} of them only because the storage did not answer: the next backup"
                " copies them."
            )
            raise CommandError(
                f"The backup lacks {documents}, which its manifest names. Everything else is in it."
                f"{again if unreachable else ''}"
            )
