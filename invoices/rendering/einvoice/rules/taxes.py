"""Tax: one family of rules for each category, alike in what their numbers say (BR-S-01, BR-Z-01 …).

-01 and -08: the breakdown says what lines, allowances and charges add up to. -02 to -04: who must
be identified for it, by lines, allowances and charges. -05 to -07: the rate, of the same. -09: the
tax. -10: why there is none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.translation import override

from common.money import ZERO, round_money
from invoices.parties import Party
from invoices.rendering.document import Adjustment, InvoiceDocument, TaxBreakdown
from invoices.rendering.einvoice.identifiers import is_vat_identifier
from invoices.rendering.einvoice.rules.broken import BrokenRule, broken, is_blank
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes
from taxes.vocabulary import TaxCategory

# What lines and adjustments must share to be taxed together: category and rate.
Group = tuple[str, Decimal]

_PER_CENT: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class _Family:
    """The rules of one category. What its tax is follows from its rate, which is zero but for S."""

    letters: str
    has_rate: bool = False
    gives_reason: bool = True
    seller_by_vat_number_only: bool = False
    customer_by_vat_number: bool = False
    customer_by_register: bool = False
    nobody_by_vat_number: bool = False


_FAMILIES: Final[Mapping[str, _Family]] = {
    TaxCategory.STANDARD: _Family("S", has_rate=True, gives_reason=False),
    TaxCategory.ZERO: _Family("Z", gives_reason=False),
    TaxCategory.EXEMPT: _Family("E"),
    TaxCategory.REVERSE_CHARGE: _Family(
        "AE", customer_by_vat_number=True, customer_by_register=True
    ),
    TaxCategory.INTRA_COMMUNITY: _Family(
        "IC", seller_by_vat_number_only=True, customer_by_vat_number=True
    ),
    TaxCategory.EXPORT: _Family("G", seller_by_vat_number_only=True),
    TaxCategory.OUTSIDE_SCOPE: _Family("O", nobody_by_vat_number=True),
}


@dataclass(frozen=True, slots=True)
class _Use:
    """Where a document uses categories: in its lines, its allowances or its charges."""

    categories: frozenset[str]
    groups: frozenset[Group]
    identified_by: str  # number of the rule on who must be identified
    rated_by: str  # number of the rule on the rate
    unknown_category: str
    stands_alone: str  # rule on other categories beside O


def check_taxes(document: InvoiceDocument) -> Iterator[BrokenRule]:
    sums = _sums(document)
    uses = tuple(_uses(document))
    yield from _check_known(document, uses)
    for use in uses:
        for category in sorted(use.categories & _FAMILIES.keys()):
            yield from _check_identified(document, category, use)
        yield from _check_rates(use)
    yield from _check_breakdown(document, sums)
    for part in document.tax_breakdown:
        yield from _check_tax(part, currency=document.currency)
        yield from _check_reason(part)
    yield from _check_intra_community(document)
    yield from _check_alone(document, uses)


def _uses(document: InvoiceDocument) -> Iterator[_Use]:
    of_lines = {(line.tax_category, line.tax_rate) for line in document.lines}
    yield _use(of_lines, "02", "05", "BR-CL-18", "BR-O-12")
    allowances = [each for each in document.adjustments if not each.is_charge]
    yield _use(map(_group, allowances), "03", "06", "BR-CL-17", "BR-O-13")
    charges = [each for each in document.adjustments if each.is_charge]
    yield _use(map(_group, charges), "04", "07", "BR-CL-17", "BR-O-14")


def _use(groups: Iterable[Group], identified: str, rated: str, unknown: str, alone: str) -> _Use:
    distinct = frozenset(groups)
    categories = frozenset(category for category, _rate in distinct)
    return _Use(categories, distinct, identified, rated, unknown, alone)


def _group(adjustment: Adjustment) -> Group:
    return adjustment.tax_category, adjustment.tax_rate


def _check_known(document: InvoiceDocument, uses: Iterable[_Use]) -> Iterator[BrokenRule]:
    found = [(category, use.unknown_category) for use in uses for category in use.categories]
    found += [(part.category, "BR-CL-17") for part in document.tax_breakdown]
    for category, rule in dict.fromkeys(found):
        if category not in _FAMILIES:
            yield from broken(
                f"“{category}” is no tax category: discard the draft and run billing again.",
                rule,
            )
    for part in document.tax_breakdown:
        if part.exemption_code and part.exemption_code not in codes(CodeList.EXEMPTION_REASONS):
            yield from broken(
                f"“{part.exemption_code}” is no VATEX code for why there is no tax: discard the"
                " draft and run billing again.",
                "BR-CL-22",
            )


def _check_identified(document: InvoiceDocument, category: str, use: _Use) -> Iterator[BrokenRule]:
    family = _FAMILIES[category]
    rule = f"BR-{family.letters}-{use.identified_by}"
    seller, buyer = document.seller, document.buyer
    if family.nobody_by_vat_number:
        if is_vat_identifier(seller.tax_number) or buyer.tax_number:
            yield from broken(
                f"“{_named(category)}” allows no VAT number of the seller or the customer on the"
                " document: discard the draft and run billing again.",
                rule,
            )
        return
    if not _is_identified(seller, by_vat_number_only=family.seller_by_vat_number_only):
        yield from broken(
            f"“{_named(category)}” needs a VAT number of the seller: record one among the seller’s"
            " tax registrations.",
            rule,
        )
    if family.customer_by_vat_number and not (
        buyer.tax_number or (family.customer_by_register and buyer.registration_id)
    ):
        yield from broken(
            f"“{_named(category)}” needs a VAT number of the customer: enter one among the"
            " account’s details or those of the billing contact.",
            rule,
        )


def _is_identified(seller: Party, *, by_vat_number_only: bool) -> bool:
    if is_vat_identifier(seller.tax_number):
        return True
    return not by_vat_number_only and bool(seller.tax_number or seller.tax_registration)


def _check_rates(use: _Use) -> Iterator[BrokenRule]:
    for category, rate in sorted(use.groups):
        family = _FAMILIES.get(category)
        if family is None or (rate > ZERO if family.has_rate else rate == ZERO):
            continue
        yield from broken(
            f"{rate.normalize():f} % is no rate for “{_named(category)}”: discard the draft and"
            " run billing again.",
            f"BR-{family.letters}-{use.rated_by}",
        )


def _sums(document: InvoiceDocument) -> dict[Group, Decimal]:
    sums: dict[Group, Decimal] = {}
    for line in document.lines:
        group = (line.tax_category, line.tax_rate)
        sums[group] = sums.get(group, ZERO) + line.net
    for each in document.adjustments:
        sign = 1 if each.is_charge else -1
        sums[_group(each)] = sums.get(_group(each), ZERO) + sign * each.amount
    return sums


def _check_breakdown(
    document: InvoiceDocument, sums: Mapping[Group, Decimal]
) -> Iterator[BrokenRule]:
    parts = [(part.category, part.rate) for part in document.tax_breakdown]
    if not parts:
        yield from broken("It has no tax breakdown: discard the draft.", "BR-CO-18")
    stated = {category for category, _rate in parts}
    for category in dict.fromkeys(category for category, _rate in [*sums, *parts]):
        family = _FAMILIES.get(category)
        if family is None:
            continue
        has_any = any(used == category for used, _rate in sums)
        once = family.has_rate or sum(used == category for used, _rate in parts) == 1
        if category not in stated or not has_any or not once:
            yield from _broken_breakdown(category, f"BR-{family.letters}-01")
    for part in document.tax_breakdown:
        family = _FAMILIES.get(part.category)
        if family and sums.get((part.category, part.rate)) != part.taxable:
            yield from _broken_breakdown(part.category, f"BR-{family.letters}-08")
    for category, rate in sums:
        if category == TaxCategory.STANDARD in stated and (category, rate) not in parts:
            yield from _broken_breakdown(category, "BR-S-08")


def _broken_breakdown(category: str, rule: str) -> Iterator[BrokenRule]:
    words = (
        f"The tax breakdown does not say what the lines under “{_named(category)}” add up to:"
        " discard the draft and run billing again."
    )
    yield from broken(words, rule)


def _check_tax(part: TaxBreakdown, *, currency: str) -> Iterator[BrokenRule]:
    family = _FAMILIES.get(part.category)
    expected = round_money(part.taxable * part.rate / _PER_CENT, currency=currency)
    rules = ["BR-CO-17"] if part.tax != expected else []
    if family and part.tax != (expected if family.has_rate else ZERO):
        rules.append(f"BR-{family.letters}-09")
    if rules:
        rate = f"{part.rate.normalize():f}"
        words = f"The tax of {rate} % is wrong: discard the draft and run billing again."
        yield from broken(words, *rules)


def _check_reason(part: TaxBreakdown) -> Iterator[BrokenRule]:
    family = _FAMILIES.get(part.category)
    if family is None:
        return
    is_given = bool(part.exemption_code) or not is_blank(part.exemption_text)
    if is_given is family.gives_reason:
        return
    category = _named(part.category)
    words = (
        f"“{category}” needs a reason why there is no tax: run billing again."
        if family.gives_reason
        else f"“{category}” allows no reason why there were no tax: run billing again."
    )
    yield from broken(words, f"BR-{family.letters}-10")


def _check_intra_community(document: InvoiceDocument) -> Iterator[BrokenRule]:
    if all(part.category != TaxCategory.INTRA_COMMUNITY for part in document.tax_breakdown):
        return
    if document.delivery_date is None and document.period is None:
        yield from broken(
            "An intra-Community supply needs its delivery date or the period that it is invoiced"
            " for: discard the draft and run billing again.",
            "BR-IC-11",
        )
    if document.deliver_to is None:
        yield from broken(
            "An intra-Community supply needs the address that it went to: discard the draft and run"
            " billing again.",
            "BR-IC-12",
        )


def _check_alone(document: InvoiceDocument, uses: Iterable[_Use]) -> Iterator[BrokenRule]:
    """What is not subject to VAT stands on a document of its own."""
    outside = TaxCategory.OUTSIDE_SCOPE
    stated = {part.category for part in document.tax_breakdown}
    if outside not in stated:
        return
    found = [use.stands_alone for use in uses if use.categories - {outside}]
    if stated - {outside}:
        found.insert(0, "BR-O-11")
    yield from broken(
        "Lines that are not subject to VAT stand together with others: discard the draft and run"
        " billing again.",
        *found,
    )


def _named(category: str) -> str:
    """A category in English, whatever language is active: so is the sentence around it."""
    with override("en"):
        return str(TaxCategory(category).label)
