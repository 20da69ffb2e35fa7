"""Rows that raise, loop for ever, take all memory or kill their process, among a hundred others.

Time limits and leases are divided by ten: what happens to a hundred rows here is what happens to a
thousand with the real ones.
"""

import time
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import LiteralString

import pytest

from common.claims import MAX_ATTEMPTS
from tests.reliability.alterations import Alteration, Harm, Vial, Work
from tests.reliability.charges import charges_for, member_of
from tests.reliability.installation import CommandFailed, Installation, own_installation
from tests.reliability.invariants import Witness, check_invariants
from tests.reliability.processes import DEFAULT, MAIL, RENDER
from tests.reliability.waiting import work_off

pytestmark = pytest.mark.slow

_FASTER = 10
# Beat's sweep, by the same clock.
_SWEEP_SECONDS = 2
_PATIENCE_SECONDS = 120
_TEXTS = 10
# The beginning of what staff read, by what happened each time.
_KILLED = "the worker was killed or ran out of time on every attempt"
# What a process without memory comes to depends on who asks for it last: Python is refused, a C
# library may end the process, and collecting what is left takes processor time.
_REASONS: dict[Harm, tuple[str, ...]] = {
    Harm.RAISES: ("Poisoned: a poisoned row",),
    Harm.LOOPS: ("RenderedTooLong", _KILLED),
    Harm.TAKES_MEMORY: ("MemoryError", "RenderedTooLong", _KILLED),
    Harm.KILLS: (_KILLED,),
}


@pytest.fixture
def altered(installation: Installation) -> Alteration:
    return Alteration(Vial(installation.places.var / "poison.json"), faster=_FASTER)


def test_poisoned_documents_are_parked_and_the_others_hardly_wait(
    installation: Installation, altered: Alteration, template: Path
) -> None:
    """Beside them another installation does the same without poison, on the same processors."""
    scene = installation.stage(100)
    charges = charges_for(scene)
    poisoned = dict(zip(scene.accounts[15::20], Harm, strict=False))
    witness = Witness(installation)
    with ExitStack() as stack:
        undisturbed = stack.enter_context(own_installation(template))
        undisturbed.stage(100)
        for each in (installation, undisturbed):
            each.take(charges)
            each.bill()
            # Without the rings of the run, both begin at the same moment.
            each.restart_redis()
        witness.look()
        for account, harm in poisoned.items():
            [(number,)] = installation.sql(_DOCUMENT, [account])
            altered.vial.pour(harm, into=Work.RENDERING, named=number)
        for each, through in ((installation, {RENDER: altered}), (undisturbed, {})):
            stack.enter_context(each.programs(mail=1, default=0, beat=False, through=through))
        disturbed, usual = _seconds_until_stored((installation, poisoned), (undisturbed, ()))
        # All four kinds at once.
        assert disturbed < 1.5 * usual + 3
        work_off(installation, timeout=_PATIENCE_SECONDS)
        check_invariants(
            installation, scene=scene, charges=charges, parked=set(poisoned), texts=_TEXTS
        )
        parked = dict(_parked(installation, _PARKED_DOCUMENTS))
        assert parked.keys() == poisoned.keys()
        others = {
            harm: parked[account]
            for account, harm in poisoned.items()
            if not parked[account].startswith(_REASONS[harm])
        }
        assert others == {}
        altered.vial.empty()
        installation.by_hand("retry")
        work_off(installation, timeout=_PATIENCE_SECONDS)
        figures = check_invariants(
            installation, scene=scene, charges=charges, witness=witness, texts=_TEXTS
        )
    assert (figures.stored, figures.accepted, figures.second_copies) == (100, 200, 0)


def test_poisoned_messages_fail_visibly_and_the_others_arrive(
    installation: Installation, altered: Alteration
) -> None:
    scene = installation.stage(50)
    charges = charges_for(scene, lines=1)
    poisoned = {scene.accounts[10]: Harm.RAISES, scene.accounts[20]: Harm.KILLS}
    for account, harm in poisoned.items():
        altered.vial.pour(harm, into=Work.SENDING, named=member_of(account))
    installation.take(charges)
    installation.bill()
    with installation.programs(default=0, beat=False, through={MAIL: altered}):
        _wait_until_sent(installation, but=[member_of(account) for account in poisoned])
        assert len(installation.mailbox.copies) == 98
        work_off(installation, timeout=_PATIENCE_SECONDS)
        figures = check_invariants(installation, scene=scene, charges=charges, texts=_TEXTS)
        assert figures.failed == 2
        failed = dict(_parked(installation, _FAILED_MESSAGES))
        assert failed.keys() == poisoned.keys()
        assert all(failed[account].startswith(_REASONS[harm]) for account, harm in poisoned.items())
        altered.vial.empty()
        installation.by_hand("retry")
        work_off(installation, timeout=_PATIENCE_SECONDS)
    figures = check_invariants(installation, scene=scene, charges=charges, texts=_TEXTS)
    assert (figures.accepted, figures.failed, figures.second_copies) == (100, 0, 0)


