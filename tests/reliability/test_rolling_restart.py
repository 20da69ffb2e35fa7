"""What benchmarks/rolling_restart.py does, with one release: each program gives way to its like."""

import pytest

from benchmarks._installation import ROOT
from benchmarks._rolling_releases import Release
from benchmarks._rolling_run import ORDER, WORKERS, replace

pytestmark = pytest.mark.slow


def test_programs_are_replaced_under_a_run_and_nothing_is_lost_doubled_or_refused() -> None:
    outcome = replace(Release("old", ROOT), Release("new", ROOT), invoices=20, say=print)
    assert [step.what for step in outcome.steps] == ["migrate", *ORDER]
    assert {name: found for name, found in outcome.judgement.violations.items() if found} == {}
    figures = outcome.judgement.figures
    assert (figures.stored, figures.accepted, figures.second_copies) == (20, 40, 0)
    assert outcome.visitor.failures == []
    assert outcome.visitor.answered > 0
    assert outcome.bill_status == 0
    # Both had a hand in it: the new ones look for work as they start.
    assert all(before and after for before, after in map(outcome.tasks.__getitem__, WORKERS))
