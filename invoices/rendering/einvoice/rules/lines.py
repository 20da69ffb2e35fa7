"""The lines: what was sold, in which unit, and what stands beside its price."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from common.money import ZERO
from invoices.rendering.document import Adjustment, DocumentLine, InvoiceDocument
from invoices.rendering.einvoice.rules.broken import BrokenRule, broken, is_blank
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes
from invoices.rendering.formatting import printable


def check_lines(document: InvoiceDocument) -> Iterator[BrokenRule]:
    """What people and programs read alike."""
    if not document.lines:
        yield from broken(_("It has no lines: discard the draft."), "BR-16")
    for line in document.lines:
        if is_blank(line.description):
            words = _("Line %(line)s has no description: discard the draft, correct the charge.")
            yield from broken(words % {"line": line.position}, "BR-25")
        if line.unit_price < ZERO:
            words = _(
                "Line %(line)s has a negative price: discard the draft and charge a negative"
                " quantity at a positive price."
            )
            yield from broken(words % {"line": line.position}, "BR-27")
        for adjustment in line.adjustments:
            if is_blank(adjustment.reason) and not adjustment.reason_code:
                words = _("An allowance or a charge on line %(line)s has no reason: enter one.")
                rules = ("BR-44", "BR-CO-24") if adjustment.is_charge else ("BR-42", "BR-CO-23")
                yield from broken(words % {"line": line.position}, *rules)
    for adjustment in document.adjustments:
        if is_blank(adjustment.reason) and not adjustment.reason_code:
            words = _("An allowance or a charge on the document has no reason: enter one.")
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
        words = _(
            "Line %(line)s has no unit code, such as C62 for pieces: discard the draft and correct"
            " the charge."
        )
        yield from broken(words % {"line": line.position}, "BR-23")
        return
    words = _(
        "Line %(line)s has “%(unit)s”, which is no unit code of UN/ECE Recommendation 20, such as"
        " C62 for pieces or HUR for hours: discard the draft and correct the charge."
    )
    yield from broken(words % {"line": line.position, "unit": line.unit_code}, "BR-CL-23")


def _check_standard_item(line: DocumentLine) -> Iterator[BrokenRule]:
    scheme = line.standard_item_scheme
    if not scheme:
        yield from broken(
            _(
                "Line %(line)s has a standard item number without the ISO 6523 code of its scheme,"
                " such as 0160 for a GTIN: discard the draft and correct the product."
            )
            % {"line": line.position},
            "BR-64",
        )
    elif scheme not in codes(CodeList.STANDARD_ITEM_SCHEMES):
        yield from broken(
            _(
                "Line %(line)s has “%(scheme)s”, which is no ISO 6523 code of a standard item"
                " number, such as 0160 for a GTIN: discard the draft and correct the product."
            )
            % {"line": line.position, "scheme": scheme},
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
            _(
                "“%(code)s” is no reason of an allowance or charge in UNTDID %(list)s: correct it,"
                " or say the reason in words."
            )
            % {"code": code, "list": number},
            rule,
        )
