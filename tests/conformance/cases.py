"""Every kind of document that can exist, and a sample of them that covers each pair it can.

A case is a point on six axes: type, tax, currency, language, means of payment and features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product

from common.money import exponent

SAMPLE_SIZE = 60


class Kind(StrEnum):
    INVOICE = "invoice"
    CREDIT_OF_INVOICE = "credit-of-invoice"
    CREDIT_OF_PERIOD = "credit-of-period"


class Tax(StrEnum):
    STANDARD = "S"
    SEVERAL = "S-several"
    ZERO = "Z"
    SMALL_BUSINESS = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE = "O"


class Means(StrEnum):
    SEPA_TRANSFER = "sepa-transfer"
    OTHER_TRANSFER = "other-transfer"
    SEPA_DEBIT = "sepa-debit"
    CARD = "card"
    NONE = "no-means"


class Feature(StrEnum):
    PLAIN = "plain"
    ALLOWANCES = "allowances"
    NEGATIVE_LINE = "negative-line"
    PREPAID_PARTLY = "prepaid-partly"
    PREPAID_FULLY = "prepaid-fully"
    ROUNDING = "rounding"
    LONG_TABLE = "long-table"
    PERIODS = "periods"
    DELIVERY = "delivery"
    NOTES = "notes"
    REFERENCES = "references"
    SCRIPTS = "scripts"
    LONGEST_TEXTS = "longest-texts"


CURRENCIES = ("EUR", "GBP", "JPY", "USD")
LANGUAGES = ("en-GB", "de", "fr")
# A currency with three decimals, for which EN 16931 has no room.
WITHOUT_XML = "KWD"
_ONLY_EUROS = {Means.SEPA_TRANSFER, Means.SEPA_DEBIT}
_ONLY_INVOICES = {Feature.PREPAID_PARTLY, Feature.PREPAID_FULLY, Feature.ROUNDING}


@dataclass(frozen=True, slots=True)
class Case:
    number: int
    kind: Kind
    tax: Tax
    currency: str
    language: str
    means: Means
    features: tuple[Feature, ...]

    @property
    def name(self) -> str:
        axes = (self.kind, self.tax, self.currency, self.language, self.means, *self.features)
        return f"{self.number:03d}-" + "-".join(axes)

    def pairs(self) -> set[tuple[str, str]]:
        axes = (self.kind, self.tax, self.currency, self.language, self.means, *self.features)
        # By itself too, so that a value counts that stands with nothing new.
        return {*combinations(axes, 2), *((axis, "") for axis in axes)}

    def has(self, feature: Feature) -> bool:
        return feature in self.features


# --- Which there are ------------------------------------------------------------------------------


def all_cases() -> list[Case]:
    """Every combination of the first five axes that can exist; features take turns on them."""
    axes = [
        *product(Kind, Tax, CURRENCIES, LANGUAGES, Means),
        *product(Kind, (Tax.STANDARD, Tax.OUTSIDE), (WITHOUT_XML,), LANGUAGES, Means),
    ]
    cases: list[Case] = []
    for kind, tax, currency, language, means in axes:
        if _can_exist(kind, currency, means):
            number = len(cases)
            features = _features(number, kind, currency, means)
            cases.append(Case(number, kind, tax, currency, language, means, features))
    return cases


def sample(cases: Sequence[Case], size: int = SAMPLE_SIZE) -> list[Case]:
    """Each time the case with most pairs of values that are not in the sample yet."""
    left, chosen, seen = list(cases), list[Case](), set[tuple[str, str]]()
    while len(chosen) < size:
        best = max(left, key=lambda case: len(case.pairs() - seen))
        left.remove(best)
        chosen.append(best)
        seen |= best.pairs()
    return chosen


def _can_exist(kind: Kind, currency: str, means: Means) -> bool:
    if kind is not Kind.INVOICE and means is not Means.NONE:
        return False
    return currency == "EUR" or means not in _ONLY_EUROS


def _features(number: int, kind: Kind, currency: str, means: Means) -> tuple[Feature, ...]:
    """One feature a case in turn, and a second one that goes by more slowly."""
    possible = [f for f in Feature if _is_possible(f, kind, currency, means)]
    first = possible[number % len(possible)]
    second = possible[(number // len(possible)) % len(possible)]
    both = {first, second}
    if len(both) > 1:
        both.discard(Feature.PLAIN)
    if both == {Feature.PREPAID_FULLY, Feature.ROUNDING}:
        both.discard(Feature.ROUNDING)
    return tuple(feature for feature in Feature if feature in both)


def _is_possible(feature: Feature, kind: Kind, currency: str, means: Means) -> bool:
    if kind is not Kind.INVOICE and feature in _ONLY_INVOICES:
        return False
    if feature is Feature.PREPAID_FULLY:
        # Nothing is left to pay by any means.
        return means is Means.NONE
    return feature is not Feature.ROUNDING or exponent(currency) == 2
