"""No cell of a file for spreadsheets is a formula (ASVS 1.2.10)."""

import pytest

from common.spreadsheets import neutral


@pytest.mark.parametrize("sign", list("=+-@＝＋－＠"))
def test_a_formula_is_a_text_wherever_it_begins(sign: str) -> None:
    assert neutral(f"{sign}1") == f"'{sign}1"
    assert neutral(f"a;{sign}1") == f"a;'{sign}1"


def test_other_texts_stay_as_they_are() -> None:
    assert neutral("a-b @ c＝d") == "a-b @ c＝d"
