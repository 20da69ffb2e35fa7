"""Tax numbers as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from taxes.tax_ids import MAX_LENGTH, check_non_union_number, check_tax_number
from taxes.territories import EU_MEMBERS
from taxes.vocabulary import TaxNumberStatus


@pytest.mark.parametrize(
    ("typed", "country", "normalised"),
    [
        ("DE 136 695 976", "DE", "DE136695976"),
        ("136695976", "DE", "DE136695976"),
        ("fr 40 303 265 045", "FR", "FR40303265045"),
        ("ATU 13585627", "AT", "ATU13585627"),
        ("094259216", "GR", "EL094259216"),
        ("EL 094259216", "GR", "EL094259216"),
        ("GB 980 7806 84", "GB", "GB980780684"),
        ("GB 980 7806 84", "IM", "GB980780684"),
        ("XI 980 7806 84", "XI", "XI980780684"),
        ("XI 980 7806 84", "GB", "XI980780684"),
        ("FR 53 0000 04605", "MC", "FR53000004605"),
        ("CHE-107.787.577 IVA", "CH", "CHE107787577IVA"),
        ("CHE-107.787.577", "CH", "CHE107787577"),
        ("NO 995 525 828 MVA", "NO", "NO995525828MVA"),
        ("995525828", "NO", "NO995525828"),
    ],
)
def test_are_written_one_way_with_their_prefix(typed: str, country: str, normalised: str) -> None:
    checked = check_tax_number(typed, country=country)

    assert (checked.normalised, checked.status) == (normalised, TaxNumberStatus.UNCHECKED)


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("DE136695979", "DE"),
        ("GB 980 7806 85", "GB"),
        ("FR123", "FR"),
        ("12345", "IE"),
        ("9" * 60, "US"),
        ("①②③④⑤⑥⑦", "US"),
        ("ÄÖÜ", "DE"),
    ],
)
def test_that_cannot_be_right_are_invalid(typed: str, country: str) -> None:
    assert check_tax_number(typed, country=country).status == TaxNumberStatus.INVALID


@pytest.mark.parametrize("typed", ["", "   ", " - . "])
def test_of_nothing_but_separators_are_none(typed: str) -> None:
    checked = check_tax_number(typed, country="DE", confirmed=True)

    assert (checked.normalised, checked.status) == ("", TaxNumberStatus.NONE)


def test_are_valid_only_when_confirmed() -> None:
    assert check_tax_number("DE136695976", country="DE", confirmed=True).status == (
        TaxNumberStatus.VALID
    )


def test_of_another_country_are_checked_by_its_rules() -> None:
    assert check_tax_number("ATU13585627", country="DE").status == TaxNumberStatus.UNCHECKED
    assert check_tax_number("ATU13585628", country="DE").status == TaxNumberStatus.INVALID


def test_of_countries_without_known_rules_stay_unchecked() -> None:
    checked = check_tax_number("12-3456789", country="US")

    assert (checked.normalised, checked.status) == ("US123456789", TaxNumberStatus.UNCHECKED)


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ("EU 372022452", TaxNumberStatus.UNCHECKED),
        ("EU 999022452", TaxNumberStatus.INVALID),
        ("IM3720000224", TaxNumberStatus.INVALID),
        ("DE136695976", TaxNumberStatus.INVALID),
        ("", TaxNumberStatus.NONE),
    ],
)
def test_of_the_non_union_scheme_have_a_form_of_their_own(
    typed: str, status: TaxNumberStatus
) -> None:
    assert check_non_union_number(typed).status == status


countries = st.sampled_from([*EU_MEMBERS, "CH", "NO", "LI", "US", "AU", "JP", "IN", "IS", "", "?"])
prefixes = st.sampled_from(["", "DE", "EL", "EU", "XI", "CHE", "NO", "IS", "IN", "IM", "US"])
texts = st.text(max_size=60) | st.from_regex(r"[A-Z0-9 .\-]{0,20}", fullmatch=True)


@given(prefixes, texts, countries)
def test_any_text_gets_an_answer_that_fits_the_column(prefix: str, text: str, country: str) -> None:
    checked = check_tax_number(prefix + text, country=country)

    assert len(checked.normalised) <= MAX_LENGTH
    assert checked.status != TaxNumberStatus.VALID


@given(prefixes, texts, countries)
def test_checking_what_was_normalised_changes_nothing(prefix: str, text: str, country: str) -> None:
    once = check_tax_number(prefix + text, country=country)

    if once.status != TaxNumberStatus.INVALID:
        assert check_tax_number(once.normalised, country=country) == once


def test_every_status_that_an_account_stores_is_understood() -> None:
    assert set(Account.TaxNumberStatus.values) <= set(TaxNumberStatus.values)
