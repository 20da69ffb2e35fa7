"""Caught mail made readable: the parts of a message that a mail program would show.

Text messages lie among it, under an address made of their number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from itertools import islice
from pathlib import Path

from mail.mailbox import CaughtMessage, caught_messages
from twofactor.sms.gateways.mailbox import DOMAIN as TEXT_MESSAGES

PAGE_LENGTH = 50


@dataclass(frozen=True, slots=True)
class Heading:
    """A message in the list. Addresses are those that the mail server was told, or a number."""

    key: str
    accepted_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    content_type: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message opened."""

    heading: Heading
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    attachments: tuple[Attachment, ...]


def headings(folder: Path, *, before: str = "", recipient: str = "") -> list[Heading]:
    """A page and one more, newest first.

    Those older than key ``before`` and to an address that has ``recipient`` in it, where given.
    """
    wanted = recipient.strip().lower()
    found = (
        message
        for message in caught_messages(folder)
        if (not before or message.key < before)
        and any(wanted in address.lower() for address in message.envelope.recipients)
    )
    return [_heading(message) for message in islice(found, PAGE_LENGTH + 1)]


def open_letter(message: CaughtMessage) -> Letter:
    parsed = message_from_bytes(message.content(), _class=EmailMessage, policy=default)
    return Letter(
        heading=_heading(message),
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        text=_body(parsed, "plain"),
        html=_body(parsed, "html"),
        attachments=tuple(_attachments(parsed)),
    )


def _heading(message: CaughtMessage) -> Heading:
    headers = BytesHeaderParser(policy=default).parsebytes(message.content())
    return Heading(
        key=message.key,
        accepted_at=datetime.fromisoformat(message.envelope.accepted_at),
        sender=message.envelope.sender,
        recipients=tuple(
            address.removesuffix(f"@{TEXT_MESSAGES}") for address in message.envelope.recipients
        ),
        subject=str(headers.get("Subject", "")),
    )


def _body(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""


def _attachments(parsed: EmailMessage) -> Iterator[Attachment]:
    for part in parsed.iter_attachments():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield Attachment(part.get_filename("attachment"), part.get_content_type(), content)
