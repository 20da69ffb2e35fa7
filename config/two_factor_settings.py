"""Rules of two-factor authentication. Read by ``config.settings`` alone."""

from datetime import timedelta
from typing import Final

import environ
from django.core.exceptions import ImproperlyConfigured

# Less would leave nobody the time to read their mail and object, also to one that is confirmed.
RESET_LEAST: Final = timedelta(hours=24)


def reset_delay(env: environ.Env) -> timedelta:
    """How long a reset by staff waits, at least a day. Raises ImproperlyConfigured."""
    try:
        hours = int(env.str("TWO_FACTOR_RESET_DELAY", default="72"))
        delay = timedelta(hours=hours)
    except (ValueError, OverflowError):
        delay = timedelta(0)
    if delay < RESET_LEAST:
        least = RESET_LEAST // timedelta(hours=1)
        raise ImproperlyConfigured(
            f"Set TWO_FACTOR_RESET_DELAY to a whole number of hours, {least} or more."
        )
    return delay
