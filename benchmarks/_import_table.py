"""The import of a long file as a table. Started by ``import_charges.py``."""

import csv
import os
import sys
from itertools import cycle
from pathlib import Path

import django

django.setup()

from benchmarks._installation import ROOT, end_in_order, postgres_pid_of  # noqa: E402
from benchmarks._processes import Meter, Peaks  # noqa: E402
from common.embedded.places import Places  # noqa: E402
from invoices.models import Seller  # noqa: E402

_ROWS = 500_000
_ACCOUNTS = 20_000
# performance goal: as many rows a second on one core, program and PostgreSQL together.
_GOAL_ROWS_A_SECOND = 5_000
# A file of a hundredth of the rows may take this much less memory, not more.
_MOST_GROWTH = 1.05
_HEADER = (
    *("account", "description", "quantity", "unit_price", "currency", "date", "product_category"),
    *("item_id", "reference", "country"),
)


def main() -> int:
    end_in_order()
    places = Places.of_environment()
    Seller.objects.create(
        code="bench",
        legal_name="Bench Ltd",
        address_line_1="1 High Street",
        city="London",
        country="GB",
        email="billing@bench.example",
        timezone="Europe/London",
        accounting_currency="GBP",
    )
    peaks = Peaks()
    meter = Meter(
        environment=dict(os.environ),
        folder=ROOT,
        log=places.log,
        postgres=postgres_pid_of(places),
        peaks=peaks,
    )
    first = _write(places.var / "first.csv", reference="A", rows=_ROWS)
    second = _write(places.var / "second.csv", reference="B", rows=_ROWS)
    short = _write(places.var / "short.csv", reference="C", rows=_ROWS // 100)
    print(f"{'':22} {'rows':>9} {'wall s':>8} {'CPU s':>8} {'PostgreSQL s':>13} {'rows/s':>8} MB")
    with peaks.looking():
        _take("opening accounts", first, meter, said=f"{_ROWS:,} taken", rows=_ROWS)
        _take("accounts are there", second, meter, said=f"{_ROWS:,} taken", rows=_ROWS)
        _take("taken before", second, meter, said=f"{_ROWS:,} were taken before", rows=_ROWS)
        _take("a hundredth", short, meter, said="taken, for", rows=_ROWS // 100)
    growth = peaks.found["accounts are there"] / peaks.found["a hundredth"]
    print(f"\nmemory for 100 times the rows: {growth:.2f} times (goal: at most {_MOST_GROWTH})")
    print(f"rows/s are those of a second on the clock (goal: {_GOAL_ROWS_A_SECOND:,})")
    return 0


def _take(name: str, file: Path, meter: Meter, *, said: str, rows: int) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "import_charges", str(file)]
    told, cost = meter.run(name, [*command, "--create-accounts"])
    if said not in told:
        raise AssertionError(f"{name}: “{said}” is not in:\n{told}")
    megabytes = meter.peaks.found[name] / 1024
    print(
        f"{name:22} {rows:9,} {cost.wall:8.1f} {cost.cpu:8.1f} {cost.postgres_cpu:13.1f}"
        f" {rows / cost.wall:8,.0f} {megabytes:.0f}",
        flush=True,
    )


def _write(file: Path, *, reference: str, rows: int) -> Path:
    """A file of charges that are all different, as one system's months would be."""
    prices, countries = cycle(("9.90", "0.035", "124.5", "3.2")), cycle(("GB", "DE", "FR"))
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        for row in range(rows):
            account = row * 7919 % _ACCOUNTS
            writer.writerow(
                (
                    f"C{account:06}",
                    f"Virtual server, size {row % 37}",
                    row % 12 + 1,
                    next(prices),
                    "GBP",
                    f"2026-10-{row % 28 + 1:02}",
                    "service",
                    f"SKU-{row % 4999}",
                    f"{reference}-{row // 3}",
                    next(countries),
                )
            )
    return file


if __name__ == "__main__":
    sys.exit(main())
