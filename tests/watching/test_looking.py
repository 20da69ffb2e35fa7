"""A look as a whole: it writes nothing, ends soon, and no check keeps another back."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.mail.steps import queue as queue_mail
from tests.watching.steps import (
    MINUTE,
    alarms,
    change,
    closed_port,
    give_sign_ago,
    hear_everybody,
    reach_postgres_at,
)
from watching import looking
from watching.alarms import KINDS, Alarm, Code, in_words
from watching.looking import look
from watching.reaching import DatabaseAway
from watching.signs import NAMES, WATCHMAN

pytestmark = pytest.mark.django_db


def broken(at: datetime) -> Iterator[Alarm]:
    raise KeyError("a fault\nof two lines")


def hangs(at: datetime) -> Iterator[Alarm]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
    yield from ()


def checks_with(check: looking.Check) -> tuple[looking.Check, ...]:
    return (check, *looking.CHECKS)


def test_every_code_has_its_title_and_its_advice() -> None:
    assert set(KINDS) == set(Code)
    for kind in KINDS.values():
        assert kind.title[0].isupper()
        assert kind.advice.endswith(".")


def test_every_part_is_told_whether_it_was_heard_or_not() -> None:
    give_sign_ago(10 * MINUTE, WATCHMAN)
    signs = {sign.name: sign for sign in look().signs}
    assert tuple(signs) == NAMES
    assert [name for name, sign in signs.items() if sign.heard_at] == [WATCHMAN]


def test_a_check_that_fails_is_an_alarm_and_the_others_are_made(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hear_everybody(but=WATCHMAN)
    monkeypatch.setattr(looking, "CHECKS", checks_with(broken))
    found = alarms()
    assert set(found) == {Code.LOOK_FAILED, Code.WATCHMAN_SILENT}
    assert found[Code.LOOK_FAILED].says.startswith("The check “broken” could not be made: KeyError")
    assert "Traceback" in caplog.text


def test_what_is_found_is_told_in_the_order_of_its_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever check found it, and a check that could not be made last of what is wrong."""
    hear_everybody(but=WATCHMAN)
    (pk,) = queue_mail(1)
    change(OutgoingEmail, pk, state=OutgoingEmail.State.FAILED)
    monkeypatch.setattr(looking, "CHECKS", checks_with(broken))
    found = look()
    told = [Code.WATCHMAN_SILENT, Code.LOOK_FAILED, Code.MAIL_FAILED]
    assert [alarm.code for alarm in found.alarms] == told
    assert [alarm.code for alarm in found.seen] == told


def test_a_check_that_takes_too_long_is_ended_by_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hear_everybody()
    monkeypatch.setattr(looking, "_STATEMENT_LIMIT", "100ms")
    monkeypatch.setattr(looking, "CHECKS", checks_with(hangs))
    assert alarms()[Code.LOOK_FAILED].subject == "hangs"


def test_without_the_database_there_is_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    reach_postgres_at(closed_port(), monkeypatch)
    with pytest.raises(DatabaseAway, match="onnection refused"):
        look()


def test_a_look_writes_nothing() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        look()
    verbs = {query["sql"].split(maxsplit=1)[0] for query in queries}
    assert verbs <= {"SELECT", "WITH", "SAVEPOINT", "RELEASE"}


def test_looking_at_mail_is_served_by_the_indexes_of_what_is_unfinished() -> None:
    queue_mail(*range(300))
    with all_accounts_scope("test"), connection.cursor() as cursor:
        OutgoingEmail.objects.update(state=OutgoingEmail.State.SENT, sent_at=timezone.now())
        cursor.execute("ANALYZE mail_outgoingemail")
    with CaptureQueriesContext(connection) as queries:
        look()
    asked = [query["sql"] for query in queries if 'FROM "mail_outgoingemail"' in query["sql"]]
    assert len(asked) >= 8
    with all_accounts_scope("test"), connection.cursor() as cursor:
        for sql in asked:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on mail_outgoingemail" not in plan, f"{sql}\n{plan}"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (119, "1 minute"),
        (7200, "2 hours"),
        (100_000, "1 day"),
    ],
)
def test_durations_are_told_in_their_largest_unit(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
