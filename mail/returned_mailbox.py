"""The mailbox of returned mail, read over IMAP.

A message is deleted once what it says is committed. One that says nothing, or that cannot be read,
stays in the mailbox with a flag and is not read again: people look at those.
"""

import imaplib
import logging
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from urllib.parse import unquote, urlsplit

from django.db import InterfaceError, OperationalError

from mail.bounces import take_report
from mail.reading_returns import MOST_READ, NoReport, read_returned
from mail.returned_hooks import MAILBOX_READ

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 20
_PORT, _PORT_WITH_TLS = 143, 993
# A task may take 90 seconds; what is left is read at the next round.
BUDGET = timedelta(seconds=45)
_UNREAD = ("UNDELETED", "UNFLAGGED")


class MailboxUnreachable(Exception):
    """No mailbox could be opened, or the connection to it broke."""


@dataclass(frozen=True, slots=True)
class MailboxPlace:
    """Where the mailbox is. Not shown whole: its password is in it."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    is_encrypted: bool

    @classmethod
    def of_url(cls, url: str) -> Self:
        """``imaps://user:password@host/INBOX``, what is special in it written as %40."""
        parts = urlsplit(url)
        is_encrypted = parts.scheme == "imaps"
        return cls(
            host=parts.hostname or "",
            port=parts.port or (_PORT_WITH_TLS if is_encrypted else _PORT),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            folder=unquote(parts.path.strip("/")) or "INBOX",
            is_encrypted=is_encrypted,
        )

    def __repr__(self) -> str:
        return f"MailboxPlace({self.host}:{self.port}/{self.folder})"


@dataclass(frozen=True, slots=True)
class Round:
    """What one reading of the mailbox came to. ``left`` are flagged, and stay for people."""

    taken: int = 0
    left: int = 0


def read_mailbox(place: MailboxPlace, *, budget: timedelta = BUDGET) -> Round:
    """Read what is new until nothing is, or ``budget`` is spent.

    Raises MailboxUnreachable, and what a database raises that is away: then no message is touched
    whose effect is not committed.
    """
    ends_at = time.monotonic() + budget.total_seconds()
    taken = left = 0
    with _opened(place) as mailbox:
        for uid in _new(mailbox):
            if time.monotonic() >= ends_at:
                break
            if take_message(_content(mailbox, uid)):
                _flag(mailbox, uid, "\\Deleted")
                taken += 1
            else:
                _flag(mailbox, uid, "\\Flagged")
                left += 1
        if taken:
            _expect(mailbox.expunge())
    for note in MAILBOX_READ.functions():
        note()
    if taken or left:
        logger.info("returned mail: %s read, %s left in the mailbox", taken, left)
    return Round(taken, left)


def take_message(content: bytes, *, delivered_to: str = "") -> bool:
    """Do what follows from one message; False when it is for people to look at.

    Whatever is wrong with a message holds up no other. Raises what a database raises that is away.
    """
    try:
        take_report(read_returned(content, delivered_to=delivered_to))
    except NoReport as reason:
        logger.info("a message in the mailbox of returned mail is left: %s", reason)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("a message in the mailbox of returned mail cannot be read")
    else:
        return True
    return False


@contextmanager
def _opened(place: MailboxPlace) -> Iterator[imaplib.IMAP4]:
    """Signed in and in the folder; errors of the protocol and the network are of one kind after."""
    try:
        mailbox = _connected(place)
        try:
            mailbox.login(place.user, place.password)
            _expect(mailbox.select(_quoted(place.folder)))
            yield mailbox
        finally:
            _leave(mailbox)
    # In imaplib, a broken connection is a kind of error too.
    except (OSError, imaplib.IMAP4.error) as error:
        raise MailboxUnreachable(f"{place!r}: {type(error).__name__}: {error}") from error


def _leave(mailbox: imaplib.IMAP4) -> None:
    """A connection that is broken already is let go of all the same."""
    try:
        mailbox.logout()
    except (OSError, imaplib.IMAP4.error):
        with suppress(OSError):
            mailbox.shutdown()


def _connected(place: MailboxPlace) -> imaplib.IMAP4:
    if not place.is_encrypted:
        return imaplib.IMAP4(place.host, place.port, timeout=_TIMEOUT_SECONDS)
    # Certificates are checked: a context of imaplib's own making checks none.
    context = ssl.create_default_context()
    return imaplib.IMAP4_SSL(place.host, place.port, ssl_context=context, timeout=_TIMEOUT_SECONDS)


def _new(mailbox: imaplib.IMAP4) -> list[str]:
    found = _expect(mailbox.uid("SEARCH", *_UNREAD))
    return [
        uid.decode("ascii") for line in found if isinstance(line, bytes) for uid in line.split()
    ]


def _content(mailbox: imaplib.IMAP4, uid: str) -> bytes:
    """The beginning of a message, as much as is read of any; without marking it as seen."""
    answer = _expect(mailbox.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_READ}>)"))
    return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), b"")


def _flag(mailbox: imaplib.IMAP4, uid: str, flag: str) -> None:
    _expect(mailbox.uid("STORE", uid, "+FLAGS.SILENT", f"({flag})"))


def _expect(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    kind, lines = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(f"{kind} {lines!r}"[:200])
    return lines


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
