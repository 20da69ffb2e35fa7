"""The queue of outgoing mail, and what is recorded of mail that will not be tried again."""

import logging
from collections.abc import Sequence

from audit.actions import Action
from audit.recording import Actor, Event, record_many
from common.claims import Parked, Queue
from mail.models import OutgoingEmail

logger = logging.getLogger(__name__)

_ACTOR = Actor.system("mail")


def record_failures(failed: Sequence[Parked]) -> None:
    """Audit and log mail that has failed for good, in the transaction that says so on the rows."""
    record_many(
        [
            Event(
                Action.EMAIL_FAILED,
                account_id=email.account_id,
                subject=f"email {email.pk}",
                details={"reason": email.reason},
            )
            for email in failed
        ],
        actor=_ACTOR,
    )
    for email in failed:
        logger.error("email %s has failed: %s", email.pk, email.reason)


EMAIL_QUEUE = Queue(
    OutgoingEmail,
    due_states=(
        OutgoingEmail.State.QUEUED,
        OutgoingEmail.State.DEFERRED,
        OutgoingEmail.State.UNCERTAIN,
    ),
    working_state=OutgoingEmail.State.SENDING,
    parked_state=OutgoingEmail.State.FAILED,
    record_parked=record_failures,
)
