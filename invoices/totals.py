"""Amounts of a document, by EN 16931's rules. Pure.

Line nets are rounded first and summed (BR-CO-10); tax is computed once for each category and rate
from the sum, and rounded once (BR-CO-17). Rounding is half away from zero at the currency's
ISO 4217 exponent, always by ``common.money.round_money``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from common.money import ZERO, round_money

_PER_CENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class TaxKey:
    """What lines must share to be taxed together. ``rate`` is in percent."""

    category: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class TaxedAmount:
    """A net amount with its tax: a line, or (negative) an allowance on the document."""

    net: Decimal
    tax: TaxKey
    exemption_code: str = ""
    exemption_reason: str = ""


@dataclass(frozen=True, slots=True)
class TaxSubtotal:
    """BG-23: the tax of one category and rate."""

    tax: TaxKey
    taxable_amount: Decimal
    tax_amount: Decimal
    exemption_code: str
    exemption_reason: str


@dataclass(frozen=True, slots=True)
class Totals:
    """BG-22. ``due`` = gross − prepaid + rounding (BR-CO-16)."""

    lines: Decimal
    allowances: Decimal
    charges: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    prepaid: Decimal
    rounding: Decimal
    due: Decimal
    subtotals: tuple[TaxSubtotal, ...]


def line_net(
    *,
    quantity: Decimal,
    unit_price: Decimal,
    currency: str,
    base_quantity: Decimal = Decimal(1),
    allowances: Decimal = ZERO,
    charges: Decimal = ZERO,
) -> Decimal:
    """BT-131: quantity × (unit price ÷ base quantity) + charges − allowances, rounded once.

    EN 16931 has no rule against a line whose price has more decimals than the currency; only the
    product is rounded.
    """
    amount = quantity * unit_price / base_quantity + charges - allowances
    return round_money(amount, currency=currency)


def total(
    lines: Iterable[TaxedAmount],
    *,
    currency: str,
    allowances: Iterable[TaxedAmount] = (),
    charges: Iterable[TaxedAmount] = (),
    prepaid: Decimal = ZERO,
    rounding: Decimal = ZERO,
) -> Totals:
    """Totals and tax subtotals of a document. Allowances and charges are positive amounts."""
    lines, allowances, charges = list(lines), list(allowances), list(charges)
    line_total = sum((line.net for line in lines), ZERO)
    allowance_total = sum((allowance.net for allowance in allowances), ZERO)
    charge_total = sum((charge.net for charge in charges), ZERO)
    subtotals = _subtotals(lines, allowances, charges, currency=currency)
    net = line_total - allowance_total + charge_total
    tax = sum((subtotal.tax_amount for subtotal in subtotals), ZERO)
    return Totals(
        lines=line_total,
        allowances=allowance_total,
        charges=charge_total,
        net=net,
        tax=tax,
        gross=net + tax,
        prepaid=prepaid,
        rounding=rounding,
        due=net + tax - prepaid + rounding,
        subtotals=subtotals,
    )


def _subtotals(
    lines: list[TaxedAmount],
    allowances: list[TaxedAmount],
    charges: list[TaxedAmount],
    *,
    currency: str,
) -> tuple[TaxSubtotal, ...]:
    """One for each category and rate, in the order in which they first appear."""
    taxable: dict[TaxKey, Decimal] = {}
    # Every reason once, in the order in which they come, with its code.
    words: dict[TaxKey, dict[str, str]] = {}
    for sign, amounts in ((1, lines), (1, charges), (-1, allowances)):
        for amount in amounts:
            taxable[amount.tax] = taxable.get(amount.tax, ZERO) + sign * amount.net
            said = words.setdefault(amount.tax, {})
            if amount.exemption_reason:
                said.setdefault(amount.exemption_reason, amount.exemption_code)
    return tuple(
        TaxSubtotal(
            tax=key,
            taxable_amount=net,
            tax_amount=round_money(net * key.rate / _PER_CENT, currency=currency),
            exemption_code=_one_code(words[key].values()),
            exemption_reason=". ".join(words[key]),
        )
        for key, net in taxable.items()
    )


def _one_code(codes: Iterable[str]) -> str:
    """BT-121 has room for one code: none where the reasons under a category have several."""
    distinct = set(codes)
    return distinct.pop() if len(distinct) == 1 else ""
