"""Workers are told to stop in the middle of their work and started again, as in every upgrade."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import LiteralString

import pytest

from tests.reliability.alterations import Alteration, Vial
from tests.reliability.charges import charges_for
from tests.reliability.installation import CommandFailed, Installation
from tests.reliability.invariants import Witness, check_invariants
from tests.reliability.points import KillAt
from tests.reliability.processes import DEFAULT, MAIL, RENDER, Programs
from tests.reliability.waiting import wait_until, wait_until_quiet

pytestmark = pytest.mark.slow

_WORKERS = (DEFAULT, RENDER, MAIL)
_CUSTOMERS = 100
# After which a supervisor kills them (scripts/serve.py).
_STOPS_SECONDS = 40
# Tasks end after 4 s instead of 20: with the real time all would be done before they stop.
_FASTER = 5
# Into a start, before a worker is ready.
_STARTING_SECONDS = 1

_DRAFTED: LiteralString = "SELECT count(*) FROM billing_billingrunitem WHERE state = 'drafted'"
_STORED: LiteralString = (
    "SELECT count(*) FROM invoices_document WHERE kind = 'pdf' AND state = 'stored'"
)
# When all are stopped.
_MOMENTS = ((_DRAFTED, 20), (_STORED, 10), (_STORED, 40))

_UNFINISHED: LiteralString = """
    SELECT (SELECT count(*) FROM billing_billingrunitem WHERE state <> 'issued')
    + (SELECT count(*) FROM invoices_document WHERE state <> 'stored')
    + (SELECT count(*) FROM mail_outgoingemail WHERE state <> 'sent')
"""
_IN_HAND: LiteralString = """
    SELECT (SELECT count(*) FROM billing_billingrunitem WHERE lease_token IS NOT NULL)
    + (SELECT count(*) FROM invoices_document WHERE lease_token IS NOT NULL)
    + (SELECT count(*) FROM mail_outgoingemail WHERE lease_token IS NOT NULL)
"""


def test_workers_that_are_stopped_again_and_again_leave_nothing_undone_and_do_nothing_twice(
    installation: Installation,
) -> None:
    scene = installation.stage(_CUSTOMERS)
    charges = charges_for(scene, lines=1)
    installation.take(charges)
    with pytest.raises(CommandFailed):
        # Workers have all of the run to themselves.
        installation.bill(kill_at=KillAt("before claim"))
    witness = Witness(installation)
    hurried = Alteration(Vial(installation.places.var / "poison.json"), _FASTER)
    through = dict.fromkeys((DEFAULT, RENDER), hurried)
    unfinished: list[int] = []
    seconds: list[float] = []
    with installation.programs(beat=False, through=through, ready=False) as programs:
        for counted, enough in _MOMENTS:
            wait_until(partial(_has_come_to, installation, counted, enough), timeout=90)
            unfinished.append(_count(installation, _UNFINISHED))
            seconds += _stop_all(programs)
            assert _count(installation, _IN_HAND) == 0
            witness.look()
            programs.start(*_WORKERS)
            time.sleep(_STARTING_SECONDS)
            _stop_all(programs)
            programs.start(*_WORKERS)
        wait_until_quiet(installation, timeout=90)
    check_invariants(installation, scene=scene, charges=charges, witness=witness, most_copies=1)
    print(f"stopped within {max(seconds):.1f} s, with {unfinished} rows unfinished")
    assert max(unfinished) >= 100
    assert max(seconds) < _STOPS_SECONDS


def _stop_all(programs: Programs) -> list[float]:
    """All at once, as a supervisor does; returns the seconds that each took."""
    with ThreadPoolExecutor(len(_WORKERS)) as stopping:
        return list(stopping.map(programs.stop, _WORKERS))


def _has_come_to(installation: Installation, counted: LiteralString, enough: int) -> bool:
    return _count(installation, counted) >= enough


def _count(installation: Installation, query: LiteralString) -> int:
    ((count,),) = installation.sql(query)
    return int(count)
