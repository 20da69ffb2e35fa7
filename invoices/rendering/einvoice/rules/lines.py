"""The lines: what was sold, in which unit, and what stands beside its price."""

from collections.abc import Iterator

from common.money import ZERO
from invoices.rendering.document import Adjustment, DocumentLine, InvoiceDocument
from invoices.rendering.einvoice.rules.broken import BrokenRule, broken, is_blank
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes
from invoices.rendering.formatting import printable


def check_lines(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """What people and programs read alike."""
    if not document.lines:
        yield from broken("It has no lines: discard the draft.", "BR-16")
    for line in document.lines:
        number = line.position
        if is_blank(line.description):
            words = f"Line {number} has no description: discard the draft, correct the charge."
            yield from broken(words, "BR-25")
        if line.unit_price < ZERO:
            words = (
                f"Line {number} has a negative price: discard the draft and charge a negative"
                " quantity at a positive price."
            )
            yield from broken(words, "BR-27")
        for adjustment in line.adjustments:
            if is_blank(adjustment.reason) and not adjustment.reason_code:
                words = f"An allowance or a charge on line {number} has no reason: enter one."
                rules = ("BR-44", "BR-CO-24") if adjustment.is_charge else ("BR-42", "BR-CO-23")
                yield from broken(words, *rules)
    for adjustment in document.adjustments:
        if is_blank(adjustment.reason) and not adjustment.reason_code:
            words = "An allowance or a charge on the document has no reason: enter one."
            rules = ("BR-38", "BR-CO-22") if adjustment.is_charge else ("BR-33", "BR-CO-21")
            yield from broken(words, *rules)


def check_codes_of_lines(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """Units, standard numbers and reasons as programs read them."""
    units = codes(CodeList.UNITS)
    for line in document.lines:
        if line.unit_code not in units:
            yield from _unknown_unit(line)
        if printable(line.standard_item_id).strip():
            yield from _check_standard_item(line)
        for adjustment in line.adjustments:
            yield from _check_reason_code(adjustment)
    for adjustment in document.adjustments:
        yield from _check_reason_code(adjustment)


def _unknown_unit(line: DocumentLine) -> Iterator[BrokenRule]:
    if is_blank(line.unit_code):
        words = (
            f"Line {line.position} has no unit code, such as C62 for pieces: discard the draft and"
            " correct the charge."
        )
        yield from broken(words, "BR-23")
        return
    words = (
        f"Line {line.position} has “{line.unit_code}”, which is no unit code of UN/ECE"
        " Recommendation 20, such as C62 for pieces or HUR for hours: discard the draft and"
        " correct the charge."
    )
    yield from broken(words, "BR-CL-23")


def _check_standard_item(line: DocumentLine) -> Iterator[BrokenRule]:
    scheme = line.standard_item_scheme
    if not scheme:
        yield from broken(
            f"Line {line.position} has a standard item number without the ISO 6523 code of its"
            " scheme, such as 0160 for a GTIN: discard the draft and correct the product.",
            "BR-64",
        )
    elif scheme not in codes(CodeList.STANDARD_ITEM_SCHEMES):
        yield from broken(
            f"Line {line.position} has “{scheme}”, which is no ISO 6523 code of a standard item"
            " number, such as 0160 for a GTIN: discard the draft and correct the product.",
            "BR-CL-21",
        )


def _check_reason_code(adjustment: Adjustment) -> Iterator[BrokenRule]:
    code = adjustment.reason_code
    if adjustment.is_charge:
        known, number, rule = codes(CodeList.CHARGE_REASONS), "7161", "BR-CL-20"
    else:
        known, number, rule = codes(CodeList.ALLOWANCE_REASONS), "5189", "BR-CL-19"
    if code and code not in known:
        yield from broken(
            f"“{code}” is no reason of an allowance or charge in UNTDID {number}: correct it, or"
            " say the reason in words.",
            rule,
        )
