"""How often a person's codes may be guessed, over all methods, signing in and confirming alike."""

from datetime import timedelta

from django.http import HttpRequest

from users.devices import device_with_factor
from users.models import User
from users.rate_limits import Counter, Limit, Taken, is_full, take

# As PyPI does: a million codes, of which three work at a time, need years at fifty a day.
_WINDOWS = (
    (5, timedelta(minutes=5)),
    (20, timedelta(hours=1)),
    (50, timedelta(days=1)),
)
_BY_PERSON = tuple(Limit(f"codes by person in {window}", most, window) for most, window in _WINDOWS)
_BY_DEVICE = tuple(Limit(f"codes by device in {window}", most, window) for most, window in _WINDOWS)


def take_attempt(request: HttpRequest, user: User) -> Taken:
    """Count one code of ``user`` before it is looked at. Raises TooManyAttempts.

    Call it outside a transaction that may roll back, and ``give_back`` when the code was right.
    """
    return take(_counters(request, user))


def was_the_last(request: HttpRequest, user: User) -> bool:
    """Whether the next attempt would be one too many."""
    return is_full(_counters(request, user))


def _counters(request: HttpRequest, user: User) -> list[Counter]:
    """A browser that has shown a code before has counters of its own: nobody else fills them.

    One that has shown a password alone has not: who knows that makes as many as they like.
    """
    device = device_with_factor(request, user)
    if device is not None:
        return [limit.by(f"{user.pk}\0{device.key}") for limit in _BY_DEVICE]
    return [limit.by(str(user.pk)) for limit in _BY_PERSON]
