"""Z6: no name keeps a document from being made or read because nobody can see it."""

import pytest

from common.visible import has_visible_character

INVISIBLE = [
    "",
    "   ",
    "\u200b",
    "\u2066\u2069",
    "\u00ad",
    "\ue000",
    "\U000e0041",
    "\U000f0000",
    "\u3164",
    "\uffa0",
    "\u115f\u1160",
    "\u2800",
    "\ufeff",
    "\ufe0f",
    "\u034f",
    "\u0301",
    "\u180e",
    "\x07",
    "\u0378",
    " \u200b\u3164 ",
]


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
def test_what_nobody_can_see_is_no_text(text: str) -> None:
    assert not has_visible_character(text)


@pytest.mark.parametrize("text", ["A", "李", "ك", "เ", "7", "№", "😀", "\u200bA", "-"])
def test_one_character_of_any_script_is_enough(text: str) -> None:
    assert has_visible_character(text)
