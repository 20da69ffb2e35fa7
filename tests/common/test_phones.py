"""Telephone numbers as people type them."""

import pytest

from common.phones import international_form


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("020 7946 0018", "GB", "+44 20 7946 0018"),
        ("+49 30 901820", "GB", "+49 30 901820"),
        ("0049 (0)30/901820", "GB", "+49 30 901820"),
        ("+1-408-996-1010", "", "+1 408-996-1010"),
        ("0113", "GB", None),
        ("020 7946 0018", "", None),
        ("+999 12345678", "GB", None),
        ("call me\r\nnow", "GB", None),
        ("1" * 10_000, "GB", None),
        ("", "GB", None),
    ],
)
def test_a_number_is_kept_in_the_form_that_works_from_everywhere(
    typed: str, country: str, kept: str | None
) -> None:
    assert international_form(typed, country=country) == kept
