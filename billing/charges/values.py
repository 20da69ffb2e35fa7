"""One cell to one value, or a sentence that says what is wrong with it. Pure, and quick."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from common.codes import is_currency
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes

# numeric(20,8): what a quantity and a unit price are stored as.
_INTEGER_DIGITS = 12
_DECIMALS = 8
# Longer numbers are refused unread: turning a million digits into a number takes seconds.
_MOST_CHARACTERS_OF_A_NUMBER = 40
# Dates outside are slips: an empty cell of a spreadsheet is 1899, a lost number 1970, a typing
# error 2206. From which day on tax law is known is another matter (checking.RowCheck).
_FIRST_DAY = date(1990, 1, 1)
_LAST_DAY = date(2099, 12, 31)
# How much of a wrong value is quoted.
_QUOTED_CHARACTERS = 40

_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_GROUPED_NUMBER = re.compile(r"[+-]?\d{1,3}(?:[ .,'’\u00a0\u202f]\d{3})+(?:[.,]\d+)?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?\d*[.,]\d+", re.ASCII)
_EXPONENT_NUMBER = re.compile(r"[+-]?[\d.,]+[eE][+-]?\d+", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?", re.ASCII)
# C0, DEL and C1, lone surrogates, and what a text may not hold in an XML 1.0 document.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Wrong(ValueError):
    """The value cannot be used; the message is the rest of a sentence about it."""


def text(value: str, *, longest: int) -> str:
    """``value`` in NFC on one line, runs of white space made one space. ``""`` stays empty."""
    cleaned = " ".join(value.split())
    if not (cleaned.isascii() and cleaned.isprintable()):
        cleaned = unicodedata.normalize("NFC", cleaned)
        if found := _FORBIDDEN.search(cleaned):
            raise Wrong(f"holds a control character (U+{ord(found[0]):04X})")
    if len(cleaned) > longest:
        raise Wrong(f"is {len(cleaned)} characters long, and {longest} fit")
    return cleaned


@lru_cache(maxsize=4096)
def number(value: str, *, decimal_mark: str = ".") -> Decimal:
    """A plain decimal number that numeric(20,8) holds exactly."""
    written = value.strip()
    plain = _with_point(written, decimal_mark)
    if len(plain) > _MOST_CHARACTERS_OF_A_NUMBER or not _PLAIN_NUMBER.fullmatch(plain):
        raise Wrong(_why_no_number(written, decimal_mark))
    integer, _, decimals = plain.lstrip("+-").partition(".")
    if len(decimals.rstrip("0")) > _DECIMALS:
        raise Wrong(f"“{quoted(written)}” has more than {_DECIMALS} decimals")
    if len(integer.lstrip("0")) > _INTEGER_DIGITS:
        raise Wrong(f"“{quoted(written)}” has more than {_INTEGER_DIGITS} digits before the point")
    return Decimal(plain) + 0  # minus zero becomes zero


@lru_cache(maxsize=4096)
def day(value: str, *, date_format: str = "") -> date:
    """The day that is written, whatever the time of day and the zone beside it."""
    written = value.strip()
    if not (date_format or _ISO_DATE.fullmatch(written)):
        raise Wrong(f"“{quoted(written)}” is not written as 2026-01-31")
    try:
        if date_format:
            found = datetime.strptime(written, date_format).date()  # noqa: DTZ007 - a day
        else:
            found = datetime.fromisoformat(written).date()
    except ValueError as error:
        form = f"the form {date_format}" if date_format else "any calendar"
        raise Wrong(f"“{quoted(written)}” is no date of {form}") from error
    if not _FIRST_DAY <= found <= _LAST_DAY:
        raise Wrong(f"{found} is not between {_FIRST_DAY} and {_LAST_DAY}")
    return found


@lru_cache(maxsize=1024)
def currency(value: str) -> str:
    """An ISO 4217 code that is, or once was, money somewhere."""
    code = value.strip().upper()
    if not is_currency(code):
        raise Wrong(f"“{quoted(value)}” is no currency code such as EUR")
    return code


@lru_cache(maxsize=1024)
def unit_code(value: str) -> str:
    """A unit of UN/ECE Recommendation 20 or 21 that an e-invoice may name, such as C62 or HUR."""
    code = value.strip().upper()
    if code not in codes(CodeList.UNITS):
        raise Wrong(f"“{quoted(value)}” is no unit code such as C62 (pieces) or HUR (hours)")
    return code


def quoted(value: str) -> str:
    """``value`` as a terminal may show it: short, nothing in it that moves a cursor."""
    shown = "".join(character if character.isprintable() else "·" for character in value)
    return shown if len(shown) <= _QUOTED_CHARACTERS else f"{shown[:_QUOTED_CHARACTERS]}…"


def listed(values: Iterable[str]) -> str:
    """The values as a sentence names them: ``a, b or c``."""
    *others, last = values
    return f"{', '.join(others)} or {last}" if others else last


def _with_point(written: str, decimal_mark: str) -> str:
    """``written`` with a decimal point; one that has a point where a comma is due stays wrong."""
    if decimal_mark == ".":
        return written
    return written.translate({ord("."): "·", ord(","): "."})


def _why_no_number(written: str, decimal_mark: str) -> str:
    shown = f"“{quoted(written)}”"
    if _EXPONENT_NUMBER.fullmatch(written):
        return f"{shown} is written with an exponent: write the number out"
    if _GROUPED_NUMBER.fullmatch(written):
        return f"{shown} has thousands separators or another decimal mark than “{decimal_mark}”"
    if _COMMA_NUMBER.fullmatch(written):
        return f"{shown} has another decimal mark than “{decimal_mark}”"
    if len(written) > _MOST_CHARACTERS_OF_A_NUMBER:
        return f"{shown} is longer than {_MOST_CHARACTERS_OF_A_NUMBER} characters"
    return f"{shown} is no plain number"
