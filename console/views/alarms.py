from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.access import staff_page
from watching.alarms import Alarm, in_words
from watching.canaries import QUEUES
from watching.looking import look
from watching.signs import BEAT, WATCHMAN, Sign, worker_of

_CALLED = {
    BEAT: "Beat",
    WATCHMAN: "Watchman",
    **{worker_of(queue): f"Worker of the queue “{queue}”" for queue in QUEUES},
}


@dataclass(frozen=True, slots=True)
class State:
    """What ``components/state.html`` shows."""

    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """An alarm, and for how long it has been one."""

    alarm: Alarm
    state: State
    lasts: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A part of the installation, and how long ago it was heard."""

    name: str
    sign: Sign
    state: State
    ago: str


@require_safe
@staff_page()
def alarm_list(request: HttpRequest) -> HttpResponse:
    """What is wrong at this moment, what waits for a person, and who has been heard."""
    found = look()
    rows = [_row(alarm, found.at) for alarm in found.alarms]
    context = {
        "looked_at": found.at,
        "alarms": [row for row in rows if row.alarm.is_alarm],
        "waiting": [row for row in rows if not row.alarm.is_alarm],
        "heard": [_heard(sign, found.at) for sign in found.signs],
    }
    return render(request, "console/alarms.html", context)


def _row(alarm: Alarm, at: datetime) -> Row:
    state = State("red", "Alarm") if alarm.is_alarm else State("orange", "Waits for you")
    return Row(alarm, state, in_words(at - alarm.since) if alarm.since else "")


def _heard(sign: Sign, at: datetime) -> Heard:
    if sign.heard_at is None:
        state, ago = State("secondary", "Never heard"), ""
    else:
        state = State("red", "Silent") if sign.is_silent(at) else State("green", "Heard")
        ago = f"{in_words(at - sign.heard_at)} ago"
    return Heard(_CALLED[sign.name], sign, state, ago)
