"""Processes that are killed while they work."""

import pytest

from tests.reliability.charges import charges_for
from tests.reliability.installation import CommandFailed, Installation
from tests.reliability.invariants import Witness, check_invariants
from tests.reliability.points import KillAt
from tests.reliability.processes import DEFAULT, MAIL, RENDER
from tests.reliability.waiting import wait_until, work_off

pytestmark = pytest.mark.slow


def test_killed_render_processes_lose_no_document_and_make_none_twice(
    installation: Installation,
) -> None:
    scene = installation.stage(30)
    charges = charges_for(scene)
    installation.take(charges)
    installation.bill()
    witness = Witness(installation)
    witness.look()
    with installation.programs(default=0, beat=False) as programs:
        installation.ring()
        with programs.killing(RENDER, every=0.5):
            wait_until(lambda: len(installation.kills.of(RENDER)) >= 6, timeout=60)
        work_off(installation, timeout=90)
    figures = check_invariants(installation, scene=scene, charges=charges, witness=witness)
    assert figures.kills >= 6


def test_message_that_was_accepted_and_not_marked_goes_once_more_the_same_to_the_byte(
    installation: Installation,
) -> None:
    scene = installation.stage(10)
    charges = charges_for(scene)
    installation.take(charges)
    installation.bill()
    dies = KillAt("accepted", call=3, times=2)
    with installation.programs(default=0, beat=False, kill_at={MAIL: dies}):
        work_off(installation, timeout=90)
    figures = check_invariants(installation, scene=scene, charges=charges)
    assert (figures.kills_of_mail, figures.second_copies) == (2, 2)


def test_billing_run_that_is_killed_under_a_number_is_ended_by_workers_without_a_gap(
    installation: Installation,
) -> None:
    scene = installation.stage(10)
    charges = charges_for(scene)
    installation.take(charges)
    with pytest.raises(CommandFailed) as killed:
        installation.bill(kill_at=KillAt("numbered", call=4))
    assert killed.value.status == -9
    with installation.programs(beat=False, kill_at={DEFAULT: KillAt("issued", times=2)}):
        work_off(installation, timeout=90)
    figures = check_invariants(installation, scene=scene, charges=charges)
    assert (figures.kills, figures.documents, figures.second_copies) == (3, 10, 0)
