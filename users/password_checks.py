"""Which passwords are refused: too long, or near the top of what is tried first (ASVS 6.2.4)."""

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
        looked_at = password[:_LOOKED_AT]
        if looked_at and zxcvbn(looked_at, user_inputs=_own_words(user))["score"] < _LEAST_SCORE:
            raise ValidationError(
                _(
                    "This password is easy to guess: it is common, or made of a common one."
                    " Use four or more unrelated words, or a password manager."
                ),
                code=PASSWORD_GUESSABLE,
            )

    def get_help_text(self) -> str:
        return _("Four or more unrelated words are a good password.")


def _own_words(user: Any) -> list[str]:
    """The parts of the person's names and address, which strangers try first."""
    if user is None:
        return []
    parts = [user.first_name, user.last_name, *user.email.replace("@", " ").split()]
    return [part for part in parts if part]
