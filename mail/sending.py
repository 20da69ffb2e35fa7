"""Sending what is due: batch after batch, each message an attempt of its own."""

import logging
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from backups import witness
from backups.refusals import DatabaseBehind
from common import bell
from common.claims import BATCH_SIZE, Claim, claims_until_empty, fail, finish
from common.scoping import all_accounts_scope
from common.storage import StorageUnavailable
from mail.addresses import comparable, envelope_address
from mail.assembly import assemble, needs_smtputf8
from mail.attachments import Attachments
from mail.links import LinkEnded, put_in
from mail.models import HeldBatch, OutgoingEmail, SuppressedAddress
from mail.queue import EMAIL_QUEUE
from mail.return_path import return_path
from mail.settling import (
    OUTAGE_DELAY,
    Attempt,
    DocumentOutOfReach,
    fail_unsent,
    put_back_untried,
    settle,
    state_before,
)
from mail.transport import Envelope, Outcome, Refused, Transport, Unreachable

logger = logging.getLogger(__name__)

# Shorter than a worker's soft shutdown (30 s), so that a stopped worker ends between two messages
# and not inside one. Whoever runs out of it rings for the next worker.
BUDGET = timedelta(seconds=20)


def send_due(transport: Transport, *, budget: timedelta = BUDGET) -> None:
    """Send until nothing is due, ``budget`` is spent, or no server answers.

    An outage costs one try for each batch, and ends the round: the messages go back with the same
    pause, whether tried or not, and the sweep rings for the next round. While documents cannot be
    read, messages that carry one go back, and the others are sent.
    """
    attachments = Attachments()
    if _hold_if_behind(attachments):
        return
    ends_at = time.monotonic() + budget.total_seconds()
    for claims in claims_until_empty(EMAIL_QUEUE):
        if len(claims) == BATCH_SIZE:
            # There is more than one worker's share.
            bell.ring(bell.SEND_EMAILS)
        if not _send_batch(claims, transport, attachments, ends_at=ends_at):
            return


def _send_batch(
    claims: Sequence[Claim], transport: Transport, attachments: Attachments, *, ends_at: float
) -> bool:
    """Try each message; False when there is no point in claiming more."""
    emails = _sendable(claims)
    waiting = deque(_neighbours_together(claims, emails))
    if not _leave_word(emails.values(), attachments):
        put_back_untried(waiting, emails, delay=OUTAGE_DELAY)
        return False
    set_aside: list[Claim] = []
    ended: Attempt | None = None
    while waiting and not _is_unreachable(ended) and time.monotonic() < ends_at:
        claimed = waiting.popleft()
        if not attachments.are_in_reach(emails[claimed.pk]):
            set_aside.append(claimed)
            continue
        is_begun = settle(ended, then_begin=claimed)
        ended = _attempt(claimed, emails[claimed.pk], transport, attachments) if is_begun else None
    if ended is not None:
        settle(ended)
    if set_aside:
        put_back_untried(set_aside, emails, delay=OUTAGE_DELAY)
    if _is_unreachable(ended):
        put_back_untried(waiting, emails, delay=OUTAGE_DELAY)
        return False
    if waiting:
        put_back_untried(waiting, emails, delay=timedelta())
        bell.ring(bell.SEND_EMAILS)
    return not waiting


def _hold_if_behind(attachments: Attachments) -> bool:
    """Whether nothing may leave: what an older database believes unsent may have been sent.

    A setback that the storage tells of is recorded. A storage that does not answer tells nothing,
    and documents are set aside.
    """
    try:
        setback = witness.find_setback()
    except StorageUnavailable as away:
        _set_documents_aside(attachments, away)
        return False
    if setback:
        logger.error("nothing is sent: %s", setback.in_words())
    return setback is not None


def _leave_word(emails: Collection[OutgoingEmail], attachments: Attachments) -> bool:
    """Leave word beside the documents that some are let out, before the first of a batch is.

    False when nothing may leave. Where no document can, there is no word to leave.
    """
    if attachments.is_storage_away or not any(email.has_attachment for email in emails):
        return True
    try:
        witness.advance()
    except DatabaseBehind:
        return False
    except StorageUnavailable as away:
        _set_documents_aside(attachments, away)
    return True


