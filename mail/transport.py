"""One SMTP transaction per recipient over a connection that is kept, its phases told apart.

What matters afterwards is which side a failure fell on. Before the content has left, nothing can
have arrived. Once it has left, only the server's answer says whether it took the message; a
connection that breaks there leaves it unknown, and that is an outcome of its own.
"""

import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.core.mail.utils import DNS_NAME

# Servers drop a connection after some number of messages; 100 is below the usual limits.
MESSAGES_PER_CONNECTION = 100
# A connection idle for longer is not trusted: one that a firewall has forgotten answers nothing,
# and finding that out costs a whole timeout.
_MOST_IDLE_SECONDS = 30
# How long each answer may take where settings do not say.
_ANSWER_SECONDS = 20
# A server may scan the whole message before it answers. Giving up here means sending it again, so
# this is as long as Celery's time limit allows (RFC 5321, 4.5.3.2.6 asks for ten minutes).
_LAST_ANSWER_SECONDS = 45
_RESPONSE_LENGTH = 500
# RFC 4954: the server wants us to sign in, or refuses how we did. Not this message's fault.
_SIGN_IN_CODES = frozenset({530, 534, 535, 538})
_CLOSING_CODE = 421
_NO_CODE = -1


@dataclass(frozen=True, slots=True)
class Sent:
    """The server took responsibility for the message."""

    response: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: a 4xx answer, or a connection that broke before the content had left."""

    response: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: a 5xx answer about this message."""

    response: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The content left and no answer came back."""

    response: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """There is no server to talk to, or it does not let us in; says nothing about the message."""

    response: str


Outcome = Sent | Deferred | Refused | Uncertain | Unreachable


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, and how. ``timeout`` is in seconds, for each answer."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False
    timeout: float = _ANSWER_SECONDS

    @classmethod
    def of_settings(cls, *, timeout: float) -> Self:
        """The one that the settings name; ``timeout`` is the caller's."""
        return cls(
            host=settings.EMAIL_HOST,
            port=settings.EMAIL_PORT,
            user=settings.EMAIL_HOST_USER,
            password=settings.EMAIL_HOST_PASSWORD,
            use_tls=settings.EMAIL_USE_TLS,
            use_ssl=settings.EMAIL_USE_SSL,
            timeout=timeout,
        )

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The two addresses of a transaction, as ``addresses.envelope_address`` spells them."""

    sender: str
    recipient: str
    smtputf8: bool = False


class _Broke(Exception):
    """The connection ended, timed out or spoke no SMTP before the content had left."""


class Transport:
    """A connection to one server, opened when first needed. Not for use by two threads at once."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None
        self._messages = 0
        self._used_at = 0.0

    def send(self, envelope: Envelope, content: bytes) -> Outcome:
        """Hand ``content`` over for one recipient; never raises for what a server or network does.

        A kept connection that turns out to be dead is replaced once, at once. A new one that breaks
        is not: what breaks it may be this message, and others wait behind it.
        """
        try:
            kept = self._kept_connection()
            if kept is not None:
                try:
                    return self._transaction(kept, envelope, content)
                except _Broke:
                    self.close()
            return self._over_new_connection(envelope, content)
        except BaseException:
            # A time limit struck in mid-transaction: the next message must not continue it.
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection at once, whatever state it is in."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _kept_connection(self) -> smtplib.SMTP | None:
        idle = time.monotonic() - self._used_at
        if self._smtp is not None and (
            self._messages >= MESSAGES_PER_CONNECTION or idle > _MOST_IDLE_SECONDS
        ):
            # Said and not waited for: the answer changes nothing, and a dead peer gives none.
            with suppress(smtplib.SMTPServerDisconnected):
                self._smtp.putcmd("QUIT")
            self.close()
        return self._smtp

    def _over_new_connection(self, envelope: Envelope, content: bytes) -> Outcome:
        try:
            smtp = _connect(self._server)
        except (OSError, smtplib.SMTPException) as error:
            return Unreachable(_words(error))
        self._smtp = smtp
        self._messages = 0
        try:
            return self._transaction(smtp, envelope, content)
        except _Broke as broke:
            self.close()
            return Deferred(f"the connection broke before the message was taken: {broke}")

    def _transaction(self, smtp: smtplib.SMTP, envelope: Envelope, content: bytes) -> Outcome:
        self._messages += 1
        self._used_at = time.monotonic()
        try:
            refusal = self._offer(smtp, envelope, size=len(content))
            if refusal is not None:
                return refusal
            # Until the final dot is out, the server cannot have taken the message.
            smtp.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException) as error:
            raise _Broke(_words(error)) from error
        return self._last_answer(smtp)

    def _offer(self, smtp: smtplib.SMTP, envelope: Envelope, *, size: int) -> Outcome | None:
        """MAIL, RCPT and DATA; None when the server now waits for the content."""
        if envelope.smtputf8 and not smtp.has_extn("smtputf8"):
            return Refused("the mail server does not take addresses beyond ASCII (SMTPUTF8)")
        for expected, (code, text) in _commands(smtp, envelope, size):
            if code == _NO_CODE:
                raise _Broke(f"not an SMTP answer: {_shown(text)}")
            if code // 100 != expected:
                self._end_transaction(smtp, code)
                response = f"{code} {_shown(text)}"
                return Unreachable(response) if code in _SIGN_IN_CODES else _verdict(code, response)
        return None

    def _end_transaction(self, smtp: smtplib.SMTP, code: int) -> None:
        """A clean slate for the next message, after an answer that ended this one."""
        try:
            is_clean = code not in (_CLOSING_CODE, *_SIGN_IN_CODES) and smtp.rset()[0] == 250
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException):
            is_clean = False
        if not is_clean:
            self.close()

    def _last_answer(self, smtp: smtplib.SMTP) -> Outcome:
        """What the server says to the content."""
        try:
            _wait_at_most(smtp, max(self._server.timeout, _LAST_ANSWER_SECONDS))
            code, text = smtp.getreply()
            _wait_at_most(smtp, self._server.timeout)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Uncertain(f"the connection broke after the message had left: {_words(error)}")
        if code in (_NO_CODE, _CLOSING_CODE):
            self.close()
        if code == _NO_CODE:
            return Uncertain(f"not an SMTP answer: {_shown(text)}")
        return _verdict(code, f"{code} {_shown(text)}")


