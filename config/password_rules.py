"""What a new password must be (docs/decisions/0075); settings.AUTH_PASSWORD_VALIDATORS."""

from typing import Any, Final

_DJANGO: Final = "django.contrib.auth.password_validation"

PASSWORD_RULES: Final[list[dict[str, Any]]] = [
    {"NAME": f"{_DJANGO}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_DJANGO}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "users.password_checks.MaximumLengthValidator", "OPTIONS": {"max_length": 128}},
    # Two lists that come with packages: Django's 20,000, and zxcvbn's, which knows disguises.
    {"NAME": f"{_DJANGO}.CommonPasswordValidator"},
    {"NAME": "users.password_checks.GuessablePasswordValidator"},
]
