"""Putting mail into the queue, holding it back, letting it go, sending failed mail again."""

import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.recording import Actor, record
from common import bell
from common.exceptions import DomainError
from common.scoping import all_accounts_scope
from mail.addresses import Mailbox, envelope_address
from mail.assembly import header_block
from mail.calling_off import why_called_off
from mail.headers import one_line
from mail.links import LinkTo
from mail.models import HeldBatch, OutgoingEmail
from mail.queue import EMAIL_QUEUE
from mail.service_headers import headers_for_service

_NAME_LENGTH = 250
_SUBJECT_LENGTH = 250
_FILENAME_LENGTH = 200
# RFC 5322, 2.1.1, less the field's name.
_HEADER_VALUE_LENGTH = 900
_DEDUP_NAMESPACE = uuid.UUID("5b1d3ab4-6a57-4c0c-9f5e-0d5c0f6a2c11")

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
# Written by the assembly or by servers: a second one would be ambiguous or a lie.
_RESERVED_HEADERS = frozenset(
    {
        "auto-submitted",
        "bcc",
        "cc",
        "date",
        "dkim-signature",
        "from",
        "message-id",
        "mime-version",
        "received",
        "reply-to",
        "return-path",
        "sender",
        "subject",
        "to",
        "x-auto-response-suppress",
    }
)
# What neither PostgreSQL nor a mail reader takes in running text: control characters other than
# tab and line breaks, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class UnusableHeader(DomainError):
    """A further header field that a message cannot carry."""


class EmailNotFailed(DomainError):
    """Only mail that has failed or come back can be sent again by hand."""


class EmailCalledOff(EmailNotFailed):
    """It failed because what it carries was called off, and so it never goes."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stored document: its key in document storage, and the hash that its bytes must have."""

    key: str
    filename: str
    sha256: str
    content_type: str = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmail:
    """What to send to one recipient. ``dedup_key`` is made of ids and names this message for ever.

    ``headers`` are further fields in ASCII, such as References. An address is kept as given; names
    and the subject are brought to one line.
    """

    kind: str
    dedup_key: str
    sender: Mailbox
    recipient: Mailbox
    subject: str
    text_body: str
    html_body: str = ""
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    attachment: Attachment | None = None
    account_id: int | None = None
    batch_id: uuid.UUID | None = None
    # The one link that carries a token, and what stands for it in the bodies until it is sent.
    link: LinkTo | None = None
    link_marker: str = ""


def email_id(dedup_key: str) -> uuid.UUID:
    """The primary key of the message with this key, whether or not it has been queued yet."""
    return uuid.uuid5(_DEDUP_NAMESPACE, dedup_key)


def enqueue(new: NewEmail) -> uuid.UUID:
    """Queue one message and ring on commit; returns its id. See ``enqueue_many``."""
    return enqueue_many([new])[0]


def enqueue_many(emails: Sequence[NewEmail]) -> list[uuid.UUID]:
    """Queue messages in one statement, in the caller's transaction; returns their ids in order.

    A message whose ``dedup_key`` has been queued before is left as it is. Needs the scope of the
    accounts named; mail of no account can be queued without one. Raises UnusableAddress or
    UnusableHeader, before anything is written, for what could never be put together.
    """
    rows = [_row(new) for new in emails]
    for row in rows:
        header_block(row)
    # Without RETURNING: a row of no account is hidden from whoever wrote it.
    OutgoingEmail.objects.bulk_create(rows, ignore_conflicts=True)
    bell.ring(bell.SEND_EMAILS)
    return [row.pk for row in rows]


def withhold(batch_id: uuid.UUID) -> int:
    """Hold back all mail of a batch that has not left; returns how many messages that stopped now.

    Messages that are queued for it later, or that a worker has its hands on, are held when their
    turn comes. One that a server is being given at this moment may still go.
    """
    with all_accounts_scope("withholding the mail of a batch"):
        HeldBatch.objects.bulk_create([HeldBatch(batch_id=batch_id)], ignore_conflicts=True)
        # Leased, but not begun: the worker will find that it lost the lease.
        leased = Q(state=EMAIL_QUEUE.working_state, attempts=0)
        # Rows that a worker has locked are passed over; waiting for them could be a deadlock.
        idle = (
            OutgoingEmail.objects.filter(batch_id=batch_id)
            .filter(Q(state__in=EMAIL_QUEUE.due_states) | leased)
            .select_for_update(skip_locked=True, no_key=True)
        )
        return OutgoingEmail.objects.filter(pk__in=idle.values("pk")).update(
            state=OutgoingEmail.State.WITHHELD, lease_token=None, leased_until=None
        )


