"""Files for spreadsheets, and cells that are read as text, whatever people typed (ASVS 1.2.10)."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

# What makes a spreadsheet take a cell for a formula.
# Some read full-width signs as the plain ones.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
# Many separate cells by one of these, whatever the file says.
_FORMULA_AFTER_BREAK = re.compile(r"([;\t\r\n])(?=[=+\-@＝＋－＠])")


def neutral(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula, wherever it splits the line."""
    within = _FORMULA_AFTER_BREAK.sub(r"\1'", text)
    return f"'{within}" if text.startswith(_FORMULA_STARTS) else within


def spreadsheet(rows: Iterable[Sequence[str]]) -> bytes:
    """Comma-separated, with a byte-order mark: without one, spreadsheets take UTF-8 for Latin-1."""
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")
