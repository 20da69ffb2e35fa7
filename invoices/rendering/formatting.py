"""Money, numbers, dates and addresses as the reader's locale writes them (Unicode CLDR)."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval
from babel.numbers import NumberPattern, format_decimal, get_currency_symbol, parse_pattern

from accounts.addresses import city_lines
from common.money import exponent
from invoices.parties import PostalAddress

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
# As wide as a figure and read aloud as "minus", which a hyphen is not.
MINUS = "\N{MINUS SIGN}"

# What a document is written in when there are no words for its language, so that words and
# formats always go together; and what a language alone means where regions differ in date order.
FALLBACK_LOCALE = "en_GB"
_USUAL_REGION = {"en": "en_GB"}

# Quantities and unit prices are numeric(20,8).
_MOST_DECIMALS = 8

# Overriding the direction of what follows could make a name rewrite the line it stands in.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")

# The placeholder for the number in a CLDR pattern.
_DIGITS = re.compile(r"[#,0.]+")


def printable(text: str) -> str:
    """``text`` without the control characters that no page can show."""
    return _INVISIBLE.sub("", text)


@lru_cache(maxsize=64)
def find_locale(identifier: str, *, languages: frozenset[str]) -> Locale:
    """The CLDR locale for ``identifier`` if its language is among ``languages``, else the fallback.

    Takes BCP 47 and POSIX spellings. A region that CLDR does not know leaves the language.
    """
    candidate = identifier.replace("-", "_")
    language = candidate.partition("_")[0].lower()
    if language not in languages:
        return Locale.parse(FALLBACK_LOCALE)
    try:
        return Locale.parse(_USUAL_REGION.get(candidate, candidate))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(_USUAL_REGION.get(language, language))


@dataclass(frozen=True)
class Formats:
    """Everything that depends on locale and currency, kept per pair by :func:`formats_for`."""

    locale: Locale
    currency: str
    _amount: NumberPattern
    _price: NumberPattern
    _quantity: NumberPattern
    _money: str

    def amount(self, value: Decimal) -> str:
        """At the currency's exponent, without its symbol: for columns that name the currency."""
        return self._number(value, self._amount)

    def money(self, value: Decimal) -> str:
        """With the currency's symbol where the locale puts it, the minus before both."""
        text = self._money.format(self._number(abs(value), self._amount))
        return MINUS + text if value < 0 else text

    def unit_price(self, value: Decimal) -> str:
        """With at least the currency's decimals, and as many more as the price has."""
        return self._number(value, self._price)

    def quantity(self, value: Decimal) -> str:
        return self._number(value, self._quantity)

    def percent(self, value: Decimal) -> str:
        """17.5 becomes "17.5%" or "17,5 %"."""
        pattern: str = self.locale.percent_formats[None].pattern
        return _DIGITS.sub("{}", pattern, count=1).format(self.quantity(value))

    def _number(self, value: Decimal, pattern: NumberPattern) -> str:
        text = format_decimal(value, format=pattern, locale=self.locale)
        return text.replace("-", MINUS)

    def day(self, value: date) -> str:
        """In full: "3 December 2010"."""
        return format_date(value, format="long", locale=self.locale)

    def short_day(self, value: date) -> str:
        """For columns and sentences: "3 Dec 2010"."""
        return format_date(value, format="medium", locale=self.locale)

    def period(self, start: date, last_day: date) -> str:
        """Both days included: "1-31 Dec 2010"."""
        return _interval(start, last_day, self.locale)

    def country(self, code: str) -> str:
        """The country's name in the document's language."""
        name: str = self.locale.territories.get(code, code)
        return name

    def address_lines(self, address: PostalAddress) -> tuple[str, ...]:
        """The address in the order of its own country, the country's name last."""
        below_the_street = city_lines(
            address.country,
            postcode=address.postcode,
            city=address.city,
            subdivision=address.subdivision,
        )
        return (*address.lines, *below_the_street, self.country(address.country))


@lru_cache(maxsize=64)
def formats_for(locale: Locale, *, currency: str) -> Formats:
    decimals = exponent(currency)
    return Formats(
        locale=locale,
        currency=currency,
        _amount=_decimal_pattern(locale, decimals, decimals),
        _price=_decimal_pattern(locale, decimals, _MOST_DECIMALS),
        _quantity=_decimal_pattern(locale, 0, _MOST_DECIMALS),
        _money=_money_template(locale, currency),
    )


def _decimal_pattern(locale: Locale, fewest: int, most: int) -> NumberPattern:
    whole, _, _ = locale.decimal_formats[None].pattern.partition(".")
    decimals = "0" * fewest + "#" * (most - fewest)
    return parse_pattern(f"{whole}.{decimals}" if decimals else whole)


def _money_template(locale: Locale, currency: str) -> str:
    """Where the currency's sign goes around a number: "£{}", "{} €".

    A sign of letters keeps a space from the digits (CLDR currencySpacing, which Babel leaves out).
    """
    pattern = locale.currency_formats["standard"].pattern.partition(";")[0]
    symbol = get_currency_symbol(currency, locale=locale)
    before, _, after = _DIGITS.sub("\0", pattern, count=1).partition("\0")
    before, after = before.replace("¤", symbol), after.replace("¤", symbol)
    if before[-1:].isalpha():
        before += NO_BREAK_SPACE
    if after[:1].isalpha():
        after = NO_BREAK_SPACE + after
    return f"{before}{{}}{after}"


@lru_cache(maxsize=1024)
def _interval(start: date, last_day: date, locale: Locale) -> str:
    return format_interval(start, last_day, "yMMMd", locale=locale)