def release(batch_id: uuid.UUID) -> int:
    """Let the mail of a batch go; returns how many messages were withheld."""
    with all_accounts_scope("releasing the mail of a batch"):
        HeldBatch.objects.filter(batch_id=batch_id).delete()
        released = OutgoingEmail.objects.filter(
            batch_id=batch_id, state=OutgoingEmail.State.WITHHELD
        ).update(state=OutgoingEmail.State.QUEUED, next_attempt_at=Now())
        bell.ring(bell.SEND_EMAILS)
        return released


def retry(email: OutgoingEmail, *, actor: Actor) -> None:
    """Queue a message that failed or came back again, unchanged, with all its attempts before it.

    Raises EmailNotFailed or EmailCalledOff. Needs the scope of the message's account, or of all
    for one of none.
    """
    with transaction.atomic():
        # The state is in the condition: two people who press the button at once send it once.
        queued = OutgoingEmail.objects.filter(
            pk=email.pk, state__in=(OutgoingEmail.State.FAILED, OutgoingEmail.State.BOUNCED)
        ).update(state=OutgoingEmail.State.QUEUED, attempts=0, deferrals=0, next_attempt_at=Now())
        if not queued:
            raise EmailNotFailed(_("This message has not failed, so it is not sent again."))
        if reason := why_called_off(email):
            raise EmailCalledOff(reason)
    record(
        Action.EMAIL_RETRIED,
        actor=actor,
        account_id=email.account_id,
        subject=f"email {email.pk}",
        details={"kind": email.kind, "recipient": email.recipient_address},
    )
    bell.ring(bell.SEND_EMAILS)


def _row(new: NewEmail) -> OutgoingEmail:
    pk = email_id(new.dedup_key)
    sender_domain = envelope_address(new.sender.address).rpartition("@")[2]
    attached = new.attachment
    return OutgoingEmail(
        id=pk,
        dedup_key=new.dedup_key,
        account_id=new.account_id,
        batch_id=new.batch_id,
        kind=new.kind,
        state=OutgoingEmail.State.QUEUED,
        sender_address=new.sender.address,
        sender_name=one_line(new.sender.name, most=_NAME_LENGTH),
        reply_to=new.reply_to,
        recipient_address=new.recipient.address,
        recipient_name=one_line(new.recipient.name, most=_NAME_LENGTH),
        subject=one_line(new.subject, most=_SUBJECT_LENGTH),
        text_body=_UNPRINTABLE.sub("", new.text_body),
        html_body=_UNPRINTABLE.sub("", new.html_body),
        headers={**_checked_headers(new.headers), **headers_for_service(pk)},
        message_id=f"<{pk.hex}@{sender_domain}>",
        date=timezone.now(),
        boundary=secrets.token_hex(12),
        attachment_key=attached.key if attached else "",
        attachment_filename=_filename(attached.filename) if attached else "",
        attachment_sha256=attached.sha256 if attached else "",
        attachment_content_type=attached.content_type if attached else "",
        link_purpose=new.link.purpose if new.link else "",
        link_row=new.link.row if new.link else None,
        link_marker=new.link_marker,
    )


def _filename(name: str) -> str:
    """A name that stays one in the recipient's folder: no separators of any system."""
    return one_line(re.sub(r"[/\\:]", "_", name), most=_FILENAME_LENGTH)


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        reserved = name.lower() in _RESERVED_HEADERS or name.lower().startswith("content-")
        printable = value.isascii() and value.isprintable() and " ".join(value.split()) == value
        if (
            reserved
            or not _HEADER_NAME.fullmatch(name)
            or not (printable and 0 < len(value) <= _HEADER_VALUE_LENGTH)
        ):
            raise UnusableHeader(
                _("A message cannot carry the header field %(name)s.") % {"name": ascii(name)}
            )
    return dict(headers)
