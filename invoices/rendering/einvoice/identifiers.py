"""Which of a party's numbers can be written as a VAT identifier (BT-31), and which cannot."""

from typing import Final

# The non-Union One Stop Shop gives numbers of no country, such as EU372022452.
_ONE_STOP_SHOP_PREFIX: Final = "EU"


def is_vat_identifier(number: str) -> bool:
    """Whether ``number`` can stand as BT-31, which begins with a country's letters (BR-CO-09).

    One of the non-Union One Stop Shop cannot: it stands as a local registration (BT-32).
    """
    return bool(number) and not number.startswith(_ONE_STOP_SHOP_PREFIX)
