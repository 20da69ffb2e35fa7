"""Redis restarted empty, frozen and killed: it costs seconds of work, and no answer of the web."""

import os
import signal
import time
from itertools import pairwise

import pytest

from tests.reliability.asking import ACCOUNTS, HEALTH, Answer, hired_staff, slowest
from tests.reliability.charges import charges_for
from tests.reliability.installation import Installation
from tests.reliability.invariants import check_invariants
from tests.reliability.processes import BEAT, DEFAULT, MAIL, RENDER, WEB, Programs
from tests.reliability.waiting import wait_until, wait_until_quiet

pytestmark = pytest.mark.slow

# What an operator may rely on (docs/reliability.md).
_RESUMES_SECONDS = 60
_ANSWERS_SECONDS = 3

_FROZEN_SECONDS = 6
_ALL = (RENDER, MAIL, DEFAULT, BEAT, WEB)


def test_redis_restarted_empty_delays_work_for_seconds_and_no_request(
    installation: Installation,
) -> None:
    """Once while workers have work in hand, and once while they wait for some."""
    scene = installation.stage(40)
    first, second = charges_for(scene, name="A"), charges_for(scene, name="B")
    installation.take(first)
    staff = hired_staff(installation)
    with installation.programs(web=True) as programs, staff.asking(HEALTH, ACCOUNTS) as answers:
        installation.bill()
        _wait_for_work_in_hand(installation)
        _kill_redis(installation)
        installation.start_redis()
        restarted = time.monotonic()
        wait_until_quiet(installation, timeout=_RESUMES_SECONDS)
        pauses = [_longest_pause(installation, since=restarted)]
        installation.take(second)
        installation.restart_redis()
        restarted = time.monotonic()
        installation.bill()
        wait_until_quiet(installation, timeout=_RESUMES_SECONDS)
        pauses.append(_longest_pause(installation, since=restarted))
        _assert_same_processes(programs)
    check_invariants(installation, scene=scene, charges=[*first, *second], most_copies=1)
    print(f"longest pauses {pauses}, slowest answer {slowest(answers):.1f} s of {len(answers)}")
    assert max(pauses) < _RESUMES_SECONDS
    _assert_answered(answers)


def test_frozen_redis_holds_up_no_request_and_all_is_done_after_the_thaw(
    installation: Installation,
) -> None:
    scene = installation.stage(40)
    first, second = charges_for(scene, name="A"), charges_for(scene, name="B")
    installation.take(first)
    installation.bill()
    installation.take(second)
    staff = hired_staff(installation)
    with installation.programs(web=True) as programs:
        installation.manage("bill")
        ((run,),) = installation.sql("SELECT id FROM billing_billingrun WHERE state = 'waiting'")
        with staff.asking(HEALTH, ACCOUNTS) as answers:
            _wait_for_work_in_hand(installation)
            installation.freeze_redis()
            # Rings for the workers, and for each account that it lets them issue.
            approved = staff.approve(run)
            time.sleep(_FROZEN_SECONDS)
            installation.thaw_redis()
            wait_until_quiet(installation, timeout=_RESUMES_SECONDS)
        _assert_same_processes(programs)
    check_invariants(installation, scene=scene, charges=[*first, *second], most_copies=1)
    print(f"approved in {approved.seconds:.1f} s, slowest answer {slowest(answers):.1f} s")
    assert approved.status == 302
    assert approved.seconds < _ANSWERS_SECONDS
    _assert_answered(answers)


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
    with installation.programs(default=0) as programs:
        wait_until(lambda: mail.commands["RCPT"] > 0, timeout=30)
        for times in (2, 3):
            wait_until(lambda: _messages_in_hand(installation) == 1, timeout=30)
            _kill_redis(installation)
            time.sleep(0.5)
            installation.start_redis()
            wait_until(
                lambda times=times: programs.said(MAIL).count("Connected to") == times, timeout=30
            )
        mail.accept_all()
        mail.close_connections()
        wait_until(lambda: _messages_in_hand(installation) == 0, timeout=30)
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


def _assert_same_processes(programs: Programs) -> None:
    assert [name for name in _ALL if not programs.is_running(name)] == []


def _assert_answered(answers: list[Answer]) -> None:
    assert [answer for answer in answers if not answer.is_good] == []
    assert slowest(answers) < _ANSWERS_SECONDS
