"""What a message in the mailbox of returned mail says became of one of ours.

Believed is only what came to the return path of a message (mail.return_path), which nobody can make
who has not got that message. A report after RFC 3464 says everything else in fields. What servers
write in words of their own is recognised by flufl.bounce, and believed if it names the recipient
of that message: answers of people and machines come to the same address.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice
from uuid import UUID

from flufl.bounce import all_failures

from common.scoping import all_accounts_scope
from mail.addresses import comparable
from mail.bounces import WORDS_LENGTH, Report
from mail.models import MailReport, OutgoingEmail
from mail.return_path import message_of
from mail.return_words import REFUSAL

SOURCE = "mailbox"
# A report comes before the message that it returns, which may be long: more is not read.
MOST_READ = 512 * 1024
# The same in lines, since the parser makes a message of each blank line within a report.
_MOST_LINES = 10_000
# What servers write in words stands at the top, and patterns are looked for in all that is given.
_MOST_READ_IN_WORDS = 64 * 1024
# Groups of fields in a report: one on the server, one on each recipient, of which we have one.
_MOST_BLOCKS = 50

# Where servers write whom a message was delivered to.
_RECIPIENT_FIELDS = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "to",
)
_MOST_ADDRESSES = 50
# Of the fields in a report: "smtp; 550 5.1.1 …".
_TYPE_OF_FIELD = re.compile(r"^\s*[\w-]+\s*;\s*")
_Kind = MailReport.Kind
# The worst is what counts: a report may speak of several servers on the way.
_ACTIONS = (
    ("failed", _Kind.RETURNED),
    # What OpenSMTPD writes.
    ("error", _Kind.RETURNED),
    ("delayed", _Kind.DELAYED),
    ("delivered", _Kind.DELIVERED),
)


class NoReport(Exception):
    """A message that says nothing of what became of ours, or does not prove of which."""


@dataclass(frozen=True, slots=True)
class _Said:
    kind: MailReport.Kind
    status: str = ""
    words: str = ""
    recipient: str = ""
    happened_at: datetime | None = None


def read_returned(content: bytes, *, delivered_to: str = "") -> Report:
    """The report in a message; ``delivered_to`` is what the server says besides its headers.

    Raises NoReport.
    """
    content = b"".join(content[:MOST_READ].splitlines(keepends=True)[:_MOST_LINES])
    message = message_from_bytes(content)
    pk = _message_meant(message, delivered_to)
    if pk is None:
        raise NoReport("it did not come to the return path of a message of ours")
    said = _complaint(message) or _in_fields(message) or _in_words(content, pk)
    if said is None:
        raise NoReport("it is no report that mail was returned: an answer, perhaps")
    named = _text(message, "message-id") or hashlib.sha256(content).hexdigest()
    return Report(
        source=SOURCE,
        # With the kind: a report of several servers may be told as one and as another.
        event_id=f"{pk.hex}/{said.kind}/{hashlib.sha256(named.encode()).hexdigest()[:32]}",
        kind=said.kind,
        email_id=pk,
        about=str(pk),
        recipient=said.recipient,
        # Of what never was permanent in itself, the server has only lost patience.
        is_permanent=not said.status.startswith("4"),
        status=said.status,
        words=said.words,
        happened_at=said.happened_at,
    )


def _message_meant(message: Message, delivered_to: str) -> UUID | None:
    """By the first return path among the addresses that the message was delivered to."""
    texts = [delivered_to]
    texts += [text for name in _RECIPIENT_FIELDS for text in _texts(message, name)]
    # RFC 5965: the report of a complaint names the envelope sender of what is complained about.
    texts += [
        text
        for block in _blocks(message, "message/feedback-report")
        for text in _texts(block, "original-mail-from")
    ]
    addresses = [address for _name, address in getaddresses(texts)][:_MOST_ADDRESSES]
    return next((pk for address in addresses if (pk := message_of(address))), None)


def _complaint(message: Message) -> _Said | None:
    """A report in the Abuse Reporting Format (RFC 5965)."""
    for block in _blocks(message, "message/feedback-report"):
        if _text(block, "feedback-type").lower() == "abuse":
            return _Said(_Kind.COMPLAINT, words="reported as spam", happened_at=_time(block))
    return None


def _in_fields(message: Message) -> _Said | None:
    """What a delivery status notification (RFC 3464) says of its one recipient."""
    found = [
        said
        for block in _blocks(message, "message/delivery-status")
        if (said := _of_recipient(block))
    ]
    kinds = list(dict(_ACTIONS).values())
    return min(found, key=lambda said: kinds.index(said.kind), default=None)


def _of_recipient(block: Message) -> _Said | None:
    action = _text(block, "action").lower()
    kind = next((kind for word, kind in _ACTIONS if action.startswith(word)), None)
    if kind is None:
        return None
    words = _value(block, "diagnostic-code")
    return _Said(
        kind,
        status=_best_status(_text(block, "status"), words),
        words=words,
        recipient=_value(block, "original-recipient") or _value(block, "final-recipient"),
        happened_at=_time(block),
    )


def _in_words(content: bytes, pk: UUID) -> _Said | None:
    """What flufl.bounce recognises, if it names the recipient of the message."""
    recipient = _recipient_of(pk)
    message = message_from_bytes(content[:_MOST_READ_IN_WORDS])
    if not getaddresses(_texts(message, "from")):
        # One of its detectors takes the first address of From, whether there is one or not.
        del message["from"]
        message["From"] = "<>"
    delayed, returned = (
        {comparable(address.decode("ascii", errors="replace")) for address in addresses}
        for addresses in all_failures(message)
    )
    if not recipient or recipient not in delayed | returned:
        return None
    words = _readable(message)
    kind = _Kind.RETURNED if recipient in returned else _Kind.DELAYED
    return _Said(kind, status=_best_status("", words), words=words, recipient=recipient)


def _recipient_of(pk: UUID) -> str:
    with all_accounts_scope("a return path names nothing but its message"):
        found = OutgoingEmail.objects.filter(pk=pk).values_list("recipient_address", flat=True)
        return comparable(found.first() or "")


def _best_status(given: str, words: str) -> str:
    """The code that says most: Exim, for one, writes 5.0.0 beside an answer of 550 5.1.1."""
    status = match[0] if (match := REFUSAL.search(given)) else ""
    if status and not status.endswith(".0.0"):
        return status
    return match[0] if (match := REFUSAL.search(words)) else status


def _parts(message: Message, content_type: str) -> Iterator[Message]:
    """Of the report itself: not of the message that it returns."""
    parts = message.get_payload() if message.is_multipart() else [message]
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, Message) and part.get_content_type() == content_type:
            yield part


def _blocks(message: Message, content_type: str) -> Iterator[Message]:
    """Groups of fields in the parts of that type, each parsed like a header; the first of many."""
    parts = _parts(message, content_type)
    return islice((block for part in parts for block in _blocks_of(part)), _MOST_BLOCKS)


def _blocks_of(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (block for block in payload if isinstance(block, Message))
    elif isinstance(payload, str):
        for text in re.split(r"\r?\n\s*\r?\n", payload, maxsplit=_MOST_BLOCKS):
            yield message_from_bytes(text.encode("utf-8", errors="replace"))


def _readable(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            octets = part.get_payload(decode=True)
            if isinstance(octets, bytes):
                return octets.decode("utf-8", errors="replace").strip()[:WORDS_LENGTH]
    return ""


def _texts(message: Message, name: str) -> list[str]:
    return [str(value) for value in message.get_all(name, [])]


def _text(message: Message, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _value(block: Message, name: str) -> str:
    """A field's value without its type: "rfc822; name@example.com"."""
    return _TYPE_OF_FIELD.sub("", _text(block, name))


def _time(block: Message) -> datetime | None:
    written = _text(block, "last-attempt-date") or _text(block, "arrival-date")
    try:
        found = parsedate_to_datetime(written)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else None
