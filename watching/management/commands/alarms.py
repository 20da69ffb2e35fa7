import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from common.counting import counted
from watching.alarms import KINDS, Alarm, Code, Severity, in_words
from watching.looking import Look, look
from watching.reaching import DatabaseAway
from watching.signs import Sign

_ALARMS, _CANNOT_TELL = 1, 2


class Command(BaseCommand):
    help = (
        "Tell what is wrong. Ends with 0 when nothing is, 1 when there are alarms, 2 when it cannot"
        " tell because the database is away. What merely waits for a person does not count."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs to read")

    def handle(self, **options: Any) -> None:
        try:
            found = look()
        except DatabaseAway as away:
            self._tell_away(away, as_json=options["json"])
            sys.exit(_CANNOT_TELL)
        if options["json"]:
            self._write(_as_json(found))
        else:
            self._tell(found)
        if any(alarm.is_alarm for alarm in found.alarms):
            sys.exit(_ALARMS)

    def _tell(self, found: Look) -> None:
        alarms = sum(alarm.is_alarm for alarm in found.alarms)
        others = len(found.alarms) - alarms
        if not found.alarms:
            self.stdout.write("Nothing is wrong.")
        elif not alarms:
            self.stdout.write(f"No alarm; {counted(others, 'thing waits', plural='things wait')}.")
        else:
            self.stdout.write(f"{counted(alarms, 'alarm')}.")
        for alarm in found.alarms:
            self.stdout.write(f"\n{alarm.kind.severity.upper()} {_named(alarm)}")
            self.stdout.write(f"  {alarm.says}")
            if alarm.since:
                ago = in_words(found.at - alarm.since)
                self.stdout.write(f"  Since {alarm.since:%Y-%m-%d %H:%M} UTC ({ago}).")
            self.stdout.write(f"  {alarm.kind.advice}")
            if alarm.page:
                self.stdout.write(f"  {settings.SITE_URL}{alarm.page}")

    def _tell_away(self, away: DatabaseAway, *, as_json: bool) -> None:
        kind = KINDS[Code.DATABASE_AWAY]
        alarm = Alarm(code=Code.DATABASE_AWAY, says=f"PostgreSQL does not answer: {away}")
        if as_json:
            self._write({"looked_at": timezone.now(), "alarms": [_plain(alarm)], "signs": []})
        else:
            self.stdout.write(f"{Severity.ALARM.upper()} {_named(alarm)}")
            self.stdout.write(f"  {alarm.says}\n  {kind.advice}")

    def _write(self, content: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(content, default=lambda moment: moment.isoformat(), indent=2))


def _named(alarm: Alarm) -> str:
    return f"{alarm.code} ({alarm.subject})" if alarm.subject else alarm.code


def _as_json(found: Look) -> dict[str, Any]:
    return {
        "looked_at": found.at,
        "alarms": [_plain(alarm) for alarm in found.alarms],
        "signs": [_sign(sign, found) for sign in found.signs],
    }


def _plain(alarm: Alarm) -> dict[str, Any]:
    return {
        "code": alarm.code,
        "subject": alarm.subject,
        "severity": alarm.kind.severity,
        "says": alarm.says,
        "since": alarm.since,
        "count": alarm.count,
        "page": f"{settings.SITE_URL}{alarm.page}" if alarm.page else "",
    }


def _sign(sign: Sign, found: Look) -> dict[str, Any]:
    seconds = (found.at - sign.heard_at).total_seconds() if sign.heard_at else None
    return {"name": sign.name, "heard_at": sign.heard_at, "seconds": seconds, "by": sign.given_by}
