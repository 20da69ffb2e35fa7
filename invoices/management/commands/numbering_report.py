"""Every number of every series with its state, and why each is void. See docs/proof.md."""

import csv
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from invoices.models import NumberSeries
from invoices.numbering_report import COLUMNS, MISSING, Row, Totals, rows_of
from invoices.proving.reading import all_series, one_moment


class Command(BaseCommand):
    help = "List every number of every series with its state. Ends with 1 when a number is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--series", metavar="PREFIX", help="this series alone")
        parser.add_argument(
            "--csv", action="store_true", help="for a spreadsheet; totals go to standard error"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        missing = 0
        with one_moment("listing the numbers of every account's documents"):
            found = all_series(options["series"])
            if not found:
                raise CommandError("There is no such series.", returncode=2)
            if options["csv"]:
                csv.writer(self.stdout, lineterminator="\n").writerow(COLUMNS)
            for series in found:
                missing += self._list(series, as_csv=options["csv"])
        if missing:
            raise CommandError(f"{missing:,} numbers are missing.", returncode=1)

    def _list(self, series: NumberSeries, *, as_csv: bool) -> int:
        totals, told = Totals(), self.stderr if as_csv else self.stdout
        told.write(f"{series.prefix} of {series.seller}, {series.get_kind_display().lower()}s")
        writer = csv.writer(self.stdout, lineterminator="\n")
        for row in rows_of(series):
            totals.add(row)
            if as_csv:
                writer.writerow(row.cells())
            else:
                self.stdout.write(_in_words(row))
        for words in totals.in_words():
            told.write(f"  {words}")
        return totals.missing


def _in_words(row: Row) -> str:
    if row.state == MISSING:
        return f"  {row.number}  MISSING"
    number, state, issued, account, total, currency, voided, reason = row.cells()
    void = f"  {voided}: {reason}" if voided else ""
    return f"  {number}  {state:<6}  {issued}  {account}  {total:>14} {currency}{void}"
