"""What the operator is mailed, and when: real rows, a real mail server, a database that is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db.models import F
from pytest_django import Settings

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.mail.sink import Sink, running_sink
from tests.mail.steps import queue as queue_mail
from tests.watching.steps import (
    DAY,
    HOUR,
    MINUTE,
    change,
    closed_port,
    give_sign_ago,
    hear_everybody,
    reach_postgres_at,
)
from watching import watchman as watching
from watching.models import RaisedAlarm, SignOfLife
from watching.signs import WATCHMAN, worker_of
from watching.watchman import Watchman

pytestmark = pytest.mark.django_db(transaction=True)

TO = "support@operator.example"
A_LOOK = timedelta(seconds=30)


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    with running_sink() as running:
        settings.EMAIL_PORT = running.port
        yield running


@pytest.fixture
def watchman() -> Watchman:
    hear_everybody(but=WATCHMAN)
    return Watchman(name="here:1")


def let_pass(duration: timedelta) -> None:
    """What the watchman remembers is so much older."""
    RaisedAlarm.objects.update(
        **{
            column: F(column) - duration
            for column in ("first_seen_at", "last_seen_at", "raised_at", "told_at")
        }
    )


def look(watchman: Watchman, *, times: int = 1) -> None:
    """Looks with half a minute between them."""
    for _ in range(times):
        let_pass(A_LOOK)
        watchman.look()


def silence(queue: str) -> None:
    give_sign_ago(5 * MINUTE, worker_of(queue))


def end_silence(queue: str) -> None:
    give_sign_ago(timedelta(), worker_of(queue))


def subjects(sink: Sink) -> list[str]:
    return [mail.message["Subject"] for mail in sink.accepted]


def text(sink: Sink) -> str:
    """Of the newest message."""
    body = sink.accepted[-1].message.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test reads the audit log"):
        return list(AuditEvent.objects.filter(action=action))


# --- Raised, reminded of, over ------------------------------------------------------------------


def test_nobody_is_mailed_while_nothing_is_wrong(sink: Sink, watchman: Watchman) -> None:
    look(watchman, times=3)
    assert sink.accepted == []
    assert not RaisedAlarm.objects.exists()


def test_an_alarm_is_mailed_once_when_it_is_there_at_a_second_look(
    sink: Sink, watchman: Watchman
) -> None:
    silence("render")
    look(watchman)
    assert sink.accepted == []
    look(watchman, times=3)
    assert subjects(sink) == ["Operator of the tests: Alarm: Worker silent"]
    assert sink.accepted[0].recipient == TO
    assert "No worker of the queue “render” has answered for 5 minutes." in text(sink)
    assert "What to do: See whether a worker of this queue runs" in text(sink)
    assert "http://testserver/console/alarms/#worker-silent" in text(sink)
    assert "http://testserver/console/alarms/" in text(sink)
    (event,) = events(Action.ALARM_RAISED)
    assert event.subject == "alarm worker-silent render"


def test_what_passes_by_itself_before_is_not_mailed(sink: Sink, watchman: Watchman) -> None:
    silence("render")
    look(watchman)
    end_silence("render")
    look(watchman, times=3)
    assert sink.accepted == []
    assert not RaisedAlarm.objects.exists()


def test_that_it_is_over_is_mailed_once_it_has_stayed_away(sink: Sink, watchman: Watchman) -> None:
    silence("render")
    look(watchman, times=2)
    end_silence("render")
    look(watchman)
    assert len(sink.accepted) == 1
    look(watchman, times=3)
    assert subjects(sink)[1:] == ["Operator of the tests: Over: Worker silent"]
    assert "OVER: Worker silent" in text(sink)
    assert not RaisedAlarm.objects.exists()
    assert len(events(Action.ALARM_ENDED)) == 1


def test_one_that_comes_and_goes_from_look_to_look_is_told_once(
    sink: Sink, watchman: Watchman
) -> None:
    silence("render")
    look(watchman, times=2)
    for _ in range(3):
        end_silence("render")
        look(watchman)
        silence("render")
        look(watchman)
    assert len(sink.accepted) == 1


def test_one_that_stays_is_told_again_after_a_day(sink: Sink, watchman: Watchman) -> None:
    silence("render")
    look(watchman, times=2)
    let_pass(DAY - HOUR)
    look(watchman)
    assert len(sink.accepted) == 1
    let_pass(HOUR)
    look(watchman, times=2)
    assert len(sink.accepted) == 2


def test_all_that_is_new_goes_into_one_message(sink: Sink, watchman: Watchman) -> None:
    for queue in ("default", "render", "mail"):
        silence(queue)
    look(watchman, times=2)
    assert subjects(sink) == ["Operator of the tests: Alarm: Worker silent and 2 more"]
    for queue in ("default", "render", "mail"):
        assert f"the queue “{queue}”" in text(sink)


def test_what_merely_waits_for_a_person_is_not_mailed(sink: Sink, watchman: Watchman) -> None:
    (pk,) = queue_mail(1)
    change(OutgoingEmail, pk, state=OutgoingEmail.State.FAILED)
    look(watchman, times=3)
    assert sink.accepted == []


def test_the_message_is_put_together_like_any_other(sink: Sink, watchman: Watchman) -> None:
    silence("render")
    look(watchman, times=2)
    message = sink.accepted[0].message
    assert message["From"] == "Operator of the tests <support@operator.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    html = message.get_body(("html",))
    assert html is not None
    assert "See all alarms" in html.get_content()


def test_another_address_can_be_told(sink: Sink, watchman: Watchman, settings: Settings) -> None:
    settings.ALARM_EMAIL = "night@operator.example"
    settings.DEFAULT_FROM_EMAIL = "Panel <panel@operator.example>"
    silence("render")
    look(watchman, times=2)
    assert sink.accepted[0].recipient == "night@operator.example"
    assert sink.accepted[0].message["From"] == "Panel <panel@operator.example>"


# --- Two of them --------------------------------------------------------------------------------


def test_of_two_watchmen_one_mails(sink: Sink, watchman: Watchman) -> None:
    other = Watchman(name="there:2")
    silence("render")
    for _ in range(4):
        look(watchman)
        look(other)
    assert len(sink.accepted) == 1
    assert SignOfLife.objects.get(name=WATCHMAN).given_by == "here:1"


def test_the_other_takes_over_when_the_first_stops_and_tells_nothing_twice(
    sink: Sink, watchman: Watchman
) -> None:
    other = Watchman(name="there:2")
    silence("render")
    look(watchman, times=2)
    watchman.stop()
    look(other, times=2)
    assert SignOfLife.objects.get(name=WATCHMAN).given_by == "there:2"
    assert len(sink.accepted) == 1
    end_silence("render")
    look(other, times=3)
    assert len(sink.accepted) == 2


# --- Without the mail server --------------------------------------------------------------------


def test_what_cannot_be_told_now_is_told_when_the_mail_server_is_back(
    sink: Sink, watchman: Watchman, settings: Settings
) -> None:
    settings.EMAIL_PORT = closed_port()
    silence("render")
    look(watchman, times=3)
    settings.EMAIL_PORT = sink.port
    look(watchman, times=2)
    assert subjects(sink) == ["Operator of the tests: Alarm: Worker silent"]


def test_even_if_it_is_over_by_then(sink: Sink, watchman: Watchman, settings: Settings) -> None:
    settings.EMAIL_PORT = closed_port()
    silence("render")
    look(watchman, times=3)
    end_silence("render")
    look(watchman, times=3)
    settings.EMAIL_PORT = sink.port
    look(watchman, times=2)
    assert subjects(sink) == ["Operator of the tests: Over: Worker silent"]
    assert not RaisedAlarm.objects.exists()


def test_an_address_that_is_refused_is_tried_again_and_ends_nothing(
    sink: Sink, watchman: Watchman, caplog: pytest.LogCaptureFixture
) -> None:
    sink.refuse(TO)
    silence("render")
    look(watchman, times=3)
    assert "550 5.1.1 no such user here" in caplog.text
    sink.accept_all()
    look(watchman)
    assert len(sink.accepted) == 1


# --- Without PostgreSQL -------------------------------------------------------------------------


@contextmanager
def database_away() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        reach_postgres_at(closed_port(), patch)
        yield


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks need not be half a minute apart to be two."""
    monkeypatch.setattr(watching, "LASTS_AFTER", timedelta())


