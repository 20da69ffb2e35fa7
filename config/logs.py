"""What stands in the logs, and how much of it."""

import logging
import re
from typing import Any, Final

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation

# A link of a mail, as it stands in any address: …/link/<row>/<token>/.
_LINK: Final = re.compile(r"(/link/[0-9a-fA-F-]{36}/)[^/\s?\"']+")
_MASKED: Final = r"\1•••"
_REFUSALS: Final = (BadRequest, PermissionDenied, SuspiciousOperation)


class BriefRefusals(logging.Filter):
    """A request that is refused (a foreign host, a NUL byte, no right to a page) is one line.

    Django logs it with a traceback, which shows nothing but Django. Whoever scans the site could
    fill a disk with them.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], _REFUSALS):
            record.exc_info = None
        return True


class MaskedLinks(logging.Filter):
    """Tokens of links stand in no log: who reads it could open them (ASVS 14.2.1, 16.2.5).

    Django logs the address of whatever is answered with an error, and gunicorn's access log, where
    an operator switches it on, that of every request (``config.wsgi``).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # Words and values do not fit together; the handler tells so itself.
            return True
        masked = _LINK.sub(_MASKED, message)
        if masked != message:
            record.msg, record.args = masked, ()
        return True


def logging_to_standard_error(*, level: str) -> dict[str, Any]:
    """The setting LOGGING: to standard error, for whoever runs the process to keep."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        },
        "filters": {
            "brief": {"()": "config.logs.BriefRefusals"},
            "masked": {"()": "config.logs.MaskedLinks"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["brief", "masked"],
            },
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Its own handlers would mail or drop what the root handler prints.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # Says what each page drew with, glyph by glyph.
            "fontTools": {"level": "WARNING"},
            "weasyprint": {"level": "WARNING"},
        },
    }
