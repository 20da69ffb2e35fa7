"""Where a place lies for tax: tax areas, the EU's members by date, parts with rules of their own.

A *territory* is a code of ISO 3166-1 alpha-2, one of the codes that the EU or ISO reserves beside
them (XI Northern Ireland, IC Canary Islands, EA Ceuta and Melilla), or one of ours for five places
that have none. A *tax area* is the country whose tax is in force there, always two letters.

Not modelled: rates of regions inside an area (Azores, Madeira, Jungholz and Mittelberg, Corsica,
Aegean islands) and the British bases on Cyprus, which have no code.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from babel import Locale

HELIGOLAND: Final = "DE-HELIGOLAND"
BUESINGEN: Final = "DE-BUESINGEN"
LIVIGNO: Final = "IT-LIVIGNO"
CAMPIONE: Final = "IT-CAMPIONE"
ATHOS: Final = "GR-ATHOS"

# Names for the middle of a sentence, and those that CLDR lacks.
_NAMES_OF_OUR_OWN = {
    "AE": "the United Arab Emirates",
    "AX": "the Åland Islands",
    "FO": "the Faroe Islands",
    "GB": "the United Kingdom",
    "IC": "the Canary Islands",
    "IM": "the Isle of Man",
    "NL": "the Netherlands",
    "PH": "the Philippines",
    "US": "the United States",
    "XI": "Northern Ireland",
    HELIGOLAND: "Heligoland",
    BUESINGEN: "Büsingen",
    LIVIGNO: "Livigno",
    CAMPIONE: "Campione d'Italia",
    ATHOS: "Mount Athos",
}

# Directive 2006/112/EC, Art. 5 and 6, and the countries' own law: what lies under a country's
# postal code and outside its tax area. First match wins.
_BY_POSTAL_CODE: dict[str, tuple[tuple[str, str], ...]] = {
    "DE": (("27498", HELIGOLAND), ("78266", BUESINGEN)),
    "DK": (("39", "GL"),),
    "ES": (("35", "IC"), ("38", "IC"), ("51", "EA"), ("52", "EA")),
    "FI": (("22", "AX"),),
    "FR": (
        ("97133", "BL"),
        ("97150", "MF"),
        ("971", "GP"),
        ("972", "MQ"),
        ("973", "GF"),
        ("974", "RE"),
        ("975", "PM"),
        ("976", "YT"),
        ("980", "MC"),
        ("986", "WF"),
        ("987", "PF"),
        ("988", "NC"),
    ),
    "GB": (("BT", "XI"), ("GY", "GG"), ("JE", "JE"), ("IM", "IM")),
    "GR": (("63086", ATHOS), ("63087", ATHOS)),
    "IT": (("23041", LIVIGNO), ("22061", CAMPIONE)),
    "NO": (("917", "SJ"), ("8099", "SJ")),
}

# Art. 7: Monaco counts as France and the Isle of Man as the United Kingdom. Liechtenstein is part
# of the Swiss tax area by treaty of 1994.
_PART_OF_AREA = {"MC": "FR", "IM": "GB", "LI": "CH"}

# Between these and the rest of their own state national law has special rules (which tax, whose
# rate, export or domestic) that are not modelled. Spain's are not here: the Canary Islands, Ceuta
# and Melilla simply lie outside its tax.
_SPECIAL_RULES_WITHIN_STATE = {
    "AX": "FI",
    HELIGOLAND: "DE",
    BUESINGEN: "DE",
    LIVIGNO: "IT",
    CAMPIONE: "IT",
    ATHOS: "GR",
    "GP": "FR",
    "MQ": "FR",
    "RE": "FR",
    "GF": "FR",
    "YT": "FR",
}

# End of the transition period of the United Kingdom's withdrawal; from then on the Protocol on
# Ireland/Northern Ireland keeps Northern Ireland in the EU's rules on goods, not on services.
BRITISH_EXIT: Final = date(2021, 1, 1)


@dataclass(frozen=True)
class _Membership:
    since: date
    until: date = date.max  # the first day outside

    def covers(self, on: date) -> bool:
        return self.since <= on < self.until


_FOUNDED = _Membership(since=date(1958, 1, 1))
_SINCE_1973 = _Membership(since=date(1973, 1, 1))
_SINCE_1995 = _Membership(since=date(1995, 1, 1))
_SINCE_2004 = _Membership(since=date(2004, 5, 1))
_SINCE_2007 = _Membership(since=date(2007, 1, 1))

EU_MEMBERS: Final[dict[str, _Membership]] = {
    **dict.fromkeys(("BE", "DE", "FR", "IT", "LU", "NL"), _FOUNDED),
    **dict.fromkeys(("DK", "IE"), _SINCE_1973),
    "GR": _Membership(since=date(1981, 1, 1)),
    **dict.fromkeys(("ES", "PT"), _Membership(since=date(1986, 1, 1))),
    **dict.fromkeys(("AT", "FI", "SE"), _SINCE_1995),
    **dict.fromkeys(("CY", "CZ", "EE", "HU", "LT", "LV", "MT", "PL", "SI", "SK"), _SINCE_2004),
    **dict.fromkeys(("BG", "RO"), _SINCE_2007),
    "HR": _Membership(since=date(2013, 7, 1)),
    "GB": _Membership(since=date(1973, 1, 1), until=BRITISH_EXIT),
    "XI": _Membership(since=BRITISH_EXIT),
}


def territory_of(country: str, *, postal_code: str = "") -> str:
    """The territory of an address: mostly its country, sometimes a part that its postal code names.

    ``territory_of("GB", postal_code="BT1 5GS")`` is ``"XI"``.
    """
    parts = _BY_POSTAL_CODE.get(country)
    if not (parts and postal_code):
        return country
    code = "".join(filter(str.isalnum, postal_code.upper())).removeprefix(country)
    return next((territory for prefix, territory in parts if code.startswith(prefix)), country)


def tax_area(territory: str, *, of_goods: bool, on: date) -> str:
    """The area whose tax is in force in ``territory``; Northern Ireland is its own for goods."""
    if territory == "XI":
        return "XI" if of_goods and on >= BRITISH_EXIT else "GB"
    return _PART_OF_AREA.get(territory, territory)


def in_eu(area: str, *, on: date) -> bool:
    """Whether the EU's common system of VAT is in force in ``area`` on that day."""
    member = EU_MEMBERS.get(area)
    return member is not None and member.covers(on)


def country_of(area: str) -> str:
    """The country whose rates and registrations hold in an area: Northern Ireland has the UK's."""
    return "GB" if area == "XI" else area


def has_special_rules_with(territory: str, *, area: str) -> bool:
    """Whether supplies between ``area`` and this part of the same state follow national rules."""
    return _SPECIAL_RULES_WITHIN_STATE.get(territory) == area


@cache
def name_of(territory: str) -> str:
    """The English name, for reasons that staff read; the code itself where there is none."""
    return _NAMES_OF_OUR_OWN.get(territory) or _names().get(territory, territory)


def is_known(territory: str) -> bool:
    """Whether this is a territory at all, rather than a slip such as UK or an empty field."""
    return territory in _NAMES_OF_OUR_OWN or territory in _names()


# CLDR lists these beside countries: groupings, pseudo-locales and "unknown".
_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})


@cache
def _names() -> dict[str, str]:
    territories = Locale("en").territories
    return {
        code: name
        for code, name in territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }
