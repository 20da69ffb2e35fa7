"""Template filters: money, quantities and dates as the reader's language writes them (CLDR)."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_time, get_datetime_format
from django import template
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import get_language

from invoices.parties import PostalAddress
from invoices.rendering.formatting import Formats, find_locale, formats_for
from invoices.rendering.wording import LANGUAGES, wording_for

register = template.Library()


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """£1,234.50, 1.234,50 €."""
    return _formats(currency).money(amount)


@register.filter
def unit_price(amount: Decimal, currency: str) -> str:
    """With as many decimals as the price has, at least the currency's."""
    return _formats(currency).unit_price(amount)


@register.filter
def quantity(value: Decimal) -> str:
    return _formats().quantity(value)


@register.filter
def percent(value: Decimal) -> str:
    return _formats().percent(value)


@register.filter
def unit(code: str, quantity: Decimal) -> str:
    """The word beside a quantity; a code that no language has a word for stands for itself."""
    return wording_for(_locale().language).unit(code, quantity=quantity)


@register.filter
def address_lines(address: PostalAddress) -> tuple[str, ...]:
    """In the order of the address's own country, the country's name in the reader's language."""
    return _formats().address_lines(address)


@register.filter
def is_iban(account_id: str) -> bool:
    """Whether a bank account is written as an IBAN, which starts with its country's letters."""
    return account_id[:2].isalpha()


@register.filter
def day(value: date | None) -> str:
    """3 December 2026, of a moment the reader's day; nothing for None."""
    return "" if value is None else format_date(_here(value), format="long", locale=_locale())


@register.filter
def short_day(value: date | None) -> str:
    """3 Dec 2026, of a moment the reader's day; nothing for None."""
    return "" if value is None else format_date(_here(value), format="medium", locale=_locale())


@register.filter
def period(start: date, end: date) -> str:
    """1 – 31 Dec 2026; ``end`` is the first day after it, as periods are stored."""
    return _formats().period(start, end - timedelta(days=1))


@register.filter
def moment(value: datetime | None) -> str:
    """3 Dec 2026, 14:05 in the reader's time zone; nothing for None."""
    if value is None:
        return ""
    locale, here = _locale(), timezone.localtime(value)
    day = format_date(here, format="medium", locale=locale)
    time = format_time(here, format="short", locale=locale)
    return str(get_datetime_format("medium", locale=locale)).format(time, day)


@register.filter
def file_size(size: int | None) -> str:
    return filesizeformat(size or 0)


def _here(value: date) -> date:
    """A moment in the reader's time zone; a day is one everywhere."""
    if isinstance(value, datetime) and timezone.is_aware(value):
        return timezone.localtime(value)
    return value


def _locale() -> Locale:
    return find_locale(get_language() or "en", languages=LANGUAGES)


def _formats(currency: str = "EUR") -> Formats:
    return formats_for(_locale(), currency=currency)
