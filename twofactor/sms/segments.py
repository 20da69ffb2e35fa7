"""Of how many parts a text message consists: each is charged as one (3GPP TS 23.038)."""

from math import ceil
from typing import Final

# The default alphabet of GSM, and its extension, whose characters take two places.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
# Characters of a message by itself, and of each part of a longer one.
_GSM: Final = (160, 153)
# UTF-16, for a text with any character beyond the alphabet.
_UCS2: Final = (70, 67)


def segments_of(text: str) -> int:
    if _BASIC.union(_EXTENDED).issuperset(text):
        length = len(text) + sum(character in _EXTENDED for character in text)
        alone, part = _GSM
    else:
        length = len(text.encode("utf-16-be")) // 2
        alone, part = _UCS2
    return 1 if length <= alone else ceil(length / part)
