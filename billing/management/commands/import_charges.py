"""Take a CSV file of charges. docs/importing-charges.md is its manual."""

from argparse import ArgumentTypeError
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.recording import Actor
from billing.charges.fields import Field, FileRefused
from billing.charges.importing import Choices, Outcome, import_charges
from billing.charges.layout import Layout, field_named, load_layout
from billing.charges.reading import open_source
from billing.charges.reporting import TerminalReport, refused_rows_file


class Command(BaseCommand):
    help = (
        "Take charges from a CSV file (also .gz, also - for standard input). The file is checked"
        " whole first; taking the same file again adds nothing. See docs/importing-charges.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, or - for standard input")
        form = parser.add_argument_group("the file's form")
        form.add_argument("--mapping", metavar="FILE", help="a mapping file (TOML)")
        form.add_argument(
            "--map",
            metavar="FIELD=COLUMN",
            type=_field_and_text,
            action="append",
            default=[],
            help="the column that holds a field; repeatable",
        )
        form.add_argument(
            "--default",
            metavar="FIELD=VALUE",
            type=_field_and_text,
            action="append",
            default=[],
            help="what stands in for a missing column or an empty cell; repeatable",
        )
        form.add_argument("--seller", metavar="CODE", help="short for --default seller=CODE")
        form.add_argument("--currency", metavar="CODE", help="short for --default currency=CODE")
        form.add_argument("--encoding", help="utf-8 unless said")
        form.add_argument("--delimiter", help="a comma unless said")
        form.add_argument(
            "--source",
            default="",
            help="the system it comes from: keeps its charge ids apart from those of others",
        )
        taking = parser.add_argument_group("what is taken")
        taking.add_argument(
            "--accept-valid",
            action="store_true",
            help="take the good rows although others are refused; otherwise nothing is taken",
        )
        taking.add_argument(
            "--create-accounts",
            action="store_true",
            help="open the accounts that are missing (for trying out)",
        )
        taking.add_argument(
            "--dry-run", action="store_true", help="only say what would become of the file"
        )
        told = parser.add_argument_group("what is told")
        told.add_argument("--refused", metavar="FILE", help="write the refused rows to a CSV file")
        told.add_argument(
            "--quiet", action="store_true", help="no progress and no refused rows, only the sum"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            layout = _layout(options)
            outcome = self._import(layout, options)
        except FileRefused as refused:
            raise CommandError(f"{refused}\nNothing was taken.") from refused
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was taken.", returncode=130) from None
        if outcome.refused_rows and not options["accept_valid"]:
            # A dry run ends as the real one would, so that a script may ask first.
            nothing = "would be" if options["dry_run"] else "was"
            raise CommandError(
                f"Nothing {nothing} taken, since rows were refused."
                " Mend them, or take the good ones with --accept-valid."
            )

    def _import(self, layout: Layout, options: dict[str, Any]) -> Outcome:
        with ExitStack() as stack:
            source = stack.enter_context(open_source(options["file"]))
            refused_rows = None
            if path := options["refused"]:
                refused_rows = stack.enter_context(
                    refused_rows_file(path, encoding=layout.encoding, delimiter=layout.delimiter)
                )
            report = TerminalReport(
                out=self.stdout,
                err=self.stderr,
                is_quiet=options["quiet"],
                refused_rows=refused_rows,
            )
            outcome = import_charges(
                source,
                layout=layout,
                choices=Choices(
                    accept_valid=options["accept_valid"],
                    create_accounts=options["create_accounts"],
                    dry_run=options["dry_run"],
                    source=options["source"],
                    with_cells=refused_rows is not None,
                ),
                actor=Actor.at_terminal(),
                listener=report,
            )
            report.end(outcome, name=source.name)
        return outcome


def _layout(options: dict[str, Any]) -> Layout:
    """The mapping file, overridden by what the options say."""
    layout = load_layout(options["mapping"]) if options["mapping"] else Layout()
    defaults = dict(options["default"])
    for field in (Field.SELLER, Field.CURRENCY):
        if options[field.value]:
            defaults[field] = options[field.value]
    return (
        layout.with_columns(dict(options["map"]))
        .with_defaults(defaults)
        .with_file(encoding=options["encoding"], delimiter=options["delimiter"])
    )


def _field_and_text(argument: str) -> tuple[Field, str]:
    name, separator, value = argument.partition("=")
    if not separator or not value:
        raise ArgumentTypeError(f"“{argument}” is not of the form field=text")
    try:
        return field_named(name.strip()), value.strip()
    except FileRefused as refused:
        raise ArgumentTypeError(str(refused)) from refused
