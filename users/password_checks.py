"""Which passwords are refused: too long, or near the top of what is tried first (ASVS 6.2.4)."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from zxcvbn import zxcvbn

PASSWORD_GUESSABLE = "password_guessable"  # noqa: S105 - the code of an error
# Of zxcvbn's 0 to 4: below 3, fewer than 10^8 guesses find it.
_LEAST_SCORE = 3
# zxcvbn takes time for long texts; what is not common within so many characters is not common.
_LOOKED_AT = 64
# What people put between their names: signs and spaces.
_BETWEEN = re.compile(r"[\W_]+")


class MaximumLengthValidator:
    """Passwords are hashed whole: one of a megabyte would keep a processor busy (ASVS 6.2.9)."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(
                ngettext(
                    "This password is too long. Use at most %(most)d character.",
                    "This password is too long. Use at most %(most)d characters.",
                    self.max_length,
                )
                % {"most": self.max_length},
                code="password_too_long",
            )

    def get_help_text(self) -> str:
        return _("At most %(most)d characters.") % {"most": self.max_length}


class GuessablePasswordValidator:
    """Refuses what a program guesses within 10^8 attempts, by zxcvbn.

    It knows 30,000 passwords of leaks, 30,000 words and 50,000 names, and what people do to them:
    capitals, digits for letters, repeats, rows of keys, dates, the person's own names.
    """

    def validate(self, password: str, user: Any = None) -> None:
        if self._is_guessable(password[:_LOOKED_AT], user):
            raise ValidationError(
                _(
                    "This password is easy to guess: it is common, or made of a common one."
                    " Use four or more unrelated words, or a password manager."
                ),
                code=PASSWORD_GUESSABLE,
            )

    def _is_guessable(self, password: str, user: Any) -> bool:
        names = _whole_names(user)
        written = [password]
        in_one = _BETWEEN.sub("", password)
        if any(name in in_one.lower() for name in names):
            written.append(in_one)
        return any(
            each and zxcvbn(each, user_inputs=[*names, *_parts(user)])["score"] < _LEAST_SCORE
            for each in written
        )

    def get_help_text(self) -> str:
        return _("Four or more unrelated words are a good password.")


def _whole_names(user: Any) -> list[str]:
    """First and last name in one, in either order: as they stand in a password without spaces."""
    if user is None:
        return []
    first, last = (_BETWEEN.sub("", name).lower() for name in (user.first_name, user.last_name))
    return [name for name in (first + last, last + first) if name]


def _parts(user: Any) -> list[str]:
    """The person's names and the parts of the address, which strangers try first, too."""
    if user is None:
        return []
    parts = [user.first_name, user.last_name, *user.email.replace("@", " ").split()]
    return [part for part in parts if part]
