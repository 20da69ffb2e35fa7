"""What became of a message after a server took it, from whatever source tells of it.

A source (an email service's webhook, the mailbox of returned mail) hands over a ``Report``. It may
tell twice, late, in any order, to several processes at once: the row of the message is locked
first, a report has one row, and what it does follows from both.
"""

import hashlib
import logging
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from audit.actions import Action
from audit.recording import Actor, record
from common.scoping import all_accounts_scope
from mail.models import ADDRESS_LENGTH, MailReport, OutgoingEmail, SuppressedAddress
from mail.return_words import STATUS, says_address_is_dead
from mail.returned_hooks import RETURNED
from mail.suppressing import suppress_for_report

logger = logging.getLogger(__name__)

_ACTOR = Actor.system("returned mail")
_REPORT_NAMESPACE = uuid.UUID("0c7a9e52-7a43-4d0f-8a4e-0f3f6a1f27d5")
_EVENT_ID_LENGTH = 250
_ABOUT_LENGTH = 320
WORDS_LENGTH = 1000
# At one look; the next is a minute later.
_SETTLED_AT_ONCE = 500
# What a server or service tells of one message, with room for several on the way. Whoever has the
# message can write reports on it, and each would be a row for ever.
MOST_REPORTS_OF_A_KIND = 20
# Servers give up within days, and readers complain about what they have just read.
REPORTED_WITHIN = timedelta(weeks=8)
# By how much the clock of whoever reports may be ahead.
_MOST_AHEAD = timedelta(days=1)

_MESSAGE_ID = re.compile(r"<?(?P<id>[0-9a-f]{32})@(?P<domain>[^\s<>@]+?)>?", re.IGNORECASE)
# What came back is to be seen, also if it was never ours. That strangers' mail arrived is not.
_KEPT_WITHOUT_MESSAGE = frozenset({MailReport.Kind.RETURNED, MailReport.Kind.COMPLAINT})
_Kind = MailReport.Kind
_State = OutgoingEmail.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One event as a source told it; ``event_id`` is the source's own name for it.

    ``email_id`` is given where the source proves which message it means. Otherwise ``about`` is
    taken for our Message-ID, if it is one. ``is_permanent`` is of interest for what was returned:
    False where the source gave up on something that may pass.
    """

    source: str
    event_id: str
    kind: MailReport.Kind
    email_id: uuid.UUID | None = None
    about: str = ""
    recipient: str = ""
    is_permanent: bool = True
    status: str = ""
    words: str = ""
    happened_at: datetime | None = None


def take_report(report: Report) -> bool:
    """Keep a report and do what follows from it; False when it was known, or is nobody's concern.

    Nobody's concern are also reports on what was sent long ago, and ever more on one message. A
    report about a message that a worker has in its hands is kept and waits: see
    ``settle_waiting_reports``. Opens its own transaction, and raises for a database that is away.
    """
    with all_accounts_scope("a report names nothing but its message"):
        # Locked before the report is looked for, so that two of the same come one by one.
        email = _lock(report)
        if email is None and report.kind not in _KEPT_WITHOUT_MESSAGE:
            return False
        row = _row(report, email)
        if MailReport.objects.filter(pk=row.pk).exists():
            return False
        if email is not None and (_is_long_ago(email) or _is_one_too_many(row)):
            logger.warning("%s tells of email %s too late or too often", row.source, email.pk)
            return False
        MailReport.objects.bulk_create([row], ignore_conflicts=True)
        if email is not None:
            _settle(row, email)
        else:
            logger.warning("%s tells of a message that is not known: %s", row.source, row.about)
    return True


def settle_waiting_reports() -> int:
    """Do what follows from reports that found their message in a worker's hands; returns how many.

    Each in a transaction of its own.
    """
    with all_accounts_scope("looking for reports that wait"):
        waiting = MailReport.objects.filter(settled_at=None, email__isnull=False)
        keys = list(
            waiting.order_by("received_at").values_list("pk", "email_id")[:_SETTLED_AT_ONCE]
        )
    return sum(_settle_waiting(pk, email_id) for pk, email_id in keys)


def _settle_waiting(pk: uuid.UUID, email_id: uuid.UUID) -> bool:
    with all_accounts_scope("settling a report"):
        email = _locked(email_id)
        row = MailReport.objects.filter(pk=pk, settled_at=None).first()
        return email is not None and row is not None and _settle(row, email)


def _settle(row: MailReport, email: OutgoingEmail) -> bool:
    """Do what follows from a report about a locked message, unless it is in a worker's hands."""
    if row.kind in (_Kind.RETURNED, _Kind.COMPLAINT):
        if email.state == _State.SENDING:
            # The worker is about to write what the server said; then this can be compared with it.
            return False
        if row.kind == _Kind.RETURNED:
            _mark_returned(row, email)
        _suppress(row, email)
    MailReport.objects.filter(pk=row.pk).update(settled_at=Now())
    return True


