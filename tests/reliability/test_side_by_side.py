"""Two of what there should be one of: billing runs in the same second, and schedulers."""

import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date

import pytest

from common.embedded import postgres
from tests.reliability.charges import charges_for
from tests.reliability.installation import Installation
from tests.reliability.invariants import Witness, check_invariants
from tests.reliability.processes import BEAT
from tests.reliability.waiting import wait_until, wait_until_quiet

pytestmark = pytest.mark.slow

# Two commands start from nothing beside whatever else the machine does.
_PATIENCE_SECONDS = 180


def test_two_billing_runs_in_the_same_second_bill_each_charge_once(
    installation: Installation,
) -> None:
    """And a worker that helps both."""
    scene = installation.stage(40)
    charges = charges_for(scene)
    installation.take(charges)
    witness = Witness(installation)
    with installation.programs(), ThreadPoolExecutor(2) as commands:
        with _starting_together(installation, runs=2):
            reports = [commands.submit(installation.bill) for _ in range(2)]
        for report in reports:
            report.result()
        witness.look()
        wait_until_quiet(installation, timeout=_PATIENCE_SECONDS)
    figures = check_invariants(
        installation, scene=scene, charges=charges, witness=witness, most_copies=1
    )
    assert figures.documents == 40
    # Both found charges to bill.
    assert len(installation.sql("SELECT 1 FROM billing_billingrunitem GROUP BY run_id")) == 2


def test_two_schedulers_that_were_away_over_a_months_end_bill_each_charge_once(
    installation: Installation,
) -> None:
    """From 30 January to 2 February. Both ring all the time, and ask for the daily run at once."""
    scene = installation.stage(20, daily_run=True)
    before = charges_for(scene, name="A", lines=4, day=date(2026, 1, 1))
    due = charges_for(scene, name="B", lines=4, day=date(2026, 1, 30))
    installation.take([*before, *due])
    installation.bill("--as-of", "2026-01-29")
    _let_small_runs_be_issued_at_once(installation)
    with installation.programs(default=2, through={BEAT: _doubled}) as programs:
        installation.send("billing.tasks.bill_due_entries", queue="default", times=6)
        wait_until(lambda: _daily_runs(installation) == ["finished"], timeout=_PATIENCE_SECONDS)
        wait_until_quiet(installation, timeout=_PATIENCE_SECONDS)
        assert programs.said(BEAT).count("beat: Starting") == 2
        assert _daily_runs(installation) == ["finished"]
    figures = check_invariants(installation, scene=scene, charges=[*before, *due], most_copies=1)
    # One of each run for each account.
    assert figures.documents == 40
    assert _lines_out_of_order(installation) == 0


@contextmanager
def _starting_together(installation: Installation, *, runs: int) -> Iterator[None]:
    """Nobody can start a run until as many are about to."""
    with postgres.connect(installation.places) as connection, connection.transaction():
        connection.execute("LOCK TABLE billing_billingrun IN EXCLUSIVE MODE")
        yield
        wait_until(lambda: _waiting_for_locks(installation) == runs, timeout=_PATIENCE_SECONDS)


def _waiting_for_locks(installation: Installation) -> int:
    ((count,),) = installation.sql("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
    return int(count)


def _let_small_runs_be_issued_at_once(installation: Installation) -> None:
    installation.sql(
        "UPDATE invoices_seller SET approval_total_limit = 1000000, approval_count_limit = 1000,"
        " approval_change_limit = 10"
    )


def _daily_runs(installation: Installation) -> list[str]:
    """Their states."""
    found = installation.sql("SELECT state FROM billing_billingrun WHERE daily_for IS NOT NULL")
    return [state for (state,) in found]


def _lines_out_of_order(installation: Installation) -> int:
    """Lines that stand above an earlier one of the same document, by the days they were due."""
    ((count,),) = installation.sql(
        "SELECT count(*) FROM (SELECT entry.due_on - lag(entry.due_on)"
        "  OVER (PARTITION BY line.invoice_id ORDER BY line.position) AS days"
        " FROM billing_billingentry entry"
        " JOIN invoices_invoiceline line ON line.id = entry.invoice_line_id) step WHERE days < 0"
    )
    return int(count)


def _doubled(command: Sequence[str]) -> list[str]:
    """Two of the same program."""
    one = shlex.join(command)
    return ["/bin/sh", "-c", f"{one} & exec {one}"]
