"""Parts that are silent: named where the trouble is, and not where it shows."""

import pytest
from pytest_django import Settings

from tests.watching.steps import (
    HOUR,
    MINUTE,
    alarms,
    closed_port,
    give_sign_ago,
    hear_everybody,
)
from watching.alarms import Code
from watching.canaries import QUEUES
from watching.looking import look
from watching.signs import (
    BEAT,
    NAMES,
    WATCHMAN,
    give_sign,
    hand_over_duty,
    latest_signs,
    take_duty,
    worker_of,
)

pytestmark = pytest.mark.django_db


def test_nothing_is_wrong_while_everybody_is_heard() -> None:
    hear_everybody()
    assert look().alarms == ()


@pytest.mark.parametrize("queue", QUEUES)
def test_a_worker_that_answers_no_canary_for_three_minutes_is_silent(queue: str) -> None:
    hear_everybody()
    give_sign_ago(2 * MINUTE, worker_of(queue))
    assert not alarms()
    give_sign_ago(4 * MINUTE, worker_of(queue))
    assert set(alarms()) == {Code.WORKER_SILENT}
    alarm = alarms()[Code.WORKER_SILENT]
    assert alarm.subject == queue
    assert alarm.says == f"No worker of the queue “{queue}” has answered for 4 minutes."
    assert alarm.since == latest_signs()[worker_of(queue)].heard_at


def test_a_sign_that_lies_ahead_proves_nothing_once_the_clock_was_put_back() -> None:
    hear_everybody()
    give_sign_ago(-2 * HOUR, worker_of("mail"))
    give_sign_ago(-2 * HOUR, WATCHMAN)
    assert set(alarms()) == {Code.WORKER_SILENT, Code.WATCHMAN_SILENT}
    assert take_duty(WATCHMAN, by="the next one")


def test_a_worker_that_was_never_started_is_silent_too() -> None:
    hear_everybody(but=worker_of("mail"))
    alarm = alarms()[Code.WORKER_SILENT]
    assert (alarm.subject, alarm.since) == ("mail", None)
    assert alarm.says.endswith("has answered so far.")


def test_workers_are_waited_for_only_once_beat_has_called_them_for_as_long() -> None:
    """After a night of standstill nobody is blamed in the first moment."""
    for name in NAMES:
        give_sign_ago(9 * HOUR, name)
    for name in (BEAT, WATCHMAN):
        give_sign(name, by="test")
    assert not alarms()
    give_sign_ago(MINUTE, BEAT, steady=4 * MINUTE)
    assert set(alarms_by_subject()) == {"default", "render", "mail"}


def alarms_by_subject() -> set[str]:
    return {alarm.subject for alarm in look().alarms}


def test_without_beat_no_worker_can_answer_and_only_beat_is_named() -> None:
    for name in NAMES:
        give_sign_ago(10 * MINUTE, name, steady=HOUR)
    give_sign(WATCHMAN, by="test")
    assert set(alarms()) == {Code.BEAT_SILENT}
    assert alarms()[Code.BEAT_SILENT].says == "Beat has sent nothing for 10 minutes."


def test_without_redis_nobody_can_be_heard_and_only_redis_is_named(settings: Settings) -> None:
    for name in NAMES:
        give_sign_ago(10 * MINUTE, name)
    give_sign(WATCHMAN, by="test")
    settings.REDIS_URL = f"redis://127.0.0.1:{closed_port()}/0"
    assert set(alarms()) == {Code.BELL_AWAY}


def test_a_watchman_who_does_not_look_is_told_by_everybody_else() -> None:
    hear_everybody()
    give_sign_ago(4 * MINUTE, WATCHMAN)
    assert set(alarms()) == {Code.WATCHMAN_SILENT}


# --- Signs --------------------------------------------------------------------------------------


def test_signs_that_come_without_a_gap_are_steady_since_the_first() -> None:
    give_sign_ago(MINUTE, BEAT, steady=HOUR)
    before = latest_signs()[BEAT].steady_since
    give_sign(BEAT, by="here")
    sign = latest_signs()[BEAT]
    assert (sign.steady_since, sign.given_by) == (before, "here")


def test_a_gap_makes_them_steady_anew() -> None:
    give_sign_ago(2 * MINUTE, BEAT, steady=HOUR)
    give_sign(BEAT, by="here")
    sign = latest_signs()[BEAT]
    assert sign.steady_since == sign.heard_at


def test_one_process_has_the_duty_until_it_hands_it_over() -> None:
    assert take_duty(WATCHMAN, by="one")
    assert take_duty(WATCHMAN, by="one")
    assert not take_duty(WATCHMAN, by="two")
    hand_over_duty(WATCHMAN, by="two")
    assert not take_duty(WATCHMAN, by="two")
    hand_over_duty(WATCHMAN, by="one")
    assert take_duty(WATCHMAN, by="two")
    assert latest_signs()[WATCHMAN].given_by == "two"


def test_or_until_it_is_silent() -> None:
    give_sign_ago(2 * MINUTE, WATCHMAN)
    assert not take_duty(WATCHMAN, by="two")
    give_sign_ago(4 * MINUTE, WATCHMAN)
    assert take_duty(WATCHMAN, by="two")
