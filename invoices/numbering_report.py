"""Every number of a series with its state: the page that an auditor asks for first."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.timezone import localtime

from common.money import ZERO, exponent, in_figures
from common.spreadsheets import neutral, spreadsheet
from invoices.models import Invoice, NumberSeries

COLUMNS = (
    "number",
    "state",
    "date",
    "account",
    "total",
    "currency",
    "voided",
    "reason",
)
MISSING = "missing"
_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    """One number. Of one that is missing nothing else is known."""

    number: str
    state: str
    issue_date: date | None = None
    account: int | None = None
    total: Decimal | None = None
    currency: str = ""
    voided_on: date | None = None
    reason: str = ""

    def cells(self) -> list[str]:
        """As ``COLUMNS`` has it; no cell is taken for a formula."""
        total = "" if self.total is None else f"{self.total:.{exponent(self.currency)}f}"
        texts = (
            neutral(self.number),
            self.state,
            str(self.issue_date or ""),
            str(self.account or ""),
            total,
            self.currency,
            str(self.voided_on or ""),
            neutral(self.reason),
        )
        return list(texts)


class Totals:
    """How many numbers are in which state, and how much they come to."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._amounts: dict[tuple[str, str], Decimal] = {}

    def add(self, row: Row) -> None:
        self._numbers[row.state] += 1
        if row.total is not None:
            key = (row.state, row.currency)
            self._amounts[key] = self._amounts.get(key, ZERO) + row.total

    @property
    def missing(self) -> int:
        return self._numbers[MISSING]

    def in_words(self) -> Iterator[str]:
        for state, number in sorted(self._numbers.items()):
            amounts = [
                in_figures(amount, currency=currency)
                for (of, currency), amount in sorted(self._amounts.items())
                if of == state
            ]
            yield f"{state}: {number:,}" + (f", {', '.join(amounts)}" if amounts else "")


def rows_of(series: NumberSeries) -> Iterator[Row]:
    """Each number that was given out, in order, and each that is missing.

    One statement. Needs a scope over all accounts.
    """
    expected = 1
    # Days of issue are the seller's too.
    zone = ZoneInfo(series.seller.timezone)
    documents = (
        Invoice.objects.filter(series=series)
        .exclude(state=Invoice.State.DRAFT)
        .order_by("sequence", "pk")
        .values_list(
            "sequence",
            "number",
            "state",
            "issue_date",
            "account__number",
            "gross_total",
            "currency",
            "voided_at",
            "void_reason",
        )
    )
    found: Iterator[Any] = documents.iterator(chunk_size=_ROWS_AT_ONCE)
    for sequence, number, state, issued, account, total, currency, voided_at, reason in found:
        yield from _missing(series, expected, sequence)
        voided_on = localtime(voided_at, zone).date() if voided_at else None
        yield Row(number, state, issued, account, total, currency, voided_on, reason)
        expected = sequence + 1
    yield from _missing(series, expected, series.last_sequence + 1)


def report_file(several: Iterable[NumberSeries]) -> bytes:
    """Every number of them for a spreadsheet. Needs a scope over all accounts."""
    numbers = (row.cells() for series in several for row in rows_of(series))
    return spreadsheet(chain([COLUMNS], numbers))


def _missing(series: NumberSeries, first: int, end: int) -> Iterator[Row]:
    for sequence in range(first, end):
        yield Row(series.number(sequence), MISSING)
