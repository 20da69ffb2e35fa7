"""What makes a charge the same charge when a file is taken again (docs/decisions/0050)."""

import hashlib
from decimal import Decimal
from functools import lru_cache

from billing.charges.checking import Charge

# No checked text holds it, so joined values cannot run into each other.
_SEPARATOR = "\x1f"
# Part of what is hashed. Another number would make every charge taken before look new.
_VERSION = "1"


def identity(charge: Charge, *, source: str) -> str:
    """SHA-256 in hex of what tells ``charge`` from others of its account.

    With a charge id that is the id alone, within its seller and source; without one it is what is
    charged: description, item, quantity, price, currency, dates and references. The spelling of
    numbers does not count, nor do the columns that only say how to bill it (category, unit, due
    date) or whom to open an account for. Lines that are equal so far are told apart by counting:
    see ``staging``.
    """
    if charge.charge_id:
        parts = [_VERSION, "id", str(charge.seller_id), source, charge.charge_id]
    else:
        parts = [
            _VERSION,
            "content",
            str(charge.seller_id),
            charge.description,
            charge.item_id,
            _canonical(charge.quantity),
            _canonical(charge.unit_price),
            _canonical(charge.price_base_quantity),
            charge.currency,
            str(charge.tax_point),
            str(charge.period_start or ""),
            str(charge.period_end or ""),
            charge.order_number,
            charge.source_reference,
        ]
    return hashlib.sha256(_SEPARATOR.join(parts).encode()).hexdigest()


@lru_cache(maxsize=4096)
def _canonical(number: Decimal) -> str:
    """One spelling for 2.5, 2.50 and 25E-1."""
    return f"{number.normalize():f}"