def _mark_returned(row: MailReport, email: OutgoingEmail) -> None:
    """Only of a message that some server had taken; any other goes its own way."""
    returned = OutgoingEmail.objects.filter(
        pk=email.pk, state__in=(_State.SENT, _State.UNCERTAIN)
    ).update(
        state=_State.BOUNCED,
        # Of an uncertain one it is known only now that it was taken.
        sent_at=Coalesce("sent_at", Now()),
        returned_at=row.happened_at or Now(),
        returned_status=row.status,
        returned_words=row.words,
    )
    if returned:
        record(
            Action.EMAIL_RETURNED,
            actor=_ACTOR,
            account_id=email.account_id,
            subject=f"email {email.pk}",
            details={
                "recipient": email.recipient_address,
                "status": row.status,
                "said": row.words,
                "source": row.source,
            },
        )


def _suppress(row: MailReport, email: OutgoingEmail) -> None:
    """Send nothing more to an address that is dead, or whose reader does not want it."""
    if row.kind == _Kind.COMPLAINT:
        kind = SuppressedAddress.Kind.COMPLAINT
    elif row.is_permanent and says_address_is_dead(row.status):
        kind = SuppressedAddress.Kind.RETURNED
    else:
        return
    suppressed = suppress_for_report(
        email.recipient_address,
        kind=kind,
        status=row.status,
        words=row.words,
        actor=_ACTOR,
    )
    if suppressed is not None:
        for tell in RETURNED.functions():
            tell(suppressed)


def _lock(report: Report) -> OutgoingEmail | None:
    """The message that a report is about, locked until the end of the transaction."""
    if report.email_id is not None:
        return _locked(report.email_id)
    named = _MESSAGE_ID.fullmatch(report.about.strip())
    if named is None:
        return None
    email = _locked(uuid.UUID(hex=named["id"]))
    wanted = f"<{named['id']}@{named['domain']}>".lower()
    return email if email is not None and email.message_id.lower() == wanted else None


def _locked(pk: uuid.UUID) -> OutgoingEmail | None:
    rows = OutgoingEmail.objects.select_for_update(no_key=True).defer("text_body", "html_body")
    return rows.filter(pk=pk).first()


def _is_long_ago(email: OutgoingEmail) -> bool:
    if email.state == _State.SENDING:
        # Perhaps held back for long, and taken by a server at this moment.
        return False
    last_sent = max(email.created_at, email.sent_at or email.created_at)
    return timezone.now() - last_sent > REPORTED_WITHIN


def _is_one_too_many(row: MailReport) -> bool:
    reports = MailReport.objects.filter(email=row.email_id, kind=row.kind)
    return reports.count() >= MOST_REPORTS_OF_A_KIND


def _row(report: Report, email: OutgoingEmail | None) -> MailReport:
    event_id = _plain(report.event_id)
    if len(event_id) > _EVENT_ID_LENGTH:
        event_id = hashlib.sha256(event_id.encode()).hexdigest()
    return MailReport(
        id=uuid.uuid5(_REPORT_NAMESPACE, f"{report.source}\0{event_id}"),
        source=report.source,
        event_id=event_id,
        account_id=email.account_id if email else None,
        email=email,
        kind=report.kind,
        is_permanent=report.kind == _Kind.RETURNED and report.is_permanent,
        status=report.status if STATUS.fullmatch(report.status) else "",
        words=_plain(report.words)[:WORDS_LENGTH],
        about=_plain(report.about)[:_ABOUT_LENGTH],
        recipient=_plain(report.recipient)[:ADDRESS_LENGTH],
        happened_at=_believable(report.happened_at, email),
    )


def _believable(told: datetime | None, email: OutgoingEmail | None) -> datetime | None:
    """When it happened, if it can have been then; None for what a clock or a liar made up.

    Servers write any year at all. PostgreSQL keeps some that Python cannot read back, which would
    make the row and every page with it unreadable.
    """
    if told is None:
        return None
    now = timezone.now()
    earliest = email.created_at if email is not None else now - REPORTED_WITHIN
    try:
        happened_at = told.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return happened_at if earliest <= happened_at <= now + _MOST_AHEAD else None


def _plain(text: str) -> str:
    """On one line, without what neither a database nor a page takes."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