@pytest.mark.usefixtures("_hasty")
def test_the_database_is_missed_by_mail_too_once_and_when_it_is_back(
    sink: Sink, watchman: Watchman
) -> None:
    with database_away():
        for _ in range(3):
            watchman.look()
    assert subjects(sink) == ["Operator of the tests: Alarm: PostgreSQL away"]
    assert "onnection refused" in text(sink)
    look(watchman, times=2)
    assert subjects(sink)[1:] == ["Operator of the tests: Over: PostgreSQL away"]
    assert len(sink.accepted) == 2


def test_a_database_that_restarts_between_two_looks_is_not_missed(
    sink: Sink, watchman: Watchman
) -> None:
    with database_away():
        watchman.look()
    look(watchman, times=2)
    assert sink.accepted == []


@pytest.mark.usefixtures("_hasty")
def test_without_either_server_it_is_told_as_soon_as_mail_goes(
    sink: Sink, watchman: Watchman, settings: Settings
) -> None:
    settings.EMAIL_PORT = closed_port()
    with database_away():
        watchman.look()
        settings.EMAIL_PORT = sink.port
        watchman.look()
        settings.EMAIL_PORT = closed_port()
    look(watchman)
    settings.EMAIL_PORT = sink.port
    look(watchman, times=2)
    assert subjects(sink) == [
        "Operator of the tests: Alarm: PostgreSQL away",
        "Operator of the tests: Over: PostgreSQL away",
    ]
