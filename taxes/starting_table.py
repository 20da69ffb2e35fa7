"""The rates that ship with the program, and how they reach the database. Adds, never overwrites."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from django.db import models

from taxes.rate_table import Rate
from taxes.vocabulary import RateClass

STARTING_TABLE: Final = Path(__file__).parent / "data" / "rates.csv"

_AS_OF: Final = "# as of "


@dataclass(frozen=True, kw_only=True)
class StartingTable:
    """Every rate of the file, and the day up to which its makers had looked for changes."""

    as_of: date
    rates: tuple[Rate, ...]


@cache
def read_starting_table(path: Path = STARTING_TABLE) -> StartingTable:
    """Raises ValueError, naming the row, when the file is not what this program ships."""
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    if not first.startswith(_AS_OF):
        raise ValueError(f"{path.name} must begin with “{_AS_OF}<date>”")
    rows = csv.DictReader(line for line in lines if line and not line.startswith("#"))
    return StartingTable(
        as_of=date.fromisoformat(first.removeprefix(_AS_OF)),
        rates=tuple(_rate(row) for row in rows),
    )


def _rate(row: dict[str, str]) -> Rate:
    try:
        return Rate(
            country=row["country"],
            rate_class=RateClass(row["rate_class"]),
            percent=Decimal(row["percent"]) if row["percent"] else None,
            valid_from=date.fromisoformat(row["valid_from"]),
            source=row["source"],
        )
    except (ArithmeticError, KeyError, ValueError) as error:
        raise ValueError(f"not a tax rate: {row}") from error


def missing_rates(shipped: Iterable[Rate], *, present: set[tuple[str, str, date]]) -> list[Rate]:
    """Those whose country, class and first day are not there yet; what is there is left alone."""
    return [rate for rate in shipped if rate.key not in present]


def add_missing_rates(rate_model: type[models.Model]) -> int:
    """Add what the database lacks of the starting table, and say how many rows that were.

    Takes the model, since a migration has to pass the one of its own time. Two runs at once add
    nothing twice. A percentage that staff have changed stays: the row is there.
    """
    rows = rate_model._default_manager
    present = set(rows.values_list("country", "rate_class", "valid_from"))
    missing = missing_rates(read_starting_table().rates, present=present)
    rows.bulk_create(
        [
            rate_model(
                country=rate.country,
                rate_class=rate.rate_class,
                percent=rate.percent,
                valid_from=rate.valid_from,
                source=rate.source,
            )
            for rate in missing
        ],
        ignore_conflicts=True,
    )
    return len(missing)