def _set_documents_aside(attachments: Attachments, away: StorageUnavailable) -> None:
    logger.error("documents cannot be read: %s", away)
    attachments.is_storage_away = True


def _sendable(claims: Sequence[Claim]) -> dict[UUID, OutgoingEmail]:
    """The messages of a claim, less those that must not leave, which are finished here."""
    with all_accounts_scope("reading mail that is due"):
        emails = OutgoingEmail.objects.in_bulk([claimed.pk for claimed in claims])
        held = _held_batches(emails.values())
        suppressed = _suppressed(emails.values())
        for claimed in claims:
            email = emails[claimed.pk]
            if email.batch_id in held:
                finish(EMAIL_QUEUE, claimed, state=OutgoingEmail.State.WITHHELD)
                del emails[claimed.pk]
            elif reason := suppressed.get(comparable(email.recipient_address)):
                fail_unsent(claimed, reason=f"the address is suppressed: {reason}")
                del emails[claimed.pk]
    return emails


def _neighbours_together(
    claims: Sequence[Claim], emails: Mapping[UUID, OutgoingEmail]
) -> list[Claim]:
    """Oldest first, and the mails of one document one after the other."""

    def place(claimed: Claim) -> tuple[datetime, str]:
        email = emails[claimed.pk]
        return email.next_attempt_at, email.attachment_sha256

    return sorted((claimed for claimed in claims if claimed.pk in emails), key=place)


def _held_batches(emails: Collection[OutgoingEmail]) -> set[UUID]:
    """Batches that are held now, and stay so until the transaction ends."""
    batches = {email.batch_id for email in emails if email.batch_id}
    held = HeldBatch.objects.select_for_update(no_key=True).filter(batch_id__in=batches)
    return set(held.values_list("batch_id", flat=True)) if batches else set()


def _suppressed(emails: Collection[OutgoingEmail]) -> dict[str, str]:
    """Reasons by address, spelled as compared."""
    addresses = {comparable(email.recipient_address) for email in emails}
    found = SuppressedAddress.objects.filter(address__in=addresses)
    return dict(found.values_list("address", "reason"))


def _attempt(
    claimed: Claim, email: OutgoingEmail, transport: Transport, attachments: Attachments
) -> Attempt | None:
    """Try a message that has been begun; None when an exception was recorded as its end."""
    outcome: Outcome | DocumentOutOfReach
    try:
        put_in(email)
        content = assemble(email, encoded_attachment=attachments.encoded(email))
        outcome = transport.send(_envelope(email), content)
    except SoftTimeLimitExceeded:
        # The task is over. The leases of this message and of those behind it run out by themselves.
        raise
    except LinkEnded as ended:
        outcome = Refused(str(ended))
    except StorageUnavailable as outage:
        outcome = DocumentOutOfReach(str(outage))
    except Exception as error:
        logger.exception("email %s could not be sent", email.pk)
        fail(EMAIL_QUEUE, claimed, error=error, state=state_before(email))
        return None
    if isinstance(outcome, Unreachable):
        logger.error("the mail server cannot be reached: %s", outcome.response)
    elif isinstance(outcome, DocumentOutOfReach):
        logger.error("documents cannot be read: %s", outcome.reason)
    return Attempt(claimed, email, outcome)


def _is_unreachable(ended: Attempt | None) -> bool:
    return ended is not None and isinstance(ended.outcome, Unreachable)


def _envelope(email: OutgoingEmail) -> Envelope:
    return Envelope(
        # Of the envelope only: the message's own bytes are the same wherever it is returned to.
        sender=return_path(email.pk)
        if settings.BOUNCE_ADDRESS
        else envelope_address(email.sender_address),
        recipient=envelope_address(email.recipient_address),
        smtputf8=needs_smtputf8(email),
    )
