"""Telephone numbers that get codes: read as people type them, kept as E.164, shown by their end."""

from dataclasses import dataclass

import phonenumbers
from babel import Locale
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from common.exceptions import DomainError

# What can be a mobile phone: in North America, the two kinds cannot be told apart.
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# Of machines (M2M), which nobody reads, though they count as mobile: 097 in the Netherlands.
_MACHINES = ("+3197",)
# Whom each form is for stands in 0148.
_MASKED_DIGITS = 4
_ENDING_DIGITS = 2
_RANGE_LENGTH = 6


class NumberUnusable(DomainError):
    """No text message goes there."""


class NotANumber(NumberUnusable):
    def __init__(self) -> None:
        super().__init__(_("Enter a mobile number, such as +44 7700 900123."))


class NotMobile(NumberUnusable):
    def __init__(self) -> None:
        super().__init__(_("Enter the number of a mobile phone. This one is of another kind."))


class CountryNotServed(NumberUnusable):
    def __init__(self, country: str) -> None:
        words = _("We do not send text messages to numbers in %(country)s.")
        unknown = _("this country")
        super().__init__(words % {"country": country_name(country) if country else unknown})


@dataclass(frozen=True, slots=True)
class MobileNumber:
    """``e164`` as "+447700900123"; ``country`` is ISO 3166-1 alpha-2."""

    e164: str
    country: str


def mobile_number(text: str, *, country: str = "") -> MobileNumber:
    """``text`` as a number that is sent messages; without a plus it is one of ``country``.

    A number must be of a range that is in use: messages to others may cost a multiple, and go
    nowhere. Raises NumberUnusable, of a kind each.
    """
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        raise NotANumber from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise NotANumber
    found = phonenumbers.region_code_for_number(number) or ""
    if found not in settings.SMS_COUNTRIES:
        # Such as "001", which is none.
        raise CountryNotServed(found if found.isalpha() else "")
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if phonenumbers.number_type(number) not in _MOBILE or e164.startswith(_MACHINES):
        raise NotMobile
    return MobileNumber(e164, found)


def masked(number: str) -> str:
    """For its person once they have signed in, for staff, and for logs: by its last four digits."""
    return f"•••• {number[-_MASKED_DIGITS:]}"


def named(number: str) -> str:
    """As ``masked``, for a sentence: "Phone ending in 3456"."""
    return _("Phone ending in %(digits)s") % {"digits": number[-_MASKED_DIGITS:]}


def ending(number: str) -> str:
    """Where a code is asked for: its person knows it again, and nobody else can ring it."""
    return number[-_ENDING_DIGITS:]


def with_range(number: str) -> str:
    """For staff who look for fraud: also what it starts with."""
    return f"{number[:_RANGE_LENGTH]}{masked(number)}"


def spaced(number: str) -> str:
    """As people write it: "+44 7700 900123"."""
    parsed = phonenumbers.parse(number)
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)


def country_name(country: str) -> str:
    """In the reader's language."""
    known = Locale.parse(get_language() or "en", sep="-").territories
    name: str = known.get(country, country)
    return name


def calling_code(country: str) -> str:
    """What numbers of ``country`` start with, such as "+44"."""
    return f"+{phonenumbers.country_code_for_region(country)}"
