"""Nothing breaks: what the tests of faults compare with, and that they can tell."""

import pytest

from tests.reliability.charges import charges_for
from tests.reliability.installation import Installation
from tests.reliability.invariants import Witness, check_invariants
from tests.reliability.waiting import wait_until_quiet

pytestmark = pytest.mark.slow


def test_every_charge_becomes_one_line_one_document_and_one_message_for_each_recipient(
    installation: Installation,
) -> None:
    scene = installation.stage(20)
    charges = charges_for(scene)
    installation.take(charges)
    witness = Witness(installation)
    with installation.programs():
        installation.bill()
        witness.look()
        wait_until_quiet(installation, timeout=60)
    figures = check_invariants(installation, scene=scene, charges=charges, witness=witness)
    assert (figures.charges, figures.documents, figures.credit_notes) == (60, 20, 2)
    assert (figures.accepted, figures.second_copies, figures.failed) == (40, 0, 0)
