"""The retail month worked out from the file alone, by other means than the program's.

No line of the program is used: two readings that agree are worth more than one.
"""

import csv
import gzip
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_SAMPLE = _ROOT / "tests" / "fixtures" / "retail-sample.csv"
_NAME = "online-retail-2010-12.csv.gz"

_CENT = Decimal("0.01")
# British tax until 3 January 2011.
_RATE = Decimal("0.175")
# As the file spells the countries of the Union of December 2010, the United Kingdom among them.
_UNION = {
    *("United Kingdom", "EIRE", "Austria", "Belgium", "Cyprus", "Denmark", "Finland", "France"),
    *("Germany", "Greece", "Italy", "Lithuania", "Malta", "Netherlands", "Poland", "Portugal"),
    *("Spain", "Sweden", "Czech Republic"),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file of this form must come to."""

    rows: int
    without_account: int
    taken: int
    accounts: int
    invoices: int
    credit_notes: int
    net: Decimal
    taxed_documents: int
    taxed_net: Decimal
    tax: Decimal
    export_documents: int
    export_net: Decimal


def retail_file() -> tuple[Path, bool]:
    """The real month, or the project's own sample; and whether it is the real one.

    ``COUNTERFOIL_RETAIL_DATA`` names it; without that it is looked for beside the checkout.
    """
    if named := os.environ.get("COUNTERFOIL_RETAIL_DATA"):
        return Path(named), True
    beside = _ROOT.parent / "shared" / "data" / _NAME
    return (beside, True) if beside.exists() else (_SAMPLE, False)


def expect(file: Path) -> Expected:
    """Add the file up: one document an account, tax rounded once for each."""
    nets: dict[str, Decimal] = {}
    countries: dict[str, str] = {}
    rows = without_account = 0
    for row in _read(file):
        rows += 1
        customer = row["CustomerID"]
        if not customer:
            without_account += 1
            continue
        amount = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"])
        nets[customer] = nets.get(customer, Decimal(0)) + _cents(amount)
        countries.setdefault(customer, row["Country"])
    taxed = {one: net for one, net in nets.items() if countries[one] in _UNION}
    exported = {one: net for one, net in nets.items() if one not in taxed}
    return Expected(
        rows=rows,
        without_account=without_account,
        taken=rows - without_account,
        accounts=len(nets),
        invoices=sum(net >= 0 for net in nets.values()),
        credit_notes=sum(net < 0 for net in nets.values()),
        net=sum(nets.values(), Decimal(0)),
        taxed_documents=len(taxed),
        taxed_net=sum(taxed.values(), Decimal(0)),
        tax=sum((_cents(net * _RATE) for net in taxed.values()), Decimal(0)),
        export_documents=len(exported),
        export_net=sum(exported.values(), Decimal(0)),
    )


def take_a_share(file: Path, target: Path, *, one_in: int) -> Path:
    """Write the rows of every ``one_in``-th customer, and every ``one_in``-th row without one."""
    seen: dict[str, int] = {}
    without = 0
    with target.open("w", newline="") as stream:
        writer: csv.DictWriter[str] | None = None
        for row in _read(file):
            if writer is None:
                writer = csv.DictWriter(stream, list(row))
                writer.writeheader()
            if customer := row["CustomerID"]:
                place = seen.setdefault(customer, len(seen))
            else:
                place, without = without, without + 1
            if place % one_in == 0:
                writer.writerow(row)
    return target


def _read(file: Path) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        if file.suffix == ".gz":
            stream = stack.enter_context(gzip.open(file, "rt", newline=""))
        else:
            stream = stack.enter_context(file.open(newline=""))
        yield from csv.DictReader(stream)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)
