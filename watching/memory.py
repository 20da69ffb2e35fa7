"""What the watchman remembers from one look to the next, and what of it is news.

An alarm is raised when it has been there at two looks, and over when it has been away for as long:
what passes by itself in half a minute is nobody's business at night.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q

from audit.actions import Action
from audit.recording import Actor, record
from watching.alarms import Alarm
from watching.looking import Look
from watching.models import RaisedAlarm

# A little less than the pause between two looks.
LASTS_AFTER: Final = timedelta(seconds=25)
# And than that between three.
_OVER_AFTER: Final = timedelta(seconds=55)
# An alarm that stays is told again after this.
REMIND_AFTER: Final = timedelta(days=1)

_ACTOR = Actor.system("watchman")


@dataclass(frozen=True, slots=True)
class News:
    """What the operator has not been told: alarms that are there, and alarms that are over."""

    present: Sequence[RaisedAlarm]
    over: Sequence[RaisedAlarm]

    def __bool__(self) -> bool:
        return bool(self.present or self.over)


def remember(look: Look) -> None:
    """Note what was seen and what was not, with an audit event for each turn, in one transaction.

    Only alarms; what merely waits for a person is not remembered.
    """
    with transaction.atomic():
        # Whoever holds a row must not silence the watchman: the next look tries again.
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
        known = {(row.code, row.subject): row for row in RaisedAlarm.objects.select_for_update()}
        for alarm in look.seen:
            if alarm.is_alarm:
                _seen(known.pop(alarm.key, None), alarm, look.at)
        for row in known.values():
            if look.at - row.last_seen_at >= _OVER_AFTER:
                _gone(row, look.at)


def news(at: datetime) -> News:
    """What is to be told now. An alarm that nobody could be told of while it lasted is told too."""
    raised = RaisedAlarm.objects.exclude(raised_at=None)
    unsaid = Q(told_at=None) | Q(told_at__lte=at - REMIND_AFTER)
    return News(
        present=list(raised.filter(unsaid, over_at=None).order_by("raised_at", "pk")),
        over=list(raised.exclude(over_at=None).order_by("over_at", "pk")),
    )


def told(what: News, at: datetime) -> None:
    """Note that the operator knows it."""
    with transaction.atomic():
        RaisedAlarm.objects.filter(pk__in=[row.pk for row in what.present]).update(told_at=at)
        RaisedAlarm.objects.filter(pk__in=[row.pk for row in what.over]).delete()


def _seen(row: RaisedAlarm | None, alarm: Alarm, at: datetime) -> None:
    if row is None:
        row = RaisedAlarm(code=alarm.code, subject=alarm.subject, first_seen_at=at)
    row.says, row.since, row.last_seen_at, row.over_at = alarm.says, alarm.since, at, None
    lasts_after = max(LASTS_AFTER, alarm.counts_after)
    is_raised_now = row.raised_at is None and at - row.first_seen_at >= lasts_after
    if is_raised_now:
        row.raised_at = at
    row.save()
    if is_raised_now:
        _record(Action.ALARM_RAISED, row)


def _gone(row: RaisedAlarm, at: datetime) -> None:
    if row.raised_at is None:
        row.delete()
    elif row.over_at is None:
        row.over_at = at
        row.save(update_fields=["over_at"])
        _record(Action.ALARM_ENDED, row)


def _record(action: Action, row: RaisedAlarm) -> None:
    record(action, actor=_ACTOR, subject=f"alarm {row}", details={"says": row.says})
