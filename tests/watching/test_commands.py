"""``manage.py alarms``: what it tells, to people and to programs, and how it ends."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from mail.models import OutgoingEmail
from tests.mail.steps import queue as queue_mail
from tests.watching.steps import (
    MINUTE,
    change,
    closed_port,
    give_sign_ago,
    hear_everybody,
    reach_postgres_at,
)
from watching.signs import NAMES, worker_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_order() -> None:
    hear_everybody()


class Told:
    """Runs the command and keeps what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *options: str) -> tuple[int, str]:
        status: int | str | None = 0
        try:
            call_command("alarms", *options)
        except SystemExit as end:
            status = end.code
        return int(status or 0), self._capsys.readouterr().out

    def as_json(self) -> tuple[int, dict[str, Any]]:
        status, said = self("--json")
        return status, json.loads(said)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


def a_refused_message() -> None:
    (pk,) = queue_mail(1)
    change(OutgoingEmail, pk, state=OutgoingEmail.State.FAILED)


def test_nothing_is_wrong(told: Told) -> None:
    assert told() == (0, "Nothing is wrong.\n")


def test_an_alarm_is_told_with_what_to_do_and_ends_the_command_with_1(told: Told) -> None:
    give_sign_ago(4 * MINUTE, worker_of("mail"))
    status, said = told()
    assert status == 1
    assert said.startswith("1 alarm.\n\nALARM worker-silent (mail)\n")
    assert "  No worker of the queue “mail” has answered for 4 minutes.\n" in said
    assert " UTC (4 minutes).\n" in said
    assert "  See whether a worker of this queue runs" in said


def test_what_waits_for_a_person_is_told_and_does_not_count(told: Told) -> None:
    a_refused_message()
    status, said = told()
    assert status == 0
    assert said.startswith("No alarm; 1 thing waits.\n\nATTENTION mail-failed\n")
    assert "http://testserver/admin/mail/outgoingemail/?state__exact=failed\n" in said


def test_programs_get_all_of_it(told: Told) -> None:
    give_sign_ago(4 * MINUTE, worker_of("mail"))
    a_refused_message()
    status, found = told.as_json()
    assert status == 1
    silent, failed = found["alarms"]
    assert (silent["code"], silent["subject"]) == ("worker-silent", "mail")
    assert (silent["severity"], failed["severity"]) == ("alarm", "attention")
    assert silent["since"] < found["looked_at"]
    assert failed["count"] == 1
    assert [sign["name"] for sign in found["signs"]] == list(NAMES)
    heard = {sign["name"]: sign["seconds"] for sign in found["signs"]}
    assert 0 <= heard["beat"] < 60 < heard["worker mail"]


def test_without_the_database_it_cannot_tell_and_ends_with_2(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach_postgres_at(closed_port(), monkeypatch)
    status, said = told()
    assert status == 2
    assert said.startswith("ALARM database-away\n  PostgreSQL does not answer: ")
    status, found = told.as_json()
    assert (status, [alarm["code"] for alarm in found["alarms"]]) == (2, ["database-away"])


def test_the_watchman_does_not_start_with_an_address_that_nothing_can_be_sent_to(
    settings: Settings,
) -> None:
    settings.ALARM_EMAIL = "the night shift"
    with pytest.raises(CommandError, match="ALARM_EMAIL"):
        call_command("watch")
