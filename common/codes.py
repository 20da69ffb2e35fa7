"""Codes that other people keep lists of: countries, currencies, time zones, languages.

The ``known_…`` functions are validators for model fields; each says what was expected instead.
"""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from django.conf import settings
from django.core.exceptions import ValidationError
from django_countries.data import COUNTRIES


def is_country(code: str) -> bool:
    """Whether ``code`` is one of ISO 3166-1 alpha-2, as it is written there: capitals."""
    return code in COUNTRIES


def is_currency(code: str) -> bool:
    """Whether ``code`` is, or once was, money somewhere (ISO 4217).

    By CLDR; gold, testing codes and bond units are no money one can be invoiced in.
    """
    return code in _currencies()


def known_country(code: str) -> None:
    if not is_country(code):
        raise ValidationError(f"“{code}” is not a country code of ISO 3166-1 such as GB.")


def known_currency(code: str) -> None:
    if not is_currency(code):
        raise ValidationError(f"“{code}” is not a currency code of ISO 4217 such as EUR.")


def known_time_zone(name: str) -> None:
    """One that ``ZoneInfo`` finds on this machine."""
    if name not in _time_zones():
        raise ValidationError(f"“{name}” is not a time zone such as Europe/Berlin.")


def zone_named(name: str) -> ZoneInfo:
    """A zone that the installed tables do not know (renamed since it was chosen) becomes UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def known_locale(name: str) -> None:
    """A language of ``LANGUAGES``, or a region's way of writing one: ``en``, ``de-AT``."""
    languages = [code for code, _ in settings.LANGUAGES]
    try:
        language = Locale.parse(name, sep="-").language
    except (ValueError, UnknownLocaleError):
        language = ""
    if language not in languages:
        raise ValidationError(
            f"“{name}” is not a language that documents are written in: {', '.join(languages)},"
            " or one of these with a region, such as de-AT."
        )


@cache
def _currencies() -> frozenset[str]:
    periods = get_global("territory_currencies").values()
    return frozenset(code for period in periods for code, _, _, is_tender in period if is_tender)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())
