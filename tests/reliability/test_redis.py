"""Redis restarted empty, frozen and killed: it costs seconds of work, and no answer of the web."""

import os
import signal
import time
from datetime import timedelta
from itertools import pairwise
from typing import LiteralString

import pytest

from tests.reliability.asking import ACCOUNTS, HEALTH, Answer, hired_staff, slowest
from tests.reliability.charges import FIRST_DAY, charges_for
from tests.reliability.installation import Installation
from tests.reliability.invariants import check_invariants
from tests.reliability.processes import BEAT, DEFAULT, MAIL, RENDER, WEB
from tests.reliability.waiting import wait_until, wait_until_quiet

pytestmark = pytest.mark.slow

# What an operator may rely on (docs/reliability.md).
_RESUMES_SECONDS = 60
_ANSWERS_SECONDS = 3

_FROZEN_SECONDS = 6
_AWAY_SECONDS = 0.5
_ALL = (RENDER, MAIL, DEFAULT, BEAT, WEB)
_DAYS = tuple(FIRST_DAY + timedelta(days=number) for number in range(3))
_WAITING: LiteralString = "SELECT id FROM billing_billingrun WHERE state = 'waiting' ORDER BY as_of"


def test_redis_frozen_killed_or_emptied_delays_work_for_seconds_and_no_request(
    installation: Installation,
) -> None:
    scene = installation.stage(25)
    charges = [
        *charges_for(scene, name="A", lines=1, day=_DAYS[0]),
        *charges_for(scene, name="B", lines=1, day=_DAYS[1]),
        *charges_for(scene, name="C", lines=1, day=_DAYS[2]),
    ]
    installation.take(charges)
    installation.bill("--as-of", str(_DAYS[0]))
    for day in _DAYS[1:]:
        installation.manage("bill", "--as-of", str(day))
    staff = hired_staff(installation)
    runs = [run for (run,) in installation.sql(_WAITING)]
    with installation.programs(web=True) as programs, staff.asking(HEALTH, ACCOUNTS) as answers:
        _wait_for_work_in_hand(installation)
        installation.freeze_redis()
        # Rings for workers.
        approvals = [staff.approve(runs[0])]
        time.sleep(_FROZEN_SECONDS)
        pauses = [_longest_pause(installation, since=time.monotonic() - _FROZEN_SECONDS)]
        installation.thaw_redis()
        pauses.append(_seconds_until_issued(installation, runs[0]))
        _kill_redis(installation)
        installation.start_redis()
        restarted = time.monotonic()
        wait_until_quiet(installation, timeout=_RESUMES_SECONDS)
        pauses.append(_longest_pause(installation, since=restarted))
        installation.restart_redis()
        approvals.append(staff.approve(runs[1]))
        pauses.append(_seconds_until_issued(installation, runs[1]))
        wait_until_quiet(installation, timeout=_RESUMES_SECONDS)
        assert [name for name in _ALL if not programs.is_running(name)] == []
    check_invariants(installation, scene=scene, charges=charges, most_copies=1)
    print(_told(pauses, approvals, answers))
    assert max(pauses) < _RESUMES_SECONDS
    assert [approval.status for approval in approvals] == [302, 302]
    assert [answer for answer in answers if not answer.is_good] == []
    assert slowest([*answers, *approvals]) < _ANSWERS_SECONDS


def test_worker_outlives_redis_that_is_killed_while_it_has_a_message_in_hand(
    installation: Installation,
) -> None:
    """One process of the worker is at work and another is free: see config/broker.py."""
    scene = installation.stage(1)
    charges = charges_for(scene)
    installation.take(charges)
    installation.bill()
    mail = installation.mailbox
    mail.hangs_at = "RCPT"
    with installation.programs(default=0, beat=False) as programs:
        wait_until(lambda: mail.commands["RCPT"] == 1, timeout=30)
        wait_until(lambda: _messages_in_hand(installation) == 1, timeout=30)
        _kill_redis(installation)
        time.sleep(_AWAY_SECONDS)
        installation.start_redis()
        wait_until(lambda: programs.said(MAIL).count("Connected to") == 2, timeout=30)
        # The task ends, and its message is not known to the new Redis.
        mail.accept_all()
        mail.close_connections()
        wait_until(lambda: len(mail.copies) == 1, timeout=30)
        installation.let_pauses_end()
        installation.ring(MAIL)
        wait_until_quiet(installation, timeout=30)
        assert programs.is_running(MAIL)
    check_invariants(installation, scene=scene, charges=charges, most_copies=1)


def _wait_for_work_in_hand(installation: Installation) -> None:
    """Documents are rendered and their messages sent."""
    wait_until(lambda: len(installation.mailbox.copies) >= 10, timeout=60)


def _messages_in_hand(installation: Installation) -> int:
    with installation.redis() as client:
        return int(client.hlen("unacked"))


def _kill_redis(installation: Installation) -> None:
    with installation.redis() as client:
        pid = int(client.info("server")["process_id"])
    os.kill(pid, signal.SIGKILL)


def _longest_pause(installation: Installation, *, since: float) -> float:
    """Seconds without any document stored or message accepted, from ``since`` to the last."""
    now = time.monotonic()
    ages = installation.sql(
        "SELECT extract(epoch FROM clock_timestamp() - stored_at)::float FROM invoices_document"
        " WHERE stored_at IS NOT NULL"
    )
    moments = [now - age for (age,) in ages] + [copy.at for copy in installation.mailbox.copies]
    later = [since, *sorted(moment for moment in moments if moment > since)]
    return max((after - before for before, after in pairwise(later)), default=0)


def _seconds_until_issued(installation: Installation, run: object) -> float:
    began = time.monotonic()
    finished: LiteralString = "SELECT state = 'finished' FROM billing_billingrun WHERE id = %s"
    wait_until(lambda: installation.sql(finished, [run])[0][0], timeout=_RESUMES_SECONDS)
    return time.monotonic() - began


def _told(pauses: list[float], approvals: list[Answer], answers: list[Answer]) -> str:
    """Figures for whoever runs this with ``-s``."""
    waited = ", ".join(f"{pause:.1f} s" for pause in pauses)
    return (
        f"pauses while frozen, after the thaw, the kill and the restart: {waited};"
        f" approvals {[round(approval.seconds, 1) for approval in approvals]} s;"
        f" slowest of {len(answers)} answers {slowest(answers):.1f} s"
    )
