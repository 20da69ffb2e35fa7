"""Whoever is silent is noticed and told: real processes, stopped and started again."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.reliability.alterations import Alteration, Vial
from tests.reliability.installation import CommandFailed, Installation
from tests.reliability.processes import BEAT, MAIL, Programs
from tests.reliability.waiting import wait_until

pytestmark = pytest.mark.slow

PARTS = {"beat", "worker default", "worker render", "worker mail"}
WATCHMAN = "watchman"
# A canary and half a minute of patience; a watchman's first look is at its start.
SOON_SECONDS = 60
# SIGTERM to the end of the process, Python's own included.
AT_ONCE_SECONDS = 5
BEARABLE_SECONDS = 4
# What beat's intervals are divided by.
FASTER = 10


def heard_within_a_minute(installation: Installation) -> set[str]:
    rows = installation.sql(
        "SELECT name FROM watching_signoflife WHERE heard_at > now() - interval '1 minute'"
    )
    return {name for (name,) in rows}


def let_pass(installation: Installation, name: str) -> None:
    """A part's last sign is so much older."""
    installation.sql(
        "UPDATE watching_signoflife SET heard_at = heard_at - interval '5 minutes'"
        " WHERE name = %s RETURNING 1",
        [name],
    )


def let_beat_be_steady(installation: Installation) -> None:
    """Beat has been heard for a while, so that workers should have answered."""
    installation.sql(
        "UPDATE watching_signoflife SET steady_since = steady_since - interval '5 minutes'"
        " WHERE name = 'beat' RETURNING 1"
    )


def alarms(installation: Installation) -> tuple[int, set[str]]:
    """The command's exit code, and what it tells besides the watchman's silence."""
    try:
        status, said = 0, installation.manage("alarms", "--json")
    except CommandFailed as failed:
        status, said = failed.status, failed.said
    found: dict[str, Any] = json.loads(said[said.index("{") :])
    return status, {alarm["code"] for alarm in found["alarms"]}


@contextmanager
def watchman(installation: Installation) -> Iterator[Programs]:
    command = [sys.executable, "manage.py", "watch"]
    programs = Programs(
        {WATCHMAN: command},
        environment=installation.environment,
        log=installation.places.log,
        kills=installation.kills,
    )
    try:
        programs.start()
        yield programs
    finally:
        programs.end()


def hurried(installation: Installation) -> Alteration:
    return Alteration(Vial(installation.places.var / "nothing"), FASTER)


def subjects(installation: Installation) -> list[str]:
    return [str(mail.message["Subject"]) for mail in installation.mailbox.accepted]


def test_a_worker_that_stands_still_is_noticed_told_and_told_to_be_back(
    installation: Installation,
) -> None:
    through = {BEAT: hurried(installation)}
    with installation.programs(render=1, mail=1, default=1, through=through) as programs:
        wait_until(lambda: heard_within_a_minute(installation) >= PARTS, timeout=SOON_SECONDS)
        let_beat_be_steady(installation)
        with programs.frozen(MAIL):
            let_pass(installation, "worker mail")
            with watchman(installation):
                wait_until(lambda: _is_seen(installation), timeout=SOON_SECONDS)
                assert alarms(installation) == (1, {"worker-silent"})
            installation.sql(
                "UPDATE watching_raisedalarm"
                " SET first_seen_at = first_seen_at - interval '1 minute' RETURNING 1"
            )
            let_pass(installation, WATCHMAN)
            with watchman(installation):
                wait_until(lambda: bool(subjects(installation)), timeout=SOON_SECONDS)
        assert subjects(installation) == ["Sample Operator: Alarm: Worker silent"]
        wait_until(
            lambda: "worker mail" in heard_within_a_minute(installation), timeout=SOON_SECONDS
        )
        assert alarms(installation) == (0, set())


def _is_seen(installation: Installation) -> bool:
    return bool(installation.sql("SELECT 1 FROM watching_raisedalarm"))


def test_beat_rings_on_without_the_database_and_is_heard_when_it_is_back(
    installation: Installation,
) -> None:
    through = {BEAT: hurried(installation)}
    with installation.programs(render=0, mail=0, default=0, through=through) as programs:
        wait_until(lambda: "beat" in heard_within_a_minute(installation), timeout=SOON_SECONDS)
        installation.stop_postgres()
        assert alarms(installation) == (2, {"database-away"})
        wait_until(lambda: "could not be written" in programs.said(BEAT), timeout=SOON_SECONDS)
        sent = programs.said(BEAT).count("Sending due task")
        wait_until(
            lambda: programs.said(BEAT).count("Sending due task") > sent, timeout=SOON_SECONDS
        )
        installation.start_postgres()
        let_pass(installation, "beat")
        wait_until(lambda: "beat" in heard_within_a_minute(installation), timeout=SOON_SECONDS)


def test_beat_without_redis_is_silent_and_redis_is_what_is_told(
    installation: Installation,
) -> None:
    through = {BEAT: hurried(installation)}
    with installation.programs(render=0, mail=0, default=0, through=through):
        wait_until(lambda: "beat" in heard_within_a_minute(installation), timeout=SOON_SECONDS)
        installation.freeze_redis()
        let_pass(installation, "beat")
        assert alarms(installation) == (1, {"bell-away", "watchman-silent"})
        installation.thaw_redis()
        wait_until(lambda: "beat" in heard_within_a_minute(installation), timeout=SOON_SECONDS)


@pytest.mark.parametrize("is_database_there", [True, False])
def test_a_watchman_ends_at_once(installation: Installation, is_database_there: bool) -> None:
    with watchman(installation) as programs:
        wait_until(lambda: WATCHMAN in heard_within_a_minute(installation), timeout=SOON_SECONDS)
        if not is_database_there:
            installation.stop_postgres()
        assert programs.stop(WATCHMAN) < AT_ONCE_SECONDS


# --- /healthz -----------------------------------------------------------------------------------


def health(installation: Installation) -> tuple[int, dict[str, str], float]:
    """Status, content and seconds of an answer to somebody who knows no host name."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{installation.web_port}/healthz", headers={"Host": "10.9.8.7"}
    )
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - http
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    return status, json.loads(content), time.monotonic() - began


def test_a_web_process_says_what_it_reaches_and_soon(installation: Installation) -> None:
    outages: list[tuple[Callable[[], None], int, str]] = [
        (lambda: None, 200, "ok"),
        (installation.freeze_redis, 200, "degraded"),
        (installation.thaw_redis, 200, "ok"),
        (installation.stop_postgres, 503, "down"),
        (installation.start_postgres, 200, "ok"),
    ]
    with installation.programs(render=0, mail=0, default=0, beat=False, web=True):
        for happen, wanted, word in outages:
            happen()
            status, content, seconds = health(installation)
            assert (status, content["status"]) == (wanted, word)
            assert seconds < BEARABLE_SECONDS
