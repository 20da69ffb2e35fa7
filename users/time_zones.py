"""Time zones as a form offers them: by part of the world, cities in the reader's language."""

from collections.abc import Sequence
from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_location
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

# One zone, or the zones of a part of the world.
Choices = Sequence[tuple[str, str | Sequence[tuple[str, str]]]]

UTC = "UTC"
# The first parts of the zones' names, in the order in which they are offered.
_PARTS: dict[str, Promise] = {
    "Africa": _("Africa"),
    "America": _("America"),
    "Antarctica": _("Antarctica"),
    "Arctic": _("Arctic"),
    "Asia": _("Asia"),
    "Atlantic": _("Atlantic"),
    "Australia": _("Australia"),
    "Europe": _("Europe"),
    "Indian": _("Indian Ocean"),
    "Pacific": _("Pacific"),
}


def time_zone_choices() -> Choices:
    """Every zone that is somewhere, for a select."""
    cities = _cities(get_language() or "en")
    return [
        (UTC, UTC),
        *((str(words), cities.get(part, ())) for part, words in _PARTS.items()),
    ]


def country_of(zone: str) -> str:
    """The country (ISO 3166-1) that a zone lies in; empty for UTC and the like."""
    found = get_global("zone_territories").get(zone, "")
    return found if len(found) == 2 and found.isalpha() else ""


@cache
def _cities(language: str) -> dict[str, list[tuple[str, str]]]:
    locale = Locale.parse(language, sep="-")
    found: dict[str, list[tuple[str, str]]] = {part: [] for part in _PARTS}
    for zone in available_timezones() & get_global("zone_territories").keys():
        part = zone.partition("/")[0]
        if part in found and country_of(zone):
            city = get_timezone_location(zone, locale=locale, return_city=True)
            found[part].append((zone, city))
    return {part: sorted(zones, key=lambda each: each[1]) for part, zones in found.items()}
