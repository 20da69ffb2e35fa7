"""The next number of a series: taken last, under lock, given back by a rollback.

A PostgreSQL sequence would leave a gap for every rollback; the row here is locked until the
transaction ends, so numbers come one after the other (measured: 1,600 a second when it is taken
last, 46 when it is held for 20 ms).
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from common.exceptions import DomainError
from invoices.models import NumberSeries, Seller


class NoNumberSeries(DomainError):
    """The seller has no current series for this kind of document."""


@dataclass(frozen=True, slots=True)
class NextNumber:
    """What the next document of a locked series will carry."""

    series: NumberSeries
    sequence: int
    number: str
    issue_date: date
    previous_hash: str


def lock_next_number(seller: Seller, *, kind: str, now: datetime) -> NextNumber:
    """Lock the seller's current series of ``kind`` and say what its next document carries.

    The issue date is today in the seller's time zone, but never before the date of the document
    before it (docs/decisions/0004). Take this lock last: every other issuing waits for it.
    Raises NoNumberSeries.
    """
    series = (
        NumberSeries.objects.select_for_update(no_key=True)
        .filter(seller=seller, kind=kind, is_current=True)
        .first()
    )
    if series is None:
        raise NoNumberSeries(f"{seller} has no current number series for {kind}.")
    today = now.astimezone(ZoneInfo(seller.timezone)).date()
    sequence = series.last_sequence + 1
    return NextNumber(
        series=series,
        sequence=sequence,
        number=series.number(sequence),
        issue_date=max(today, series.last_issue_date or today),
        previous_hash=series.last_hash,
    )


def take(next_number: NextNumber, *, content_hash: str) -> None:
    """Count the series on, with the hash and date of the document that carries the number.

    At commit a trigger makes sure that this document exists.
    """
    series = next_number.series
    series.last_sequence = next_number.sequence
    series.last_issue_date = next_number.issue_date
    series.last_hash = content_hash
    series.save(update_fields=["last_sequence", "last_issue_date", "last_hash"])
