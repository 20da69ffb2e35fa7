"""Signs of life: who gives one, how, and what the last ones were."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from watching.canaries import QUEUES
from watching.models import SignOfLife

BEAT: Final = "beat"
WATCHMAN: Final = "watchman"
# No part that runs, but what is done from time to time: only when it was done last is of interest.
RETURNED_MAIL: Final = "returned mail"
# Whoever has not been heard for longer is silent. Six canaries, or as many rounds of the watchman.
SILENT_AFTER: Final = timedelta(minutes=3)
# Signs that are further apart than this are not steady.
_GAP: Final = timedelta(seconds=90)
# A sign may be this far ahead of whoever reads it, whose clock is another one.
_AHEAD: Final = timedelta(minutes=1)

_GIVE = (
    "INSERT INTO watching_signoflife AS former (name, heard_at, steady_since, given_by)"
    " VALUES (%(name)s, statement_timestamp(), statement_timestamp(), %(by)s)"
    " ON CONFLICT (name) DO UPDATE SET heard_at = excluded.heard_at, given_by = excluded.given_by,"
    "  steady_since = CASE"
    "   WHEN former.heard_at < excluded.heard_at - make_interval(secs => %(gap)s)"
    "   THEN excluded.steady_since ELSE former.steady_since END"
)
_UNLESS_ANOTHERS = (
    " WHERE former.given_by IN ('', %(by)s)"
    "  OR former.heard_at < excluded.heard_at - make_interval(secs => %(silent)s)"
    "  OR former.heard_at > excluded.heard_at + make_interval(secs => %(ahead)s)"
)


@dataclass(frozen=True, slots=True)
class Sign:
    """What is known of one part; ``heard_at`` and ``steady_since`` are None if it never spoke."""

    name: str
    heard_at: datetime | None = None
    steady_since: datetime | None = None
    given_by: str = ""

    def is_silent(self, at: datetime) -> bool:
        """Also when the sign lies ahead: the clock was put back since, and it proves nothing."""
        return self.heard_at is None or not -_AHEAD < at - self.heard_at <= SILENT_AFTER

    def is_steady(self, at: datetime) -> bool:
        """Heard without a gap for so long that whoever waits for it should have answered."""
        return self.steady_since is not None and at - self.steady_since > SILENT_AFTER


def worker_of(queue: str) -> str:
    """The name under which the workers of a queue are heard, whichever of them it is."""
    return f"worker {queue}"


NAMES: Final = (BEAT, *(worker_of(queue) for queue in QUEUES), WATCHMAN)


def give_sign(name: str, *, by: str, over: BaseDatabaseWrapper = connection) -> None:
    """Note that ``name`` lives; ``by`` says which process speaks, ``over`` which connection."""
    with over.cursor() as cursor:
        cursor.execute(_GIVE, {"name": name, "by": by, "gap": _GAP.total_seconds()})


def take_duty(name: str, *, by: str) -> bool:
    """Give the sign unless another process has the duty: gave it, and is not silent yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            _GIVE + _UNLESS_ANOTHERS,
            {
                "name": name,
                "by": by,
                "gap": _GAP.total_seconds(),
                "silent": SILENT_AFTER.total_seconds(),
                "ahead": _AHEAD.total_seconds(),
            },
        )
        return bool(cursor.rowcount)


def hand_over_duty(name: str, *, by: str) -> None:
    """Let the next process that asks have the duty at once."""
    SignOfLife.objects.filter(name=name, given_by=by).update(given_by="")


def sign_of(name: str) -> Sign:
    """The last sign of one part."""
    row = SignOfLife.objects.filter(name=name).first()
    return Sign(name, row.heard_at, row.steady_since, row.given_by) if row else Sign(name)


def latest_signs() -> dict[str, Sign]:
    """The last sign of every part that there should be, by name."""
    heard = SignOfLife.objects.in_bulk(NAMES)
    return {
        name: Sign(name, row.heard_at, row.steady_since, row.given_by)
        if (row := heard.get(name))
        else Sign(name)
        for name in NAMES
    }
