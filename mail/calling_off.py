"""Mail that is called off: stopped for good before it leaves.

Decided under the locks of the messages' rows. Rows that a worker has locked at this moment are not
waited for, since that could be a deadlock: they count as under way.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from mail.calling_off_hooks import CALLED_OFF
from mail.models import OutgoingEmail

_State = OutgoingEmail.State


@dataclass(slots=True)
class Progress:
    """How far messages have got, by address; ``waiting`` are those that can still be stopped."""

    accepted: list[str] = field(default_factory=list)
    may_have_arrived: list[str] = field(default_factory=list)
    under_way: list[str] = field(default_factory=list)
    waiting: list[UUID] = field(default_factory=list)


def progress_of(pks: Collection[UUID]) -> Progress:
    """To look at. Needs the scope of the messages' account."""
    return _sorted_out(OutgoingEmail.objects.filter(pk__in=pks))


def lock_progress(pks: Collection[UUID]) -> Progress:
    """The same, and it stays so until the transaction ends."""
    rows = OutgoingEmail.objects.filter(pk__in=pks).order_by("pk")
    locked = list(rows.select_for_update(skip_locked=True, no_key=True))
    progress = _sorted_out(locked)
    if len(locked) < len(pks):
        elsewhere = rows.exclude(pk__in=[email.pk for email in locked])
        progress.under_way += elsewhere.values_list("recipient_address", flat=True)
    return progress


def call_off(waiting: Collection[UUID], *, reason: str) -> None:
    """Fail messages that ``lock_progress`` found waiting.

    Failed and not withheld, so that releasing their batch does not send them.
    """
    OutgoingEmail.objects.filter(pk__in=waiting).update(
        state=_State.FAILED, lease_token=None, leased_until=None, last_error=reason
    )


def why_called_off(email: OutgoingEmail) -> str:
    """Why it must never be sent again; empty when it may be.

    Lock its row first: whoever calls off does the same, or is seen here.
    """
    reasons = (reason_against(email) for reason_against in CALLED_OFF.functions())
    return next(filter(None, reasons), "")


def _sorted_out(emails: Iterable[OutgoingEmail]) -> Progress:
    progress = Progress()
    for email in emails:
        if email.sent_at is not None or email.state in (_State.SENT, _State.BOUNCED):
            progress.accepted.append(email.recipient_address)
        elif email.state == _State.SENDING:
            progress.under_way.append(email.recipient_address)
        elif email.may_have_arrived or email.state == _State.UNCERTAIN or email.attempts:
            # A start that never ended: its process may have been killed after the content.
            progress.may_have_arrived.append(email.recipient_address)
        elif email.state != _State.FAILED:
            progress.waiting.append(email.pk)
    return progress
