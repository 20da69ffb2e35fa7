"""Sizes of decimal columns, so that an amount is the same in every table."""

from typing import Final, TypedDict


class _Digits(TypedDict):
    max_digits: int
    decimal_places: int


# Money, rounded to its currency's ISO 4217 exponent (four places at most).
AMOUNT: Final[_Digits] = {"max_digits": 20, "decimal_places": 4}
# A quantity or a unit price, never rounded to a currency.
QUANTITY: Final[_Digits] = {"max_digits": 20, "decimal_places": 8}
# A tax rate or an allowance in percent: 17.5 is stored as 17.5000.
PERCENT: Final[_Digits] = {"max_digits": 7, "decimal_places": 4}
