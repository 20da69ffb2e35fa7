"""One look at everything that can be wrong, from PostgreSQL and Redis, each time anew."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from typing import Final

from django.db import Error, InterfaceError, OperationalError, connection
from django.db.models import Q

from common.scoping import all_accounts_scope
from watching.alarms import Alarm, Code
from watching.looks import (
    archive,
    backups,
    processes,
    returned_mail,
    runs,
    series,
    text_messages,
    unfinished,
    waiting,
)
from watching.models import RaisedAlarm
from watching.reaching import DatabaseAway, require_database
from watching.signs import SILENT_AFTER, Sign, latest_signs

logger = logging.getLogger(__name__)

Check = Callable[[datetime], Iterable[Alarm]]

# What is looked at. Each check is a few queries.
CHECKS: Final[tuple[Check, ...]] = (
    archive.older_database,
    processes.silent_processes,
    unfinished.mail_server,
    series.blocked_series,
    series.missing_series,
    runs.daily_run,
    runs.stuck_runs,
    unfinished.overdue_work,
    unfinished.documents_put_off,
    unfinished.mail_put_off,
    unfinished.late_mail,
    returned_mail.unread_mailbox,
    returned_mail.waiting_reports,
    text_messages.failing_gateway,
    text_messages.cost_of_today,
    waiting.parked_accounts,
    waiting.parked_documents,
    backups.backups,
    waiting.waiting_runs,
    waiting.stopped_runs,
    waiting.held_mail,
    waiting.failed_mail,
)
# What takes long or writes is left to the watchman; the others read what it found.
WATCHMANS_CHECKS: Final[tuple[Check, ...]] = (archive.storage,)
_FOUND_BY_THE_WATCHMAN: Final = (Code.STORAGE_AWAY, Code.ARCHIVE_MISSING)
_ORDER: Final = tuple(Code)
# Limits within which PostgreSQL ends a check: a table that a migration has locked, or one that has
# lost its index, must not keep the others from being told.
_LOCK_LIMIT: Final = "1s"
_STATEMENT_LIMIT: Final = "5s"


@dataclass(frozen=True, slots=True)
class Look:
    """What was found ``at`` a moment, by the database's clock.

    ``alarms`` are those that count; ``seen`` are also those that have not lasted long enough. Both
    are in the order of their codes.
    """

    at: datetime
    alarms: tuple[Alarm, ...]
    seen: tuple[Alarm, ...]
    signs: tuple[Sign, ...]


def look() -> Look:
    """What is wrong now; writes nothing. Raises DatabaseAway."""
    return _look(_remembered)


def look_thoroughly() -> Look:
    """The same with the checks that are the watchman's to make. Raises DatabaseAway."""
    return _look(lambda at: [found for check in WATCHMANS_CHECKS for found in _made(check, at)])


def _look(rest: Check) -> Look:
    require_database()
    try:
        at = _database_time()
        seen = [alarm for check in CHECKS for alarm in _made(_within_limits(check), at)]
        seen += rest(at)
        seen.sort(key=_place)
        return Look(at, tuple(_that_count(seen, at)), tuple(seen), tuple(latest_signs().values()))
    except (OperationalError, InterfaceError) as error:
        connection.close()
        raise DatabaseAway(str(error).strip()) from error


def _place(alarm: Alarm) -> int:
    return _ORDER.index(alarm.code)


def _within_limits(check: Check) -> Check:
    @wraps(check)
    def limited(at: datetime) -> list[Alarm]:
        with all_accounts_scope("the watching looks at every account's work"):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('lock_timeout', %s, true),"
                    " set_config('statement_timeout', %s, true)",
                    [_LOCK_LIMIT, _STATEMENT_LIMIT],
                )
            return list(check(at))

    return limited


def _made(check: Check, at: datetime) -> list[Alarm]:
    """What a check finds. That it could not be made is an alarm too, and keeps no other back."""
    try:
        return list(check(at))
    except Exception as error:
        if isinstance(error, Error) and not connection.is_usable():
            raise
        name = _name(check)
        logger.exception("the check “%s” could not be made", name)
        words = str(error).splitlines() or [""]
        says = f"The check “{name}” could not be made: {type(error).__name__}: {words[0]}"
        return [Alarm(code=Code.LOOK_FAILED, subject=name, says=says)]


def _name(check: Check) -> str:
    return check.__name__.replace("_", " ")


def _remembered(at: datetime) -> list[Alarm]:
    """What the watchman's own checks found when it looked last."""
    checks = [_name(check) for check in WATCHMANS_CHECKS]
    found = RaisedAlarm.objects.filter(
        Q(code__in=_FOUND_BY_THE_WATCHMAN) | Q(code=Code.LOOK_FAILED, subject__in=checks),
        over_at=None,
        last_seen_at__gt=at - SILENT_AFTER,
    )
    return [
        Alarm(code=Code(row.code), subject=row.subject, says=row.says, since=row.first_seen_at)
        for row in found
    ]


def _that_count(seen: Iterable[Alarm], at: datetime) -> Iterator[Alarm]:
    """Those that need no time, and those that the watchman has seen for long enough."""
    first_seen: dict[tuple[str, str], datetime] = {
        (row.code, row.subject): row.first_seen_at for row in RaisedAlarm.objects.all()
    }
    for alarm in seen:
        if not alarm.counts_after:
            yield alarm
        elif (since := first_seen.get(alarm.key)) and at - since >= alarm.counts_after:
            yield replace(alarm, since=since)


def _database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now
