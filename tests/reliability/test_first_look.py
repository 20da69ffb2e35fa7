"""A worker that starts, or finds Redis again, looks for work whether or not anybody rings."""

import pytest

from tests.reliability.charges import charges_for
from tests.reliability.installation import Installation
from tests.reliability.invariants import check_invariants
from tests.reliability.processes import RENDER
from tests.reliability.waiting import wait_until, wait_until_quiet

pytestmark = pytest.mark.slow


def test_workers_take_up_at_their_start_what_was_rung_for_in_vain(
    installation: Installation,
) -> None:
    scene = installation.stage(5)
    charges = charges_for(scene)
    installation.take(charges)
    installation.bill()
    # What the billing run has rung is gone, and there is no beat to ring again.
    installation.restart_redis()
    with installation.programs(default=0, beat=False):
        wait_until_quiet(installation, timeout=60)
    assert check_invariants(installation, scene=scene, charges=charges).stored == 5


def test_workers_take_up_what_was_rung_for_while_redis_was_away(
    installation: Installation,
) -> None:
    scene = installation.stage(5)
    charges = charges_for(scene)
    installation.take(charges)
    with installation.programs(default=0, beat=False) as programs:
        wait_until(lambda: "succeeded" in programs.said(RENDER), timeout=30)
        installation.freeze_redis()
        try:
            installation.bill()
        finally:
            installation.thaw_redis()
        installation.restart_redis()
        wait_until_quiet(installation, timeout=60)
    assert check_invariants(installation, scene=scene, charges=charges).stored == 5
