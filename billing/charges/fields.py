"""What a row of a charge file can say, and the reasons for which one is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from common.exceptions import DomainError


class Field(StrEnum):
    """The columns of our own format; a mapping file gives them the names of another."""

    ACCOUNT = "account"
    DESCRIPTION = "description"
    QUANTITY = "quantity"
    UNIT_PRICE = "unit_price"
    CURRENCY = "currency"
    DATE = "date"
    PRODUCT_CATEGORY = "product_category"
    SELLER = "seller"
    PERIOD_START = "period_start"
    PERIOD_END = "period_end"
    DUE_ON = "due_on"
    UNIT_CODE = "unit_code"
    PRICE_BASE_QUANTITY = "price_base_quantity"
    ITEM_ID = "item_id"
    ORDER_NUMBER = "order_number"
    REFERENCE = "reference"
    CHARGE_ID = "charge_id"
    COUNTRY = "country"
    ACCOUNT_NAME = "account_name"


# Each needs a column or a default. Nothing that decides an amount or a tax is guessed.
REQUIRED = (
    Field.ACCOUNT,
    Field.DESCRIPTION,
    Field.QUANTITY,
    Field.UNIT_PRICE,
    Field.CURRENCY,
    Field.DATE,
    Field.PRODUCT_CATEGORY,
    Field.SELLER,
)


class Reason(StrEnum):
    """Why a row is refused, in order of precedence: a row with several faults has the first."""

    UNREADABLE = "unreadable"
    NO_ACCOUNT = "no_account"
    UNKNOWN_ACCOUNT = "unknown_account"
    DESCRIPTION = "description"
    QUANTITY = "quantity"
    PRICE = "price"
    CURRENCY = "currency"
    DATE = "date"
    PERIOD = "period"
    DUE_ON = "due_on"
    CATEGORY = "product_category"
    SELLER = "seller"
    UNIT = "unit_code"
    REFERENCE = "reference"
    CHARGE_ID = "charge_id"
    ACCOUNT_NAME = "account_name"
    COUNTRY = "country"
    CHANGED = "changed"


# How the totals name each reason, after a number of rows.
REASON_WORDS: dict[Reason, str] = {
    Reason.UNREADABLE: "cannot be read",
    Reason.NO_ACCOUNT: "name no account",
    Reason.UNKNOWN_ACCOUNT: "name an account that does not exist",
    Reason.DESCRIPTION: "have no usable description",
    Reason.QUANTITY: "have no usable quantity",
    Reason.PRICE: "have no usable price",
    Reason.CURRENCY: "have no usable currency",
    Reason.DATE: "have no usable date",
    Reason.PERIOD: "have no usable period",
    Reason.DUE_ON: "have no usable due date",
    Reason.CATEGORY: "have no usable product category",
    Reason.SELLER: "name no seller of ours",
    Reason.UNIT: "have no usable unit",
    Reason.REFERENCE: "have a reference that does not fit",
    Reason.CHARGE_ID: "have a charge id that does not fit or is used again",
    Reason.ACCOUNT_NAME: "have no usable name for a new account",
    Reason.COUNTRY: "have no usable country for a new account",
    Reason.CHANGED: "were taken before with other content",
}


class FileRefused(DomainError):
    """The file as a whole cannot be taken: its form is wrong, not one of its rows."""


class RowRefused(Exception):
    """One row cannot be taken; ``said`` is a sentence about it without its line number."""

    def __init__(self, reason: Reason, said: str) -> None:
        super().__init__(said)
        self.reason = reason
        self.said = said


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused row as it is reported. ``line`` is the physical line on which the row starts.

    ``cells`` is the row as it was read, if the caller asked for it, else empty.
    """

    line: int
    reason: Reason
    said: str
    cells: tuple[str, ...] = ()


class Phase(StrEnum):
    """What an import is doing: the file, then the database as a whole, then writing."""

    READING = "reading"
    CHECKING = "checking"
    TAKING = "taking"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come. ``refused`` are those whose fault lies in the row itself.

    ``bytes_total`` is None for standard input.
    """

    phase: Phase
    rows: int
    refused: int
    bytes_read: int
    bytes_total: int | None


class Listener(Protocol):
    """Who is told of an import while it goes on: a terminal, a page, a test."""

    def begin(self, header: Sequence[str], *, ignored: Sequence[str]) -> None:
        """The header was read; ``ignored`` are its columns that no field is taken from."""

    def progress(self, progress: Progress) -> None:
        """Some more rows were read, or the next phase begins."""

    def refuse(self, refusal: Refusal) -> None:
        """Once for each refused row, in the order of the file, when all are known."""
