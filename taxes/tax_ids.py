"""Tax numbers: written one way, and checked as far as that goes without asking a tax office.

A right format and check digit show that a number was not mistyped, not that it exists: the law asks
for the tax office's confirmation (Regulation 282/2011, Art. 18; for goods Directive 2006/112/EC,
Art. 138(1)(b)). So a well-formed number is UNCHECKED until somebody has confirmed it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

from stdnum.ch import uid as swiss_business_number
from stdnum.eu import oss as one_stop_shop
from stdnum.exceptions import ValidationError
from stdnum.no import orgnr as norwegian_business_number
from stdnum.util import get_cc_module

from taxes.territories import is_known
from taxes.vocabulary import TaxNumberStatus

# What the columns hold; no tax number comes near it.
MAX_LENGTH: Final = 40

_COUNTRY_OF_PREFIX = {"EL": "GR"}
_PREFIX_OF_COUNTRY = {"GR": "EL"}
# The tax offices of Monaco and the Isle of Man issue numbers of the country they belong to.
_ISSUER_FOR = {"MC": "FR", "IM": "GB"}


class _Rules(Protocol):
    def validate(self, number: str) -> str:
        """The number in its shortest form. Raises stdnum's ValidationError."""


# Numbers that a business has whether or not it is registered for tax: good enough to identify it.
_BUSINESS_NUMBERS: dict[str, _Rules] = {
    "CH": swiss_business_number,
    "NO": norwegian_business_number,
}


@dataclass(frozen=True, kw_only=True)
class TaxNumber:
    """``normalised`` begins with its country's prefix, as EN 16931 BR-CO-09 wants it."""

    normalised: str
    status: TaxNumberStatus


def check_tax_number(text: str, *, country: str, confirmed: bool = False) -> TaxNumber:
    """Normalise what somebody typed as the tax number of a party in ``country`` (ISO 3166-1).

    NONE for an empty text, INVALID for what cannot be one, VALID for one that is well formed and
    ``confirmed`` with the tax office, else UNCHECKED. A number of another country is checked by
    that country's rules. Where no rule is known, any number is UNCHECKED until it is confirmed.
    """
    compact = _compact(text)
    if not compact:
        return TaxNumber(normalised="", status=TaxNumberStatus.NONE)
    prefix = compact[:2]
    home, stated = _ISSUER_FOR.get(country, country), _COUNTRY_OF_PREFIX.get(prefix, prefix)
    issuers = ["XI"] if stated == "XI" else [home, stated]
    well_formed = next((found for each in issuers if (found := _in_form(compact, each))), "")
    if not (well_formed or any(map(_rules, issuers))):
        well_formed = _with_prefix(compact, home)
    if not well_formed or len(well_formed) > MAX_LENGTH or not well_formed.isascii():
        return TaxNumber(normalised=compact[:MAX_LENGTH], status=TaxNumberStatus.INVALID)
    status = TaxNumberStatus.VALID if confirmed else TaxNumberStatus.UNCHECKED
    return TaxNumber(normalised=well_formed, status=status)


def in_form(text: str, country: str) -> str | None:
    """``text`` as ``check_tax_number`` writes it; None where it says INVALID."""
    found = check_tax_number(text, country=country)
    return None if found.status == TaxNumberStatus.INVALID else found.normalised


def check_non_union_number(text: str) -> TaxNumber:
    """Like ``check_tax_number`` for a seller's number in the non-Union One Stop Shop (EU…)."""
    compact = _compact(text)
    if not compact:
        return TaxNumber(normalised="", status=TaxNumberStatus.NONE)
    fits = compact.startswith("EU") and one_stop_shop.is_valid(compact)
    status = TaxNumberStatus.UNCHECKED if fits else TaxNumberStatus.INVALID
    return TaxNumber(normalised=compact[:MAX_LENGTH], status=status)


def _compact(text: str) -> str:
    """Without the blanks, dots and dashes that people write, which differ and mean nothing."""
    return "".join(filter(str.isalnum, text.upper()))


def _with_prefix(number: str, country: str) -> str:
    prefix = _PREFIX_OF_COUNTRY.get(country, country)
    return number if number.startswith(prefix) else prefix + number


def _in_form(compact: str, country: str) -> str:
    """The number in the one form that ``country`` gives it, or "" if it issues none like it."""
    for rules in _rules(country):
        try:
            # Northern Ireland's are British numbers under a prefix that British rules do not know.
            return _with_prefix(rules.validate(compact.removeprefix("XI")), country)
        except ValidationError:
            continue
    return ""


@cache
def _rules(country: str) -> tuple[_Rules, ...]:
    if not is_known(country):
        return ()
    rules = get_cc_module("GB" if country == "XI" else country, "vat")
    found = (rules, _BUSINESS_NUMBERS.get(country))
    return tuple(each for each in found if each is not None)