def _verdict(code: int, response: str) -> Outcome:
    """RFC 5321, 4.2.1: 2 is yes, 5 is never; what fits nowhere is treated as not now."""
    match code // 100:
        case 2:
            return Sent(response)
        case 5:
            return Refused(response)
        case _:
            return Deferred(response)


def _wait_at_most(smtp: smtplib.SMTP, seconds: float) -> None:
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)


def _commands(
    smtp: smtplib.SMTP, envelope: Envelope, size: int
) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Each command's answer when it is asked for, with the class of answer that goes on."""
    options = [f"SIZE={size}"] if smtp.has_extn("size") else []
    if envelope.smtputf8:
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    yield 2, smtp.mail(envelope.sender, options)
    yield 2, smtp.rcpt(envelope.recipient)
    yield 3, smtp.docmd("DATA")


def _connect(server: MailServer) -> smtplib.SMTP:
    """A connection that has been greeted, encrypted and signed in as the settings say."""
    # Certificates are checked in both cases: a context of smtplib's own making checks none.
    context = ssl.create_default_context() if server.use_tls or server.use_ssl else None
    name = DNS_NAME.get_fqdn()
    smtp = (
        smtplib.SMTP_SSL(server.host, server.port, name, timeout=server.timeout, context=context)
        if server.use_ssl
        else smtplib.SMTP(server.host, server.port, name, timeout=server.timeout)
    )
    try:
        if server.use_tls:
            smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {_shown(said) if isinstance(said, bytes) else said}"
    return f"{type(error).__name__}: {error}"[:_RESPONSE_LENGTH]


def _shown(text: bytes) -> str:
    """A server's words for staff to read: whatever bytes it sent, no control characters."""
    words = text.decode("utf-8", errors="replace")
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[
        :_RESPONSE_LENGTH
    ]


class _Kept:
    """The transport of this process, and the server that it is for."""

    def __init__(self) -> None:
        self._server: MailServer | None = None
        self._transport: Transport | None = None

    def to(self, server: MailServer) -> Transport:
        if self._transport is None or server != self._server:
            if self._transport is not None:
                self._transport.close()
            self._server, self._transport = server, Transport(server)
        return self._transport


_kept = _Kept()


def process_transport() -> Transport:
    """This worker process's one connection to the server that the settings name."""
    return _kept.to(MailServer.of_settings(timeout=settings.EMAIL_TIMEOUT or _ANSWER_SECONDS))
