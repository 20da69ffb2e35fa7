"""A real SMTP server on this machine that keeps what it accepts and misbehaves on request.

::

    with running_sink() as sink:
        sink.refuse("bob@example.com")
        …
        assert [message.recipient for message in sink.accepted] == ["alice@example.com"]
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_HOST = "127.0.0.1"
# aiosmtpd reports every command under this name.
logging.getLogger("mail.log").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message that the server took responsibility for."""

    sender: str
    recipient: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.SMTP)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class Sink:
    """What the server did, and what it is told to do.

    Lists and counters are appended to by the server's thread and read by the test's when no message
    is on its way.
    """

    accepted: list[Accepted] = field(default_factory=list)
    # Commands by verb, "CONNECT" among them.
    commands: Counter[str] = field(default_factory=Counter)
    # How many of the messages came over an encrypted connection.
    encrypted: int = 0
    # Instead of "220 …"; the connection is then closed.
    greeting: str = ""
    # Verb at which the server falls silent until the client gives up.
    hangs_at: str = ""
    # How many more connections fall silent at a verb, each until its client gives up.
    hangs: Counter[str] = field(default_factory=Counter)
    # Verb at which the server closes the connection without an answer.
    breaks_at: str = ""
    password: str = ""
    # Recipients whose content is answered by silence.
    silent_after_content: set[str] = field(default_factory=set)
    # Answers to RCPT and to the content, by recipient.
    rcpt_answers: dict[str, str] = field(default_factory=dict)
    data_answers: dict[str, str] = field(default_factory=dict)
    # How many messages were kept without being able to say so.
    answers_lost: int = 0
    # How many more answers to the content get lost, by recipient, and whose content is kept then.
    _lost_answers: Counter[str] = field(default_factory=Counter)
    _kept_unanswered: set[str] = field(default_factory=set)
    _open: set[SMTP] = field(default_factory=set)
    _controller: "_Controller | None" = None
    port: int = 0

    def refuse(self, address: str) -> None:
        self.rcpt_answers[address] = "550 5.1.1 no such user here"

    def defer(self, address: str) -> None:
        self.rcpt_answers[address] = "451 4.7.1 greylisted, come back later"

    def accept_all(self) -> None:
        """Behave again."""
        self.rcpt_answers.clear()
        self.data_answers.clear()
        self._lost_answers.clear()
        self.silent_after_content.clear()
        self.hangs.clear()
        self.greeting = self.hangs_at = self.breaks_at = ""

    def lose_answer(self, address: str, *, times: int = 1, keep: bool = True) -> None:
        """Break the connection after the content, with the message accepted (``keep``) or not."""
        self._lost_answers[address] = times
        (self._kept_unanswered.add if keep else self._kept_unanswered.discard)(address)

    def close_connections(self) -> None:
        """End every open connection, as a server does with idle ones."""
        for server in list(self._open):
            if server.transport is not None:
                asyncio.run_coroutine_threadsafe(_close(server), server.loop).result()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Until the end of the block nobody listens on the port, and no connection is left."""
        assert self._controller is not None
        self._controller.stop_listening()
        self.close_connections()
        try:
            yield
        finally:
            self._controller.listen_again()

    def received_by(self, address: str) -> list[Accepted]:
        return [message for message in self.accepted if message.recipient == address]

    # --- Hooks that aiosmtpd calls, by name -------------------------------------------------------

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.rcpt_answers.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        recipient = envelope.rcpt_tos[0]
        if recipient in self.silent_after_content:
            await asyncio.Event().wait()
        if self._lost_answers[recipient] > 0:
            self._lost_answers[recipient] -= 1
            if recipient in self._kept_unanswered:
                self._keep(envelope)
                self.answers_lost += 1
            await _break(server)
        if answer := self.data_answers.get(recipient):
            return answer
        self._keep(envelope)
        self.encrypted += _is_encrypted(server)
        return "250 2.0.0 kept"

    def _keep(self, envelope: Envelope) -> None:
        assert isinstance(envelope.content, bytes)
        self.accepted += [
            Accepted(envelope.mail_from or "", recipient, envelope.content)
            for recipient in envelope.rcpt_tos
        ]

    async def comes_to(self, verb: str, server: SMTP) -> None:
        self.commands[verb] += 1
        self._open.add(server)
        if verb == self.hangs_at or self._is_to_hang(verb):
            await asyncio.Event().wait()
        if verb == self.breaks_at:
            await _break(server)

    def _is_to_hang(self, verb: str) -> bool:
        if self.hangs[verb] <= 0:
            return False
        self.hangs[verb] -= 1
        return True


def _is_encrypted(server: SMTP) -> bool:
    assert server.transport is not None
    return server.transport.get_extra_info("ssl_object") is not None


async def _close(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.close()


async def _break(server: SMTP) -> None:
    """Close the connection and never go on; aiosmtpd cancels the session when it is gone."""
    await _close(server)
    await asyncio.Event().wait()


class _Server(SMTP):
    """aiosmtpd's server, with the sink asked at each command and at the greeting."""

    event_handler: Sink
    _greeted = False

    async def push(self, status: Any) -> None:
        if not self._greeted:
            self._greeted = True
            await self.event_handler.comes_to("CONNECT", self)
            if self.event_handler.greeting:
                await super().push(self.event_handler.greeting)
                await _break(self)
        await super().push(status)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        await self.event_handler.comes_to("MAIL", self)
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        await self.event_handler.comes_to("RCPT", self)
        await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        await self.event_handler.comes_to("DATA", self)
        await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        await self.event_handler.comes_to("RSET", self)
        await super().smtp_RSET(arg)


class _Controller(Controller):
    """Listens on a port that is free."""

    def __init__(
        self,
        sink: Sink,
        *,
        takes_unicode: bool,
        starttls: ssl.SSLContext | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(
            sink,
            hostname=_HOST,
            port=0,
            server_hostname="sink.example",
            enable_SMTPUTF8=takes_unicode,
            authenticator=_password_check(sink),
            auth_require_tls=False,
            tls_context=starttls,
            ssl_context=tls,
        )

    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.handler.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]

    def stop_listening(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close_server(), self.loop).result()

    def listen_again(self) -> None:
        """On the same port."""
        asyncio.run_coroutine_threadsafe(self._open_server(), self.loop).result()

    async def _close_server(self) -> None:
        assert self.server is not None
        self.server.close()

    async def _open_server(self) -> None:
        self.server = await self._create_server()


def _password_check(sink: Sink) -> Any:
    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any
    ) -> AuthResult:
        assert isinstance(auth_data, LoginPassword)
        return AuthResult(success=auth_data.password.decode() == sink.password, handled=False)

    return check


@contextmanager
def running_sink(
    *,
    takes_unicode: bool = True,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Sink]:
    """A sink that listens on ``sink.port`` of this machine until the end of the block.

    ``starttls`` is the server's side of an encryption that a client may ask for, ``tls`` of one
    from the first byte.
    """
    sink = Sink()
    with listening(sink, takes_unicode=takes_unicode, starttls=starttls, tls=tls):
        yield sink


@contextmanager
def listening(
    sink: Sink,
    *,
    takes_unicode: bool = True,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[None]:
    """The same for a sink that was made before, such as one that keeps more."""
    controller = _Controller(sink, takes_unicode=takes_unicode, starttls=starttls, tls=tls)
    sink._controller = controller
    controller.start()
    # The controller's own connection to see whether the server answers.
    sink.commands.clear()
    try:
        yield
    finally:
        sink.close_connections()
        controller.stop()
