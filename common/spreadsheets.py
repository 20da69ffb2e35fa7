"""Cells that a spreadsheet reads as text, whatever people typed (ASVS 1.2.10)."""

import re

# What makes a spreadsheet take a cell for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Many separate cells by one of these, whatever the file says.
_FORMULA_AFTER_BREAK = re.compile(r"([;\t\r\n])(?=[=+\-@])")


def neutral(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula, wherever it splits the line."""
    within = _FORMULA_AFTER_BREAK.sub(r"\1'", text)
    return f"'{within}" if text.startswith(_FORMULA_STARTS) else within
