"""What a mail server can do to real mail workers, and what each recipient then has."""

import time

import pytest

from tests.reliability.alterations import Alteration, Vial
from tests.reliability.charges import Scene, billing_contact_of, charges_for, member_of
from tests.reliability.installation import Installation
from tests.reliability.invariants import check_invariants
from tests.reliability.processes import MAIL
from tests.reliability.waiting import wait_until, wait_until_quiet, work_off

pytestmark = pytest.mark.slow

_PATIENCE_SECONDS = 90
# What the limits for an answer and for the last one (20 and 45 s) are divided by.
_FASTER = 4
_ANSWER_SECONDS = 20 / _FASTER
_BROKE_AFTER_CONTENT = (
    "the connection broke after the message had left: "
    "SMTPServerDisconnected: Connection unexpectedly closed"
)


def test_what_a_server_says_about_one_recipient_concerns_nobody_else(
    installation: Installation,
) -> None:
    scene = installation.stage(6)
    mailbox = installation.mailbox
    refused, deferred, kept, dropped = map(member_of, scene.accounts[:4])
    # Three recipients, of whom one is refused.
    owner = _let_the_owner_have_invoices_too(installation, scene.accounts[0])
    mailbox.refuse(refused)
    mailbox.defer(deferred)
    mailbox.lose_answer(kept)
    mailbox.lose_answer(dropped, keep=False)
    charges = charges_for(scene)
    installation.take(charges)
    installation.bill()
    with installation.programs(default=0, beat=False):
        wait_until_quiet(installation, timeout=30, leaving=("deferred", "uncertain"))
        assert _not_sent(installation) == {
            refused: ("failed", "550 5.1.1 no such user here", 0),
            deferred: ("deferred", "451 4.7.1 greylisted, come back later", 0),
            kept: ("uncertain", _BROKE_AFTER_CONTENT, 1),
            dropped: ("uncertain", _BROKE_AFTER_CONTENT, 1),
        }
        has_it = {copy.recipient for copy in mailbox.copies}
        assert has_it == (_recipients(scene) | {owner}) - {refused, deferred, dropped}
        for tries in (2, 3, 4):
            installation.let_pauses_end()
            installation.ring(MAIL)
            _wait_until_deferred(installation, tries)
        mailbox.accept_all()
        work_off(installation, timeout=_PATIENCE_SECONDS)
    figures = check_invariants(installation, charges=charges)
    has_it_again = [copy.recipient for copy in mailbox.copies]
    copies = [has_it_again.count(each) for each in (refused, deferred, kept, dropped)]
    assert copies == [0, 1, 2, 1]
    assert (figures.accepted, figures.second_copies, figures.failed) == (13, 1, 1)


def test_server_that_falls_silent_holds_up_nobody_but_those_it_has_in_hand(
    installation: Installation,
) -> None:
    """One connection at the greeting, one at a sender, one after a content; a fourth goes on."""
    scene = installation.stage(50)
    mailbox = installation.mailbox
    unanswered = billing_contact_of(scene.accounts[30])
    mailbox.silent_after_content.add(unanswered)
    mailbox.hangs.update({"CONNECT": 1, "MAIL": 1})
    hurried = Alteration(Vial(installation.places.var / "nothing"), faster=_FASTER)
    charges = charges_for(scene, lines=1)
    installation.take(charges)
    installation.bill()
    with installation.programs(mail=4, default=0, beat=False, through={MAIL: hurried}) as running:
        with running.frozen(MAIL):
            installation.ring()
            wait_until_quiet(installation, timeout=_PATIENCE_SECONDS, leaving=("queued",))
            installation.ring(*[MAIL] * 4)
        began = time.monotonic()
        wait_until(lambda: len(mailbox.copies) >= 25, timeout=_PATIENCE_SECONDS)
        assert time.monotonic() - began < _ANSWER_SECONDS
        _wait_until_nobody_is_due(installation)
        # A timeout is an end as an answer is: none was counted as a crash.
        told = _not_sent(installation)
        assert {attempts for to, (*_, attempts) in told.items() if to != unanswered} <= {0}
        # Its turn may have been that of the connection without a greeting.
        installation.let_pauses_end()
        _wait_until_nobody_is_due(installation)
        assert _not_sent(installation)[unanswered][:2] == ("uncertain", _TIMED_OUT_AFTER_CONTENT)
        mailbox.accept_all()
        work_off(installation, timeout=_PATIENCE_SECONDS)
    figures = check_invariants(installation, scene=scene, charges=charges)
    assert (figures.accepted, figures.second_copies, figures.failed) == (100, 0, 0)


def test_mail_waits_uncounted_for_a_server_that_is_gone_and_leaves_when_it_is_back(
    installation: Installation,
) -> None:
    scene = installation.stage(6)
    charges = charges_for(scene)
    installation.take(charges)
    with installation.programs(default=0, beat=False):
        with installation.mailbox.gone():
            installation.bill()
            wait_until(lambda: len(_not_sent(installation)) == 12, timeout=30)
            # More often than a message may be begun without an end.
            for _ in range(7):
                installation.let_pauses_end()
                _wait_until_nobody_is_due(installation)
            told = _not_sent(installation).values()
            assert {attempts for *_, attempts in told} == {0}
            assert any("Connection refused" in words for _, words, _ in told)
            assert _most_deferrals(installation) == 0
        work_off(installation, timeout=_PATIENCE_SECONDS)
    figures = check_invariants(installation, scene=scene, charges=charges)
    assert (figures.accepted, figures.second_copies, figures.failed) == (12, 0, 0)


_TIMED_OUT_AFTER_CONTENT = (
    "the connection broke after the message had left: "
    "SMTPServerDisconnected: Connection unexpectedly closed: timed out"
)


def _recipients(scene: Scene) -> set[str]:
    return {address for account in scene.accounts for address in scene.recipients_of(account)}


def _let_the_owner_have_invoices_too(installation: Installation, account: str) -> str:
    installation.sql(
        "UPDATE accounts_membership SET receives_invoices = true FROM accounts_account account"
        " WHERE account.id = account_id AND external_reference = %s AND is_owner",
        [account],
    )
    return f"owner@{account.lower()}.example"


def _not_sent(installation: Installation) -> dict[str, tuple[str, str, int]]:
    """State, words and attempts of messages, by recipient."""
    rows = installation.sql(
        "SELECT recipient_address, state, server_response, attempts FROM mail_outgoingemail"
        " WHERE state <> 'sent'"
    )
    return {recipient: (state, words, attempts) for recipient, state, words, attempts in rows}


def _most_deferrals(installation: Installation) -> int:
    [(deferrals,)] = installation.sql("SELECT max(deferrals) FROM mail_outgoingemail")
    return int(deferrals)


def _wait_until_deferred(installation: Installation, tries: int) -> None:
    wait_until(lambda: _most_deferrals(installation) == tries, timeout=30)


def _wait_until_nobody_is_due(installation: Installation) -> None:
    """Until every message has had its turn, with a sweep every second."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while found := installation.sql(_DUE):
        assert time.monotonic() < deadline, found
        installation.ring(MAIL)
        time.sleep(1)


_DUE = """
    SELECT recipient_address, state, attempts, leased_until - now() FROM mail_outgoingemail
    WHERE state = 'sending'
    OR (state IN ('queued', 'deferred', 'uncertain') AND next_attempt_at <= now())
"""
