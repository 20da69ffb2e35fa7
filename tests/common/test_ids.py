"""The one form of an email address, and ids that nobody guesses or misreads."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import new_public_id, normalise_email
from invoices.models import Invoice


@pytest.mark.parametrize(
    ("entered", "kept"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        (" alice@example.com\n", "alice@example.com"),
        ("\u00a0alice@example.com\u3000", "alice@example.com"),
        # Full-width letters, as a Japanese keyboard gives them.
        ("ａｌｉｃｅ＠example．com", "alice@example.com"),
        # "ü" typed as a letter and a mark is the same address as one typed in one key.
        ("mu\u0308ller@example.com", "müller@example.com"),
        ("ÉLODIE@exemple.fr", "élodie@exemple.fr"),
        ("alice+invoices@example.com", "alice+invoices@example.com"),
        ("", ""),
    ],
)
def test_an_address_has_one_form(entered: str, kept: str) -> None:
    assert normalise_email(entered) == kept


def test_what_people_mean_to_be_different_stays_different() -> None:
    spelled = (
        "a.lice@example.com",
        "alice@example.com",
        "alice+x@example.com",
        "álice@example.com",
    )
    assert len({normalise_email(address) for address in spelled}) == len(spelled)


@given(st.text())
def test_the_one_form_of_the_one_form_is_itself(entered: str) -> None:
    assert normalise_email(normalise_email(entered)) == normalise_email(entered)


def test_a_public_id_can_be_read_out_over_the_telephone() -> None:
    """No letter that is taken for a digit or for another letter, and no capitals."""
    for _ in range(200):
        assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{20}", new_public_id())


def test_public_ids_do_not_repeat() -> None:
    assert len({new_public_id() for _ in range(5000)}) == 5000


def test_every_character_of_the_alphabet_comes_up_at_every_place() -> None:
    """100 bits: 32 characters at each of 20 places, none of them fixed."""
    made = [new_public_id() for _ in range(3000)]
    assert {len(set(place)) for place in zip(*made, strict=True)} == {32}


def test_a_public_id_fits_its_column() -> None:
    assert Invoice._meta.get_field("public_id").max_length == len(new_public_id())
