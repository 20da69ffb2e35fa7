"""PostgreSQL crashes again and again while everything is at work."""

import time
from datetime import datetime
from functools import partial
from typing import LiteralString

import pytest
from django.utils import timezone

from common.claims import CLAIM_LEASE, LEASE
from tests.reliability.asking import ACCOUNTS, HEALTH, hired_staff, last_failure
from tests.reliability.charges import charges_for
from tests.reliability.installation import Installation
from tests.reliability.invariants import Witness, check_invariants
from tests.reliability.processes import BEAT, DEFAULT, MAIL, RENDER, WEB
from tests.reliability.waiting import wait_until, work_off

pytestmark = pytest.mark.slow

# What an operator may rely on (docs/reliability.md).
_RECOVERS_SECONDS = 10

_CUSTOMERS = 60
_AWAY_SECONDS = 0.5
# A mail worker that has to note what was accepted waits for PostgreSQL; after outages such as these
# for up to 4 s at a time (``mail.settling``). Its lease must not end meanwhile.
_STILL_SECONDS = 4.5

_ISSUED: LiteralString = "SELECT count(*) FROM invoices_invoice WHERE state = 'issued'"
_STORED: LiteralString = (
    "SELECT count(*) FROM invoices_document WHERE kind = 'pdf' AND state = 'stored'"
)
_SENT: LiteralString = "SELECT count(*) FROM mail_outgoingemail WHERE state = 'sent'"
# When PostgreSQL is stopped: in the middle of each kind of work.
_MOMENTS = ((_ISSUED, 10), (_STORED, 5), (_STORED, 20), (_SENT, 50), (_STORED, 45))


def test_five_crashes_of_postgresql_lose_nothing_and_requests_recover_in_seconds(
    installation: Installation,
) -> None:
    scene = installation.stage(_CUSTOMERS)
    charges = charges_for(scene, lines=2)
    installation.take(charges)
    installation.manage("bill")
    staff = hired_staff(installation)
    witness = Witness(installation)
    ((run,),) = installation.sql("SELECT id FROM billing_billingrun WHERE state = 'waiting'")
    assert installation.sql("SHOW synchronous_commit") == [("on",)]
    up: list[tuple[float, float]] = []
    with installation.programs(web=True) as programs, staff.asking(HEALTH, ACCOUNTS) as answers:
        started = time.monotonic()
        assert staff.approve(run).status == 302
        for counted, enough in _MOMENTS:
            wait_until(partial(_has_come_to, installation, counted, enough), timeout=60)
            up.append((started, time.monotonic()))
            witness.look()
            started = _crash(installation)
            witness.look()
            installation.ring()
        work_off(installation, still=_STILL_SECONDS, timeout=90)
        up.append((started, time.monotonic()))
        names = (RENDER, MAIL, DEFAULT, BEAT, WEB)
        assert [name for name in names if not programs.is_running(name)] == []
    check_invariants(installation, scene=scene, charges=charges, witness=witness, most_copies=1)
    failures = [last_failure(answers, since=since, until=until) for since, until in up]
    told = ", ".join(f"{seconds:.1f} s" for seconds in failures)
    print(f"last failed request {told} after each start; {len(answers)} answers")
    assert max(failures) < _RECOVERS_SECONDS
    assert {answer.status for answer in answers} <= {200, 500, 503}


def _has_come_to(installation: Installation, counted: LiteralString, enough: int) -> bool:
    ((count,),) = installation.sql(counted)
    return bool(count >= enough)


def _crash(installation: Installation) -> float:
    """Cut all sessions off and start again; returns when it was up, by the monotonic clock."""
    installation.stop_postgres("immediate")
    stopped = timezone.now()
    time.sleep(_AWAY_SECONDS)
    installation.start_postgres()
    started = time.monotonic()
    _end_leases_from_before(installation, stopped)
    return started


def _end_leases_from_before(installation: Installation, stopped: datetime) -> None:
    """Of what a process cannot finish, since its session is gone; mail waits and goes on.

    A lease tells when it was taken by when it ends: it is renewed, for longer, when a row's turn
    comes.
    """
    for table in ("billing_billingrunitem", "invoices_document"):
        installation.sql(
            f"UPDATE {table} SET leased_until = now() - interval '1 second'"
            " WHERE leased_until > now() AND leased_until < %(stopped)s"
            "  + CASE WHEN leased_until > now() + %(short)s THEN %(long)s ELSE %(short)s END",
            {"stopped": stopped, "short": CLAIM_LEASE, "long": LEASE},
        )
