"""Whether there is anything to read in a text: what is asked of names before they are kept."""

import re
import unicodedata

# Letters, digits and signs by their category, that show nothing: fillers, blanks, stand-ins.
_BLANK = re.compile(
    "[\u115f\u1160\u2800\u3164\uffa0\ufffc\U00013441\U00013442\U0001d159]",
)
# Letters, numbers, punctuation, symbols. Not: marks, which need a letter to stand on; separators;
# control, format, private use and unassigned characters.
_SEEN = frozenset("LNPS")


def has_visible_character(text: str) -> bool:
    return any(
        unicodedata.category(character)[0] in _SEEN and not _BLANK.match(character)
        for character in text
    )
