"""Amounts: in a currency of today, and with no more decimals than it has."""

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from common.money import quantum
from invoices.rendering.document import Adjustment, InvoiceDocument
from invoices.rendering.einvoice.rules.broken import BrokenRule, broken
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes

_CENT: Final = Decimal("0.01")

# Of the amount and of its base.
_OF_ALLOWANCES: Final = ("BR-DEC-01", "BR-DEC-02")
_OF_CHARGES: Final = ("BR-DEC-05", "BR-DEC-06")
_OF_LINE_ALLOWANCES: Final = ("BR-DEC-24", "BR-DEC-25")
_OF_LINE_CHARGES: Final = ("BR-DEC-27", "BR-DEC-28")


def check_currencies(document: InvoiceDocument) -> Iterator[BrokenRule]:
    known = codes(CodeList.CURRENCIES)
    if document.currency not in known:
        yield from broken(
            f"“{document.currency}” is no currency of today that e-invoices know: discard the"
            " draft and charge in another currency.",
            "BR-CL-03",
            "BR-CL-04",
        )
    accounting = document.accounting_tax
    if accounting and accounting.currency not in known:
        yield from broken(
            f"“{accounting.currency}” is no currency of today that e-invoices know: choose another"
            " in which the seller keeps its books, under Sellers.",
            "BR-CL-03",
            "BR-CL-05",
        )


def check_decimals(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """The writer rounds each amount by itself; sums of what it rounded would no longer add up."""
    smallest = quantum(document.currency)
    for rule, amount in _amounts(document):
        if amount % smallest:
            yield from _too_fine(amount, document.currency, rule)
    accounting = document.accounting_tax
    if accounting and accounting.tax % quantum(accounting.currency):
        yield from _too_fine(accounting.tax, accounting.currency, "BR-DEC-15")


def check_sums(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """Validators add up in floating point: sums of many trillions are out by a cent."""
    totals = document.totals
    for rule, total, amounts in (
        ("BR-CO-10", totals.lines, [line.net for line in document.lines]),
        ("BR-CO-14", totals.tax, [part.tax for part in document.tax_breakdown]),
    ):
        if _added_up_by_validators(amounts) != total:
            words = (
                f"{total:f} is more than validators can add up: discard the draft and charge it in"
                " several documents."
            )
            yield from broken(words, rule)


def _added_up_by_validators(amounts: Iterable[Decimal]) -> Decimal:
    total = 0.0
    for amount in amounts:
        total += float(amount)
    return Decimal(total).quantize(_CENT, rounding=ROUND_HALF_UP)


def _too_fine(amount: Decimal, currency: str, rule: str) -> Iterator[BrokenRule]:
    words = (
        f"{amount:f} has more decimals than {currency}: discard the draft, and round what it was"
        " made of."
    )
    yield from broken(words, rule)


def _amounts(document: InvoiceDocument) -> Iterator[tuple[str, Decimal]]:
    totals = document.totals
    yield "BR-DEC-09", totals.lines
    yield "BR-DEC-10", totals.allowances
    yield "BR-DEC-11", totals.charges
    yield "BR-DEC-12", totals.net
    yield "BR-DEC-13", totals.tax
    yield "BR-DEC-14", totals.gross
    yield "BR-DEC-16", totals.prepaid
    yield "BR-DEC-17", totals.rounding
    yield "BR-DEC-18", totals.due
    for part in document.tax_breakdown:
        yield "BR-DEC-19", part.taxable
        yield "BR-DEC-20", part.tax
    for adjustment in document.adjustments:
        yield from _of(adjustment, _OF_CHARGES if adjustment.is_charge else _OF_ALLOWANCES)
    for line in document.lines:
        yield "BR-DEC-23", line.net
        for adjustment in line.adjustments:
            yield from _of(
                adjustment, _OF_LINE_CHARGES if adjustment.is_charge else _OF_LINE_ALLOWANCES
            )


def _of(adjustment: Adjustment, rules: tuple[str, str]) -> Iterator[tuple[str, Decimal]]:
    for_amount, for_base = rules
    yield for_amount, adjustment.amount
    if adjustment.base is not None:
        yield for_base, adjustment.base
