"""The temporary table ``staged``: rows of a file on their way in, refused ones on their way out.

It lives in PostgreSQL and ends with the caller's transaction, so that this process stays as small
as it was however long the file is.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from billing.charges.checking import Charge, Refused
from billing.charges.fields import Reason, Refusal
from billing.charges.identity import identity

# Rows become text and go out in pieces of this size.
_PIECE = 1 << 16
_FETCHED_AT_ONCE = 2000
# In the order of checking.Charge, then what staging adds.
_CHARGE_COLUMNS = (
    ("line", "bigint NOT NULL"),
    ("account", "text NOT NULL"),
    ("description", "text"),
    ("quantity", "numeric(20,8)"),
    ("unit_price", "numeric(20,8)"),
    ("price_base_quantity", "numeric(20,8)"),
    ("currency", "text"),
    ("tax_point", "date"),
    ("period_start", "date"),
    ("period_end", "date"),
    ("due_on", "date"),
    ("product_category", "text"),
    ("seller_id", "bigint"),
    ("unit_code", "text"),
    ("item_id", "text"),
    ("order_number", "text"),
    ("source_reference", "text"),
    ("charge_id", "text"),
    ("country", "text"),
    ("country_said", "text"),
    ("account_name", "text"),
)
_FURTHER_COLUMNS = (
    ("identity", "text"),
    ("reason", "text"),
    ("said", "text"),
    ("cells", "text"),
)
_COLUMNS = (*_CHARGE_COLUMNS, *_FURTHER_COLUMNS)

_ESCAPED_IN_COPY = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

_Value = str | int | date | Decimal | None


class StagedRow(NamedTuple):
    """A checked row, and the cells it was read from if a refusal is to give them back."""

    checked: Charge | Refused
    cells: list[str] | None


def stage(rows: Iterable[StagedRow], *, source: str) -> None:
    """Make the table and copy every row into it, those that are refused already too."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS)
    names = ", ".join(name for name, _ in _COLUMNS)
    with connection.cursor() as cursor:
        # A transaction may take several files; only its end drops the tables by itself.
        cursor.execute("DROP TABLE IF EXISTS pg_temp.staged, pg_temp.named, pg_temp.numbered")
        cursor.execute(f"CREATE TEMPORARY TABLE staged ({columns}) ON COMMIT DROP")
        with cursor.copy(f"COPY staged ({names}) FROM STDIN") as copy:
            for piece in _pieces(_copy_line(row, source) for row in rows):
                copy.write(piece)
        cursor.execute("ANALYZE staged")


def count_refusals() -> dict[Reason, int]:
    """How many rows are refused for each reason, in the order of ``Reason``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reason, count(*) FROM staged WHERE reason IS NOT NULL GROUP BY reason"
        )
        found = dict(cursor.fetchall())
    return {reason: found[reason] for reason in Reason if reason in found}


def refusals() -> Iterator[Refusal]:
    """The refused rows in the order of the file."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT line, reason, said, cells FROM staged WHERE reason IS NOT NULL ORDER BY line"
        )
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            for line, reason, said, cells in rows:
                yield Refusal(line, Reason(reason), said, tuple(json.loads(cells or "[]")))


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """The lines joined to pieces worth a system call each."""
    piece: list[str] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= _PIECE:
            yield "".join(piece)
            piece, size = [], 0
    yield "".join(piece)


def _copy_line(row: StagedRow, source: str) -> str:
    """One line of COPY's text format, in the order of ``_COLUMNS``."""
    checked = row.checked
    # ASCII: the cells of a refused row may hold what is no text in any encoding.
    cells = None if row.cells is None else json.dumps(row.cells)
    cell_values: tuple[_Value, ...]
    if isinstance(checked, Charge):
        cell_values = (*checked, identity(checked, source=source), None, None, cells)
    else:
        blank = (None,) * (len(_CHARGE_COLUMNS) - 2)
        refused = (None, checked.reason.value, checked.said, cells)
        cell_values = (checked.line, checked.account, *blank, *refused)
    return "\t".join(map(_copy_value, cell_values)) + "\n"


def _copy_value(value: _Value) -> str:
    """Escaped as COPY's text format wants it, though checked text holds no control characters."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        is_plain = value.isprintable() and "\\" not in value
        return value if is_plain else value.translate(_ESCAPED_IN_COPY)
    return str(value)