def test_poisoned_accounts_are_parked_and_the_others_are_billed(
    installation: Installation, altered: Alteration
) -> None:
    """The command is killed by one of them, and workers go on with its run."""
    scene = installation.stage(100)
    charges = charges_for(scene, lines=1)
    poisoned = {scene.accounts[10]: Harm.RAISES, scene.accounts[20]: Harm.KILLS}
    for account, harm in poisoned.items():
        [(key,)] = installation.sql(_ACCOUNT, [account])
        altered.vial.pour(harm, into=Work.DRAFTING, named=str(key))
    installation.take(charges)
    with pytest.raises(CommandFailed) as killed:
        installation.bill(through=altered)
    assert killed.value.status == -9
    with installation.programs(beat=False, through={DEFAULT: altered}):
        work_off(installation, timeout=_PATIENCE_SECONDS)
        figures = check_invariants(
            installation, scene=scene, charges=charges, parked=set(poisoned), texts=_TEXTS
        )
        assert (figures.documents, figures.parked, figures.accepted) == (98, 2, 196)
        parked = dict(_parked(installation, _PARKED_ACCOUNTS))
        assert parked.keys() == poisoned.keys()
        others = {
            harm: parked[account]
            for account, harm in poisoned.items()
            if not parked[account].startswith(_REASONS[harm])
        }
        assert others == {}
        altered.vial.empty()
        installation.by_hand("retry")
        work_off(installation, timeout=_PATIENCE_SECONDS)
    figures = check_invariants(installation, scene=scene, charges=charges, texts=_TEXTS)
    assert (figures.documents, figures.parked, figures.accepted) == (100, 0, 200)


def _seconds_until_stored(*places: tuple[Installation, Collection[str]]) -> list[float]:
    """When each installation had stored the documents of all but those accounts, side by side."""
    began, rung_at = time.monotonic(), 0.0
    ended = dict.fromkeys(range(len(places)), 0.0)
    while not all(ended.values()):
        if time.monotonic() > rung_at + _SWEEP_SECONDS:
            for installation, _ in places:
                installation.ring(RENDER)
            rung_at = time.monotonic()
        for number, (installation, but) in enumerate(places):
            if not ended[number] and not installation.sql(_DOCUMENTS_OF_OTHERS, [list(but)]):
                ended[number] = time.monotonic() - began
        assert time.monotonic() < began + _PATIENCE_SECONDS
        time.sleep(0.1)
    return list(ended.values())


def _wait_until_sent(installation: Installation, *, but: Collection[str]) -> None:
    """Until all but these recipients have their messages, with sweeps as by beat."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while installation.sql(_MESSAGES_OF_OTHERS, [list(but)]):
        assert time.monotonic() < deadline
        installation.ring()
        time.sleep(_SWEEP_SECONDS)


def _parked(installation: Installation, query: LiteralString) -> Collection[tuple[str, str]]:
    """Accounts and reasons of rows that staff see, each after all attempts and with its event."""
    rows = installation.sql(query)
    assert [attempts for *_, attempts, _ in rows] == [MAX_ATTEMPTS] * len(rows)
    assert [reason for _, reason, *_ in rows] == [told for *_, told in rows]
    return [(account, reason) for account, reason, *_ in rows]


_ACCOUNT = "SELECT id FROM accounts_account WHERE external_reference = %s"
_DOCUMENT = """
    SELECT document.number FROM invoices_invoice document
    JOIN accounts_account account ON account.id = account_id WHERE external_reference = %s
"""
_DOCUMENTS_OF_OTHERS = """
    SELECT 1 FROM invoices_document file
    JOIN accounts_account account ON account.id = account_id
    WHERE file.state <> 'stored' AND external_reference <> ALL(%s)
"""
_MESSAGES_OF_OTHERS = """
    SELECT 1 FROM invoices_delivery
    LEFT JOIN mail_outgoingemail email ON email.id = email_id
    WHERE state IS DISTINCT FROM 'sent' AND address <> ALL(%s)
"""
_PARKED_DOCUMENTS = """
    SELECT external_reference, last_error, attempts, details ->> 'reason'
    FROM invoices_document file
    JOIN accounts_account account ON account.id = account_id
    LEFT JOIN audit_auditevent event
        ON action = 'document:parked' AND event.subject = 'document ' || file.id
    WHERE file.state = 'parked'
"""
_FAILED_MESSAGES = """
    SELECT external_reference, last_error, attempts, details ->> 'reason'
    FROM mail_outgoingemail email
    JOIN accounts_account account ON account.id = account_id
    LEFT JOIN audit_auditevent event
        ON action = 'email:failed' AND event.subject = 'email ' || email.id
    WHERE email.state = 'failed'
"""
_PARKED_ACCOUNTS = """
    SELECT external_reference, last_error, attempts, details ->> 'reason'
    FROM billing_billingrunitem item
    JOIN accounts_account account ON account.id = account_id
    LEFT JOIN audit_auditevent event
        ON action = 'billing_run:item_parked' AND event.subject = 'billing run item ' || item.id
    WHERE item.state = 'parked'
"""
