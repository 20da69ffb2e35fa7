"""What stands in the logs, and how much of it."""

import logging
from typing import Final

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation

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
