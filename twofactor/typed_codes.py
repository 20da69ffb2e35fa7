"""Codes as people type them: with spaces and hyphens, in the digits of their own script."""

import unicodedata
from typing import Final

from django.utils.translation import gettext as _

from common.exceptions import DomainError

# Longer ones are no codes in anybody's spelling.
LONGEST: Final = 64
_DIGITS: Final = 6
# What stands between characters and says nothing: spaces, hyphens, and what is not seen at all.
_SAY_NOTHING: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd"})
_MINUS: Final = "\N{MINUS SIGN}"
# Read as what they look like, as Crockford's base 32 has neither.
_LOOK_ALIKE: Final = str.maketrans({"o": "0", "i": "1", "l": "1"})


class WrongCode(DomainError):
    """Not a code that counts: wrong, used before, too old, or sent for something else."""

    def __init__(self, words: str = "") -> None:
        super().__init__(
            words or _("This code is wrong, too old, or was used already. Enter another one.")
        )


class WrongAppCode(WrongCode):
    """Most often of a clock that is wrong: the app makes its codes by it."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "This code is wrong, too old, or was used already. Wait for the next one. If that"
                " is refused too, check that the clock of your phone is set automatically."
            )
        )


def six_digits(text: str) -> str | None:
    """The code of an app or a text message in ASCII digits; None when it is not six of them."""
    code = _plain(text)
    return code if len(code) == _DIGITS and code.isascii() and code.isdigit() else None


def recovery_code(text: str) -> str:
    """A recovery code as it was made: lower case, nothing between its characters."""
    return _plain(text).lower().translate(_LOOK_ALIKE)


def _plain(text: str) -> str:
    """One spelling for every one of the same code (NFKC, digits of any script to ASCII)."""
    return "".join(
        _ascii_digit(character)
        for character in unicodedata.normalize("NFKC", text[:LONGEST])
        if unicodedata.category(character) not in _SAY_NOTHING and character != _MINUS
    )


def _ascii_digit(character: str) -> str:
    return str(unicodedata.digit(character)) if character.isdigit() else character
