"""Which tax is in force where, and when."""

from datetime import date

import pytest

from taxes.territories import (
    ATHOS,
    BUESINGEN,
    CAMPIONE,
    EU_MEMBERS,
    HELIGOLAND,
    LIVIGNO,
    in_eu,
    is_known,
    name_of,
    tax_area,
    territory_of,
)


@pytest.mark.parametrize(
    ("country", "postal_code", "territory"),
    [
        ("GB", "BT1 5GS", "XI"),
        ("GB", "GY1 1AA", "GG"),
        ("GB", "je2 3ab", "JE"),
        ("GB", "IM1 1AA", "IM"),
        ("GB", "SW1A 1AA", "GB"),
        ("ES", "35001", "IC"),
        ("ES", "ES-38 001", "IC"),
        ("ES", "52001", "EA"),
        ("ES", "28013", "ES"),
        ("FR", "97133", "BL"),
        ("FR", "97150", "MF"),
        ("FR", "97400", "RE"),
        ("FR", "98000", "MC"),
        ("FR", "75001", "FR"),
        ("DE", "27498", HELIGOLAND),
        ("DE", "78266", BUESINGEN),
        ("DE", "10115", "DE"),
        ("IT", "23041", LIVIGNO),
        ("IT", "22061", CAMPIONE),
        ("GR", "630 86", ATHOS),
        ("FI", "22100", "AX"),
        ("NO", "9170", "SJ"),
        ("DK", "3900", "GL"),
        ("US", "35001", "US"),
        ("DE", "", "DE"),
    ],
)
def test_postal_codes_find_parts_with_rules_of_their_own(
    country: str, postal_code: str, territory: str
) -> None:
    assert territory_of(country, postal_code=postal_code) == territory


@pytest.mark.parametrize(
    ("country", "first_day"),
    [
        ("HR", date(2013, 7, 1)),
        ("RO", date(2007, 1, 1)),
        ("BG", date(2007, 1, 1)),
        ("PL", date(2004, 5, 1)),
        ("XI", date(2021, 1, 1)),
    ],
)
def test_membership_begins_on_its_day(country: str, first_day: date) -> None:
    assert in_eu(country, on=first_day)
    assert not in_eu(country, on=first_day.replace(year=first_day.year - 1))


def test_the_united_kingdom_is_a_member_up_to_the_end_of_2020() -> None:
    assert in_eu("GB", on=date(2020, 12, 31))
    assert not in_eu("GB", on=date(2021, 1, 1))


def test_there_are_27_members_today_and_there_were_28() -> None:
    def members(on: date) -> set[str]:
        return {country for country in EU_MEMBERS if in_eu(country, on=on)} - {"XI"}

    assert len(members(date(2026, 1, 1))) == 27
    assert len(members(date(2019, 1, 1))) == 28
    assert len(members(date(2010, 12, 1))) == 27


@pytest.mark.parametrize(
    ("of_goods", "on", "area"),
    [
        (True, date(2021, 1, 1), "XI"),
        (True, date(2020, 12, 31), "GB"),
        (False, date(2021, 1, 1), "GB"),
    ],
)
def test_northern_ireland_is_apart_for_goods_since_2021(
    of_goods: bool, on: date, area: str
) -> None:
    assert tax_area("XI", of_goods=of_goods, on=on) == area


@pytest.mark.parametrize(("territory", "area"), [("IM", "GB"), ("MC", "FR"), ("LI", "CH")])
def test_some_countries_belong_to_anothers_tax_area(territory: str, area: str) -> None:
    assert tax_area(territory, of_goods=True, on=date(2026, 1, 1)) == area


def test_names_fit_into_a_sentence() -> None:
    names = [name_of(code) for code in ("GB", "FR", "XI", "IC", HELIGOLAND)]

    assert names == [
        "the United Kingdom",
        "France",
        "Northern Ireland",
        "the Canary Islands",
        "Heligoland",
    ]


@pytest.mark.parametrize("code", ["", "UK", "EL", "EU", "UN", "ZZ", "Germany"])
def test_what_is_no_country_is_not_known(code: str) -> None:
    assert not is_known(code)
