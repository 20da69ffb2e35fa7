"""One row to one charge, or to the first reason why not. Pure: what it needs is handed in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypeVar

from billing.charges import values
from billing.charges.fields import Field, Reason, RowRefused
from billing.charges.layout import Layout
from billing.charges.reading import Row
from common.codes import is_country
from common.visible import has_visible_character
from taxes.determination import EARLIEST_TAX_POINT
from taxes.vocabulary import ProductCategory

# Sizes of the columns in which the texts end up.
_ACCOUNT_LENGTH = 100
_ACCOUNT_NAME_LENGTH = 250
_DESCRIPTION_LENGTH = 500
_ITEM_ID_LENGTH = 60
_REFERENCE_LENGTH = 100
# A thousand lines of this still fit numeric(20,4), in which a document's totals are kept.
_MOST_OF_A_LINE = Decimal(10) ** 13

_DEFAULT_UNIT = "C62"
_ONE = Decimal(1)

T = TypeVar("T")


class Charge(NamedTuple):
    """A checked row. ``country`` is a code or empty; ``country_said`` is what the file says."""

    line: int
    account: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    price_base_quantity: Decimal
    currency: str
    tax_point: date
    period_start: date | None
    period_end: date | None
    due_on: date
    product_category: str
    seller_id: int
    unit_code: str
    item_id: str
    order_number: str
    source_reference: str
    charge_id: str
    country: str
    country_said: str
    account_name: str


class Refused(NamedTuple):
    """A row with a fault; ``account`` is empty if the fault came before one could be read."""

    line: int
    account: str
    reason: Reason
    said: str


@dataclass(frozen=True, slots=True)
class RowCheck:
    """Checks the rows of one file.

    ``places`` says where each field stands in a row of ``width`` cells; ``sellers`` are the primary
    keys of the sellers by their code.
    """

    layout: Layout
    places: Mapping[Field, int]
    width: int
    sellers: Mapping[str, int]

    def check(self, row: Row) -> Charge | Refused:
        """The charge of ``row``, or its first fault in the order of ``Reason``."""
        account = ""
        try:
            self._readable(row)
            account = self._account(row.cells)
            return self._charge(row.line, account, row.cells)
        except RowRefused as refused:
            return Refused(row.line, account, refused.reason, refused.said)

    def _readable(self, row: Row) -> None:
        if row.fault:
            raise RowRefused(Reason.UNREADABLE, row.fault)
        if len(row.cells) != self.width:
            said = f"has {len(row.cells)} cells where the header has {self.width}"
            raise RowRefused(Reason.UNREADABLE, said)

    def _account(self, cells: list[str]) -> str:
        longest = _ACCOUNT_LENGTH
        if account := self._text(cells, Field.ACCOUNT, Reason.UNKNOWN_ACCOUNT, longest=longest):
            return account
        raise RowRefused(Reason.NO_ACCOUNT, "names no account")

    def _charge(self, line: int, account: str, cells: list[str]) -> Charge:
        """Checks in the order of ``Reason``; arguments are evaluated in the order they stand in."""
        description = self._description(cells)
        quantity, unit_price, base = self._amounts(cells)
        currency = self._required(cells, Field.CURRENCY, Reason.CURRENCY, values.currency)
        tax_point = self._required(cells, Field.DATE, Reason.DATE, self._tax_point)
        period_start, period_end = self._period(cells)
        country = self._cell(cells, Field.COUNTRY)
        return Charge(
            line,
            account,
            description,
            quantity,
            unit_price,
            base,
            currency,
            tax_point,
            period_start,
            period_end,
            self._optional(cells, Field.DUE_ON, Reason.DUE_ON, self._day) or tax_point,
            self._required(cells, Field.PRODUCT_CATEGORY, Reason.CATEGORY, _category),
            self._required(cells, Field.SELLER, Reason.SELLER, self._seller),
            self._optional(cells, Field.UNIT_CODE, Reason.UNIT, values.unit_code) or _DEFAULT_UNIT,
            self._text(cells, Field.ITEM_ID, Reason.REFERENCE, longest=_ITEM_ID_LENGTH),
            self._text(cells, Field.ORDER_NUMBER, Reason.REFERENCE, longest=_REFERENCE_LENGTH),
            self._text(cells, Field.REFERENCE, Reason.REFERENCE, longest=_REFERENCE_LENGTH),
            self._text(cells, Field.CHARGE_ID, Reason.CHARGE_ID, longest=_REFERENCE_LENGTH),
            self._country(country),
            values.quoted(country),
            self._account_name(cells),
        )

    def _description(self, cells: list[str]) -> str:
        longest = _DESCRIPTION_LENGTH
        said = self._text(cells, Field.DESCRIPTION, Reason.DESCRIPTION, longest=longest)
        if has_visible_character(said):
            return said
        raise RowRefused(Reason.DESCRIPTION, "has no description")

    def _account_name(self, cells: list[str]) -> str:
        longest = _ACCOUNT_NAME_LENGTH
        said = self._text(cells, Field.ACCOUNT_NAME, Reason.ACCOUNT_NAME, longest=longest)
        if said and not has_visible_character(said):
            raise RowRefused(Reason.ACCOUNT_NAME, "the account name has nothing that can be seen")
        return said

    def _amounts(self, cells: list[str]) -> tuple[Decimal, Decimal, Decimal]:
        """Quantity, unit price, and the quantity that the price is for."""
        quantity = self._required(cells, Field.QUANTITY, Reason.QUANTITY, self._number)
        price = self._required(cells, Field.UNIT_PRICE, Reason.PRICE, self._number)
        base = self._optional(cells, Field.PRICE_BASE_QUANTITY, Reason.PRICE, self._number)
        if price < 0:
            raise RowRefused(
                Reason.PRICE,
                f"the price {price} is negative: write a negative quantity at a positive price"
                " (EN 16931 BR-27)",
            )
        if base is None:
            base = _ONE
        elif base <= 0:
            raise RowRefused(Reason.PRICE, f"the price is for a quantity of {base}: it must be > 0")
        if abs(quantity * price / base) >= _MOST_OF_A_LINE:
            raise RowRefused(Reason.PRICE, "quantity times price is more than an invoice can hold")
        return quantity, price, base

    def _period(self, cells: list[str]) -> tuple[date | None, date | None]:
        start = self._optional(cells, Field.PERIOD_START, Reason.PERIOD, self._day)
        end = self._optional(cells, Field.PERIOD_END, Reason.PERIOD, self._day)
        if (start is None) != (end is None):
            missing = Field.PERIOD_END if end is None else Field.PERIOD_START
            raise RowRefused(Reason.PERIOD, f"has a period without {_words(missing)}")
        if start and end and end <= start:
            raise RowRefused(
                Reason.PERIOD,
                f"the period ends on {end}, not after its start on {start}: the end is the first"
                " day after it",
            )
        return start, end

    # --- One cell -------------------------------------------------------------------------------

    def _cell(self, cells: list[str], field: Field) -> str:
        """The cell, cleaned, or the field's default where there is no cell or nothing in it."""
        place = self.places.get(field)
        if place is not None and (value := cells[place].strip()):
            cleaning = self.layout.cleaning.get(field)
            if cleaning is None or (value := cleaning.clean(value)):
                return value
        return self.layout.defaults.get(field, "")

    def _required(
        self, cells: list[str], field: Field, reason: Reason, read: Callable[[str], T]
    ) -> T:
        found = self._optional(cells, field, reason, read)
        if found is None:
            raise RowRefused(reason, f"has no {_words(field)}")
        return found

    def _optional(
        self, cells: list[str], field: Field, reason: Reason, read: Callable[[str], T]
    ) -> T | None:
        value = self._cell(cells, field)
        if not value:
            return None
        try:
            return read(value)
        except values.Wrong as wrong:
            raise RowRefused(reason, f"the {_words(field)} {wrong}") from wrong

    def _text(self, cells: list[str], field: Field, reason: Reason, *, longest: int) -> str:
        value = self._cell(cells, field)
        if not value:
            return ""
        try:
            return values.text(value, longest=longest)
        except values.Wrong as wrong:
            raise RowRefused(reason, f"the {_words(field)} {wrong}") from wrong

    def _number(self, value: str) -> Decimal:
        return values.number(value, decimal_mark=self.layout.decimal_mark)

    def _day(self, value: str) -> date:
        return values.day(value, date_format=self.layout.date_format)

    def _tax_point(self, value: str) -> date:
        """One before the known tax law would keep its whole account from being billed."""
        day = self._day(value)
        if day < EARLIEST_TAX_POINT:
            raise values.Wrong(
                f"{day} is before {EARLIEST_TAX_POINT}, the first day whose tax rules are known"
            )
        return day

    def _seller(self, value: str) -> int:
        if value in self.sellers:
            return self.sellers[value]
        raise values.Wrong(f"“{values.quoted(value)}” is none of {values.listed(self.sellers)}")

    def _country(self, said: str) -> str:
        """The code, or nothing: whether that is a fault depends on the account being there."""
        code = self.layout.countries.get(said.casefold()) or said.upper()
        return code if is_country(code) else ""


def _words(field: Field) -> str:
    return field.replace("_", " ")


def _category(value: str) -> str:
    if value in ProductCategory.values:
        return value
    known = values.listed(ProductCategory.values)
    raise values.Wrong(f"“{values.quoted(value)}” is none of {known}")
