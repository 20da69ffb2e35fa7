"""Encryption: certificates are checked, and a server that cannot prove itself gets nothing."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mail.transport import Envelope, MailServer, Outcome, Sent, Transport, Unreachable
from tests.mail.certificates import Authority
from tests.mail.sink import Sink, running_sink

CONTENT = b"Subject: hello\r\n\r\nprivate\r\n"
ALICE = Envelope("billing@operator.example", "alice@example.com")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.founded_in(tmp_path)


@pytest.fixture
def is_known(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is one of those that this machine believes."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))


@contextmanager
def transport_to(sink: Sink, *, starttls: bool = False, tls: bool = False) -> Iterator[Transport]:
    server = MailServer("127.0.0.1", sink.port, use_tls=starttls, use_ssl=tls, timeout=5)
    transport = Transport(server)
    try:
        yield transport
    finally:
        transport.close()


def outcome_over_starttls(server_side: ssl.SSLContext) -> tuple[Outcome, Sink]:
    with running_sink(starttls=server_side) as sink, transport_to(sink, starttls=True) as transport:
        return transport.send(ALICE, CONTENT), sink


@pytest.mark.usefixtures("is_known")
def test_message_goes_over_starttls_to_a_server_that_proves_itself(authority: Authority) -> None:
    server_side = authority.server_context()
    with running_sink(starttls=server_side) as sink, transport_to(sink, starttls=True) as transport:
        outcomes = [transport.send(ALICE, CONTENT) for _ in range(3)]
    assert outcomes == [Sent("250 2.0.0 kept")] * 3
    assert [message.content for message in sink.accepted] == [CONTENT] * 3
    assert sink.encrypted == 3
    assert sink.commands["CONNECT"] == 1


@pytest.mark.usefixtures("is_known")
def test_message_goes_over_a_connection_encrypted_from_the_first_byte(
    authority: Authority,
) -> None:
    server_side = authority.server_context()
    with running_sink(tls=server_side) as sink, transport_to(sink, tls=True) as transport:
        assert transport.send(ALICE, CONTENT) == Sent("250 2.0.0 kept")
    assert [message.content for message in sink.accepted] == [CONTENT]
    assert sink.encrypted == 1


def test_authority_that_nobody_knows_proves_nothing(authority: Authority) -> None:
    outcome, sink = outcome_over_starttls(authority.server_context())
    assert isinstance(outcome, Unreachable)
    assert "certificate verify failed" in outcome.response
    assert (sink.accepted, sink.commands["MAIL"]) == ([], 0)


@pytest.mark.usefixtures("is_known")
def test_certificate_of_another_server_proves_nothing(authority: Authority) -> None:
    outcome, sink = outcome_over_starttls(authority.server_context(address="127.0.0.2"))
    assert isinstance(outcome, Unreachable)
    assert "IP address mismatch" in outcome.response
    assert (sink.accepted, sink.commands["MAIL"]) == ([], 0)


@pytest.mark.usefixtures("is_known")
def test_certificate_that_ran_out_proves_nothing(authority: Authority) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    outcome, sink = outcome_over_starttls(authority.server_context(valid_until=yesterday))
    assert isinstance(outcome, Unreachable)
    assert "certificate has expired" in outcome.response
    assert (sink.accepted, sink.commands["MAIL"]) == ([], 0)


@pytest.mark.usefixtures("is_known")
def test_unproven_server_is_refused_from_the_first_byte_too(authority: Authority) -> None:
    server_side = authority.server_context(address="127.0.0.2")
    with running_sink(tls=server_side) as sink, transport_to(sink, tls=True) as transport:
        outcome = transport.send(ALICE, CONTENT)
    assert isinstance(outcome, Unreachable)
    assert sink.accepted == []


def test_server_that_falls_silent_in_the_handshake_is_unreachable_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = MailServer("127.0.0.1", listener.getsockname()[1], use_ssl=True, timeout=0.3)
        outcome = Transport(server).send(ALICE, CONTENT)
    assert isinstance(outcome, Unreachable)
    assert "timed out" in outcome.response
