"""What a run is given to bill: rows of a file, and the amounts that must come of them.

Known without the program: the figures of a run are compared with these, not with its own sums.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

SELLER = "northwind"
CURRENCY = "GBP"
FIRST_DAY = date(2026, 1, 1)

_PENNY = Decimal("0.01")
# Every tenth customer gets money back: a credit note, on a series of its own.
_CREDITED_EVERY = 10
# Every eighth is abroad, where goods leave the tax area and are taxed at zero.
_ABROAD_EVERY = 8
_COLUMNS = (
    *("account", "description", "quantity", "unit_price", "date", "product_category"),
    *("reference", "charge_id"),
)
_CATEGORIES = ("goods", "service", "book")


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """One row of a file. ``reference`` is its own in all files and is printed with its line."""

    account: str
    reference: str
    quantity: Decimal
    unit_price: Decimal
    category: str
    day: date = FIRST_DAY

    @property
    def net(self) -> Decimal:
        """Signed: below zero for what the customer gets back."""
        return (self.quantity * self.unit_price).quantize(_PENNY, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is billed, by what ``tests.reliability.stage`` makes: customers C00001, C00002, …"""

    customers: int

    @property
    def accounts(self) -> list[str]:
        """External references."""
        return [reference_of(serial) for serial in range(1, self.customers + 1)]

    def recipients_of(self, account: str) -> set[str]:
        """Where each document of a customer must arrive: billing contact and chosen member."""
        return {billing_contact_of(account), member_of(account)}


def reference_of(serial: int) -> str:
    return f"C{serial:05d}"


def country_of(serial: int) -> str:
    return "US" if serial % _ABROAD_EVERY == 0 else "GB"


def billing_contact_of(account: str) -> str:
    return f"payable@{account.lower()}.example"


def member_of(account: str) -> str:
    return f"books@{account.lower()}.example"


def charges_for(
    scene: Scene, *, lines: int = 3, day: date = FIRST_DAY, name: str = "R"
) -> list[ChargeRow]:
    """``lines`` charges for each customer; ``name`` keeps references of several files apart.

    All of one customer end up on one document. Amounts have more decimals than the currency, so
    that rounding is at work.
    """
    return [
        ChargeRow(
            account=account,
            reference=f"{name}-{account}-{line}",
            quantity=Decimal(-1 if serial % _CREDITED_EVERY == 0 else 1) * (1 + line % 3),
            unit_price=Decimal(100 + (serial * 3701 + line * 11) % 50_000) / 16,
            category=_category(serial, line),
            day=day + timedelta(days=line),
        )
        for serial, account in enumerate(scene.accounts, start=1)
        for line in range(lines)
    ]


def write_file(rows: Iterable[ChargeRow], path: Path) -> Path:
    """A file as ``manage.py import_charges`` takes it; the currency is given there."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for row in rows:
            said = f"Delivery {row.reference}"
            what = (row.account, said, row.quantity, row.unit_price, row.day, row.category)
            writer.writerow([*what, row.reference, row.reference])
    return path


def _category(serial: int, line: int) -> str:
    """Mixed rates at home; abroad goods alone, since services there make a second document."""
    return "goods" if country_of(serial) != "GB" else _CATEGORIES[line % len(_CATEGORIES)]
