"""What the operator is mailed: one message for all that is new at a look.

It goes straight to the mail server, past the queue of outgoing mail: that is among what is watched.
"""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from mail.addresses import envelope_address
from mail.assembly import assemble, needs_smtputf8
from mail.headers import one_line
from mail.models import OutgoingEmail
from mail.transport import Envelope, MailServer, Outcome, Transport
from watching.alarms import KINDS, Code
from watching.memory import News
from watching.models import RaisedAlarm

# For each answer of the mail server. The watchman has other things to do.
_ANSWER_SECONDS: Final = 10
_SUBJECT_LENGTH: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One alarm as the message tells it; ``over_at`` is None while it is there."""

    code: Code
    says: str
    since: datetime | None
    over_at: datetime | None = None

    @property
    def title(self) -> str:
        return KINDS[self.code].title

    @property
    def advice(self) -> str:
        return KINDS[self.code].advice


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What one message says."""

    present: Sequence[Item] = ()
    over: Sequence[Item] = ()

    @property
    def headline(self) -> str:
        """For the subject: the first alarm's title, and how many more there are."""
        items = self.present or self.over
        more = f" and {len(items) - 1} more" if len(items) > 1 else ""
        return f"{'Alarm' if self.present else 'Over'}: {items[0].title}{more}"


def bulletin_of(news: News) -> Bulletin:
    return Bulletin(
        present=[_item(row) for row in news.present], over=[_item(row) for row in news.over]
    )


def send_bulletin(bulletin: Bulletin) -> Outcome:
    """Hand one message over to the mail server; takes a minute or two at the very most.

    Never raises for what a server or network does. Needs neither PostgreSQL nor Redis.
    """
    message = _message(bulletin)
    envelope = Envelope(
        sender=envelope_address(message.sender_address),
        recipient=envelope_address(message.recipient_address),
        smtputf8=needs_smtputf8(message),
    )
    transport = Transport(MailServer.of_settings(timeout=_ANSWER_SECONDS))
    try:
        return transport.send(envelope, assemble(message))
    finally:
        transport.close()


def _message(bulletin: Bulletin) -> OutgoingEmail:
    """A row that is in no table."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    context: dict[str, Any] = {
        "bulletin": bulletin,
        "operator_name": settings.OPERATOR_NAME,
        "page_url": f"{settings.SITE_URL}{reverse('console:alarms')}",
    }
    pk = uuid.uuid4()
    with translation.override("en"), timezone.override(None):
        subject, text, html = (
            render_to_string(f"mail/alarms/{part}", context)
            for part in ("subject.txt", "body.txt", "body.html")
        )
    return OutgoingEmail(
        id=pk,
        kind="alarms",
        sender_address=address,
        sender_name=one_line(name or settings.OPERATOR_NAME, most=_SUBJECT_LENGTH),
        recipient_address=settings.ALARM_EMAIL,
        subject=one_line(subject, most=_SUBJECT_LENGTH),
        text_body=text,
        html_body=html,
        message_id=f"<{pk.hex}@{envelope_address(address).rpartition('@')[2]}>",
        date=timezone.now(),
        boundary=secrets.token_hex(12),
    )


def _item(row: RaisedAlarm) -> Item:
    return Item(
        code=Code(row.code),
        says=row.says,
        since=row.since or row.first_seen_at,
        over_at=row.over_at,
    )
