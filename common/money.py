"""The one rounding function, and how many decimals a currency has (ISO 4217)."""

from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from babel.core import get_global

ZERO = Decimal(0)


@cache
def exponent(currency: str) -> int:
    """Decimal places of ``currency`` by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD."""
    fractions = get_global("currency_fractions")
    digits: int = fractions.get(currency, fractions["DEFAULT"])[0]
    return _ISO_4217_EXPONENTS.get(currency, digits)


# Babel carries CLDR's *customary* digits, which follow what shops print. Where CLDR prints fewer
# decimals than ISO 4217 gives, an invoice goes by ISO 4217: what is booked must add up.
_ISO_4217_EXPONENTS = dict.fromkeys(
    (
        "AFN", "ALL", "AMD", "COP", "CRC", "HUF", "IDR", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK",
        "MUR", "PKR", "RSD", "SOS", "SYP", "TWD", "TZS", "UZS", "YER",
    ),
    2,
) | {"IQD": 3}  # fmt: skip


@cache
def quantum(currency: str) -> Decimal:
    """The smallest amount of ``currency``: 0.01 for EUR, 1 for JPY."""
    return Decimal(1).scaleb(-exponent(currency))


def round_money(amount: Decimal, *, currency: str) -> Decimal:
    """``amount`` at the currency's ISO 4217 exponent, half away from zero.

    "Half up" as EN 16931 and tax offices mean it: 0.005 becomes 0.01 and -0.005 becomes -0.01, so
    a credit of a line is always the exact opposite of the line.
    """
    return amount.quantize(quantum(currency), rounding=ROUND_HALF_UP)


def in_figures(amount: Decimal, *, currency: str) -> str:
    """For terminals, logs and staff: ``1,234.50 EUR``, ``1,235 JPY``."""
    return f"{amount:,.{exponent(currency)}f} {currency}"
