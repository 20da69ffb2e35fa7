"""What benchmarks/soak.py does, at the smallest size and left alone, and what it would notice."""

import hashlib
from dataclasses import replace

import pytest

from benchmarks._soak_losses import Losses, count_losses
from benchmarks._soak_report import facts, table
from benchmarks._soak_run import Plan, run
from tests.reliability.charges import charges_for, member_of
from tests.reliability.installation import Installation
from tests.reliability.invariants import Witness
from tests.reliability.mailbox import Copy

pytestmark = pytest.mark.slow


def test_small_soak_that_is_left_alone_shows_every_line_and_breaks_none() -> None:
    plan = Plan(invoices=12, kill_every=2.0, seed=1, texts=12)
    outcome = run(plan, disturbed=False, say=print)
    print(*table(plan, outcome, None), sep="\n")
    assert [fact for fact in facts(plan, outcome, None) if not fact.holds] == []
    assert outcome.judgement.figures.accepted == 24
    assert set(outcome.watch.through) == {"drafted", "issued", "stored", "delivered"}


def test_soak_counts_what_was_lost_doubled_left_out_or_altered(installation: Installation) -> None:
    scene = installation.stage(3)
    charges = charges_for(scene)
    installation.take(charges)
    installation.bill()
    # Two series: one that counted on without a document, and one that did not.
    installation.sql(
        "SET session_replication_role = replica;"
        " UPDATE invoices_numberseries SET last_sequence = last_sequence + 2 WHERE prefix = 'INV-'"
    )
    never_handed_on = replace(charges[0], reference="R-never")
    once, altered, double = (
        _copy(member_of("C00001"), content, message_id)
        for content, message_id in ((b"as sent", "<1>"), (b"as altered", "<1>"), (b"new", "<2>"))
    )
    witness = Witness(installation, altered=["a row has changed"])
    assert count_losses(
        installation,
        scene=scene,
        charges=[*charges, never_handed_on],
        copies=[once, once, altered, double],
        witness=witness,
    ) == Losses(
        lost_charges=1,
        # Nobody has rendered them: a PDF and an e-invoice each.
        lost_files=6,
        lost_messages=5,
        double_charges=0,
        double_documents=0,
        double_messages=1,
        gaps=2,
        altered_rows=1,
        altered_files=0,
        altered_messages=1,
    )


def _copy(recipient: str, content: bytes, message_id: str) -> Copy:
    return Copy(
        recipient=recipient,
        sha256=hashlib.sha256(content).hexdigest(),
        head=f"Message-ID: {message_id}\r\n\r\n".encode(),
        content=b"",
        at=0.0,
    )
