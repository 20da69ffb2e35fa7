"""What an outcome does to a message's row: which state it goes to, and when it is due again.

``Claimable.attempts`` counts starts that did not end. An answer of the server, even a refusal, is
an end, and so is the absence of any server: the count goes back to what it was before the attempt.
A crash is none, nor a connection that broke after the content: five of them together are the most
copies that a recipient could get. A document that cannot be read because the storage is away is
nobody's fault either: the message becomes what it was.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now

from common.claims import MAX_ATTEMPTS, Claim, Parked, begin_in_scope, finish, put_back
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from mail.queue import EMAIL_QUEUE, record_failures
from mail.transport import Deferred, Outcome, Refused, Sent, Uncertain, Unreachable

logger = logging.getLogger(__name__)

# Pauses after the first and each further 4xx answer: 73 hours together, then the message fails.
DEFERRAL_DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=60),
    *[timedelta(hours=4)] * 18,
)
# A server that lost its connection after the content needs time to have delivered it or not.
UNCERTAIN_DELAY = timedelta(minutes=5)
# While no server answers, a batch costs one try; this is how soon after it its messages go again.
OUTAGE_DELAY = timedelta(minutes=1)
# While documents cannot be read, messages that carry one wait for as long. The one that was tried
# waits longer than those behind it: should it be the only one that cannot be read, they pass it by.
TRIED_WITHOUT_STORAGE_DELAY = 2 * OUTAGE_DELAY
# A database that restarts is waited for before an outcome is given up: forgetting that a message
# was accepted means sending it again.
_DATABASE_PAUSES_SECONDS = (0.5, 1, 2, 4, 8)

_State = OutgoingEmail.State


@dataclass(frozen=True, slots=True)
class DocumentOutOfReach:
    """The attached document could not be read, nor could any other; no server was asked."""

    reason: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a message and how it ended; ``email`` as it was read before."""

    claimed: Claim
    email: OutgoingEmail
    outcome: Outcome | DocumentOutOfReach


def settle(ended: Attempt | None, *, then_begin: Claim | None = None) -> bool:
    """Record how an attempt ended and begin the next in one transaction: a commit per message.

    Waits for a database that is away for a moment. Returns whether the next was begun.
    """
    for pause in _DATABASE_PAUSES_SECONDS:
        try:
            return _settle_once(ended, then_begin)
        except (OperationalError, InterfaceError) as error:
            logger.warning("an outcome is not recorded yet: %s", error)
            connection.close()
            time.sleep(pause)
    return _settle_once(ended, then_begin)


def fail_unsent(claimed: Claim, *, reason: str) -> None:
    """Fail a message without an attempt. Needs a scope over all accounts."""
    _fail(claimed, reason=reason, last_error=reason)


def put_back_untried(
    claims: Iterable[Claim], emails: Mapping[UUID, OutgoingEmail], *, delay: timedelta
) -> None:
    """Return leased messages whose turn did not come to what they were."""
    by_state: dict[str, list[Claim]] = defaultdict(list)
    for claimed in claims:
        by_state[state_before(emails[claimed.pk])].append(claimed)
    with all_accounts_scope("returning mail that was not tried"):
        for state, alike in by_state.items():
            # One statement for all of them: in an outage this is done to whatever is due.
            OutgoingEmail.objects.filter(
                pk__in=[claimed.pk for claimed in alike],
                state=_State.SENDING,
                lease_token__in={claimed.token for claimed in alike},
            ).update(
                state=state,
                lease_token=None,
                leased_until=None,
                next_attempt_at=Now() + delay,
            )


def _settle_once(ended: Attempt | None, then_begin: Claim | None) -> bool:
    with all_accounts_scope("recording what became of a message"):
        if ended is not None:
            _record(ended.claimed, ended.email, ended.outcome)
        return then_begin is not None and begin_in_scope(EMAIL_QUEUE, then_begin)


def _record(claimed: Claim, email: OutgoingEmail, outcome: Outcome | DocumentOutOfReach) -> None:
    match outcome:
        case Sent(response):
            _mark_sent(claimed, email, response)
        case Deferred(response):
            _settle_deferred(claimed, email, response)
        case Refused(response):
            _fail(claimed, reason=response, attempts=email.attempts, server_response=response)
        case Uncertain(response):
            _settle_uncertain(claimed, email, response)
        case Unreachable(response):
            put_back(
                EMAIL_QUEUE,
                claimed,
                state=_state_while_waiting(email),
                delay=OUTAGE_DELAY,
                attempts=email.attempts,
                server_response=response,
            )
        case DocumentOutOfReach(reason):
            put_back(
                EMAIL_QUEUE,
                claimed,
                state=state_before(email),
                delay=TRIED_WITHOUT_STORAGE_DELAY,
                attempts=email.attempts,
                last_error=reason,
            )


def _mark_sent(claimed: Claim, email: OutgoingEmail, response: str) -> None:
    """``claims.finish`` written out: paid for every message, and the ORM costs three times it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mail_outgoingemail SET state = 'sent', sent_at = clock_timestamp(),"
            "  lease_token = NULL, leased_until = NULL, last_error = '', attempts = %s,"
            "  server_response = %s"
            " WHERE id = %s AND state = 'sending' AND lease_token = %s",
            [email.attempts, response, claimed.pk, claimed.token],
        )
        if not cursor.rowcount:
            # Somebody else has it by now and will send the same bytes again.
            logger.error("email %s was accepted, but its lease was lost", email.pk)


def _settle_deferred(claimed: Claim, email: OutgoingEmail, response: str) -> None:
    columns: dict[str, Any] = {
        "attempts": email.attempts,
        "deferrals": email.deferrals + 1,
        "server_response": response,
    }
    if email.deferrals >= len(DEFERRAL_DELAYS):
        reason = f"given up after {email.deferrals + 1} tries, the last answer being: {response}"
        _fail(claimed, reason=reason, last_error=reason, **columns)
        return
    put_back(
        EMAIL_QUEUE,
        claimed,
        state=_state_while_waiting(email),
        delay=DEFERRAL_DELAYS[email.deferrals],
        **columns,
    )


def _settle_uncertain(claimed: Claim, email: OutgoingEmail, response: str) -> None:
    columns: dict[str, Any] = {"may_have_arrived": True, "server_response": response}
    if email.attempts + 1 >= MAX_ATTEMPTS:
        reason = f"may have arrived, but after {MAX_ATTEMPTS} tries no answer came: {response}"
        _fail(claimed, reason=reason, last_error=reason, **columns)
        return
    put_back(EMAIL_QUEUE, claimed, state=_State.UNCERTAIN, delay=UNCERTAIN_DELAY, **columns)


def _fail(claimed: Claim, *, reason: str, **columns: Any) -> None:
    if finish(EMAIL_QUEUE, claimed, state=_State.FAILED, **columns):
        record_failures([Parked(claimed.pk, claimed.account_id, reason)])


def _state_while_waiting(email: OutgoingEmail) -> str:
    return _State.UNCERTAIN if email.may_have_arrived else _State.DEFERRED


def state_before(email: OutgoingEmail) -> str:
    """What the state was before the claim: every answer leaves its words on the row."""
    return _state_while_waiting(email) if email.server_response else _State.QUEUED
