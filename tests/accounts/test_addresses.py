"""Addresses in each country's own order and words."""

import pytest
from django_countries.data import COUNTRIES

from accounts.addresses import ADDRESS_FIELDS, address_form, city_lines, country_name


@pytest.mark.parametrize(
    ("country", "order", "labels"),
    [
        ("GB", ["city", "postcode"], {"city": "Town or city", "postcode": "Postcode"}),
        ("DE", ["postcode", "city"], {"city": "City", "postcode": "Postcode"}),
        ("US", ["city", "subdivision", "postcode"], {"subdivision": "State"}),
        ("JP", ["postcode", "subdivision"], {"subdivision": "Prefecture"}),
        ("IE", ["city", "subdivision", "postcode"], {"postcode": "Eircode"}),
    ],
)
def test_a_form_asks_in_the_order_and_words_of_the_country(
    country: str, order: list[str], labels: dict[str, str]
) -> None:
    form = address_form(country)
    assert [name for name in form.order if not name.startswith("address_line")] == order
    assert {name: str(form.labels[name]) for name in labels} == labels


def test_every_country_has_a_form_with_a_street_whose_required_parts_are_asked_for() -> None:
    for country in COUNTRIES:
        form = address_form(country)
        assert "address_line_1" in form.order, country
        assert form.required <= set(form.order) <= set(ADDRESS_FIELDS), country
        if form.postcode_pattern and form.postcode_example:
            assert form.postcode_pattern.fullmatch(form.postcode_example), country


def test_where_no_country_is_chosen_every_part_is_asked_for() -> None:
    assert address_form("").order == ADDRESS_FIELDS
    assert address_form("").postcode_pattern is None


def test_what_is_printed_follows_the_country() -> None:
    parts = {"postcode": "P", "city": "C", "subdivision": "S"}
    assert city_lines("GB", **parts) == ("C", "S", "P")
    assert city_lines("US", **parts) == ("C S P",)
    assert city_lines("DE", postcode="P", city="C", subdivision="") == ("P C",)


def test_a_country_is_named_in_the_language_of_the_document() -> None:
    assert country_name("AT", locale="de-AT") == "Österreich"
    assert country_name("AT", locale="fr") == "Autriche"
    assert country_name("AT", locale="en-ZZ") == "Austria"
