"""In which currencies EN 16931 can speak: those with two decimals at the most."""

from typing import Final

from common.money import exponent

# BR-DEC-01 to BR-DEC-28: no amount has more decimals than these.
_MOST_DECIMALS: Final = 2


def too_fine_currency(*currencies: str) -> str:
    """The first of a document's currencies that e-invoices have no room for; "" where they do.

    That is the currency of its amounts, and that of BT-111 if it has one. Where there is no room
    the document is a PDF and nothing else (docs/decisions/0113).
    """
    return next((each for each in currencies if exponent(each) > _MOST_DECIMALS), "")
