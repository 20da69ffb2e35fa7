"""Each thing that a mail server or the network can do, and the outcome that it must have."""

import socket
import time

import pytest

from mail import transport as transport_module
from mail.transport import (
    MESSAGES_PER_CONNECTION,
    Deferred,
    Envelope,
    MailServer,
    Refused,
    Sent,
    Transport,
    Uncertain,
    Unreachable,
)
from tests.mail.sink import Sink, running_sink

CONTENT = b"Subject: hello\r\n\r\n.starts with a dot\r\n.\r\nends\r\n"
ALICE = Envelope("billing@operator.example", "alice@example.com")
BOB = Envelope("billing@operator.example", "bob@example.com")


def test_accepted_message_arrives_unchanged_with_its_envelope(
    sink: Sink, transport: Transport
) -> None:
    outcome = transport.send(ALICE, CONTENT)

    assert outcome == Sent("250 2.0.0 kept")
    (message,) = sink.accepted
    assert (message.sender, message.recipient) == (ALICE.sender, ALICE.recipient)
    assert message.content == CONTENT


def test_one_connection_serves_many_messages_and_is_renewed_at_its_limit(
    sink: Sink, transport: Transport
) -> None:
    for _ in range(MESSAGES_PER_CONNECTION):
        transport.send(ALICE, CONTENT)
    assert sink.commands["CONNECT"] == 1

    transport.send(ALICE, CONTENT)
    assert sink.commands["CONNECT"] == 2
    assert len(sink.accepted) == MESSAGES_PER_CONNECTION + 1


def test_refused_recipient_is_refused_and_the_next_message_goes_over_the_same_connection(
    sink: Sink, transport: Transport
) -> None:
    sink.refuse("bob@example.com")

    assert transport.send(BOB, CONTENT) == Refused("550 5.1.1 no such user here")
    assert isinstance(transport.send(ALICE, CONTENT), Sent)
    assert (sink.commands["CONNECT"], sink.commands["RSET"]) == (1, 1)


def test_greylisted_recipient_is_deferred(sink: Sink, transport: Transport) -> None:
    sink.defer("bob@example.com")

    assert transport.send(BOB, CONTENT) == Deferred("451 4.7.1 greylisted, come back later")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("552 5.3.4 too big", Refused("552 5.3.4 too big")),
        ("452 4.3.1 disk full", Deferred("452 4.3.1 disk full")),
        ("421 4.3.2 shutting down", Deferred("421 4.3.2 shutting down")),
    ],
)
def test_answer_to_the_content_decides(
    sink: Sink, transport: Transport, answer: str, outcome: object
) -> None:
    sink.data_answers["bob@example.com"] = answer

    assert transport.send(BOB, CONTENT) == outcome
    assert isinstance(transport.send(ALICE, CONTENT), Sent)


def test_answer_that_is_lost_leaves_the_message_uncertain(sink: Sink, transport: Transport) -> None:
    sink.lose_answer("bob@example.com")

    assert isinstance(transport.send(BOB, CONTENT), Uncertain)
    assert [message.content for message in sink.accepted] == [CONTENT]
    assert isinstance(transport.send(ALICE, CONTENT), Sent)


def test_silence_after_the_content_is_uncertain_too(
    sink: Sink, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "_LAST_ANSWER_SECONDS", 0.2)
    sink.silent_after_content.add("bob@example.com")

    assert isinstance(transport.send(BOB, CONTENT), Uncertain)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_connection_that_breaks_before_the_content_defers(
    sink: Sink, transport: Transport, verb: str
) -> None:
    sink.breaks_at = verb

    assert isinstance(transport.send(BOB, CONTENT), Deferred)
    assert sink.accepted == []


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_server_that_falls_silent_holds_a_message_up_for_one_timeout(
    sink: Sink, transport: Transport, verb: str
) -> None:
    sink.hangs_at = verb
    started = time.monotonic()

    assert isinstance(transport.send(BOB, CONTENT), Deferred)
    assert time.monotonic() - started < 2


def test_kept_connection_that_died_is_replaced_at_once(sink: Sink, transport: Transport) -> None:
    transport.send(ALICE, CONTENT)
    sink.close_connections()

    assert isinstance(transport.send(BOB, CONTENT), Sent)
    assert sink.commands["CONNECT"] == 2


def test_connection_idle_for_long_is_not_trusted(
    sink: Sink, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport.send(ALICE, CONTENT)
    monkeypatch.setattr(transport_module, "_MOST_IDLE_SECONDS", 0)

    assert isinstance(transport.send(BOB, CONTENT), Sent)
    assert sink.commands["CONNECT"] == 2


@pytest.mark.parametrize("greeting", ["554 go away", "421 too busy"])
def test_server_that_turns_us_away_at_the_door_is_unreachable(
    sink: Sink, transport: Transport, greeting: str
) -> None:
    sink.greeting = greeting

    outcome = transport.send(BOB, CONTENT)

    assert isinstance(outcome, Unreachable)
    assert greeting[:3] in outcome.response


def test_port_that_nobody_listens_on_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = MailServer("127.0.0.1", unused.getsockname()[1], timeout=0.5)

        assert isinstance(Transport(nobody).send(BOB, CONTENT), Unreachable)


def test_listener_that_never_greets_is_unreachable_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = MailServer("127.0.0.1", silent.getsockname()[1], timeout=0.3)

        assert isinstance(Transport(server).send(BOB, CONTENT), Unreachable)


def test_signing_in_works_and_a_wrong_password_says_nothing_about_the_message(sink: Sink) -> None:
    sink.password = "correct"
    right = MailServer("127.0.0.1", sink.port, user="us", password="correct", timeout=0.5)
    wrong = MailServer("127.0.0.1", sink.port, user="us", password="wrong", timeout=0.5)

    refusal = _send_once(wrong)

    assert isinstance(refusal, Unreachable)
    assert refusal.response.startswith("535")
    assert isinstance(_send_once(right), Sent)


def test_server_without_encryption_gets_nothing_when_settings_ask_for_it(sink: Sink) -> None:
    encrypted = MailServer("127.0.0.1", sink.port, use_tls=True, timeout=0.5)

    assert isinstance(_send_once(encrypted), Unreachable)
    assert sink.commands["MAIL"] == 0


def test_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    chinese = Envelope("billing@operator.example", "用户@example.com", smtputf8=True)
    outcomes = []
    for takes_unicode in (True, False):
        with running_sink(takes_unicode=takes_unicode) as sink:
            outcomes.append(_send_once(MailServer("127.0.0.1", sink.port, timeout=0.5), chinese))
            if takes_unicode:
                assert sink.accepted[0].recipient == "用户@example.com"

    assert isinstance(outcomes[0], Sent)
    assert isinstance(outcomes[1], Refused)


def test_password_is_not_in_what_is_printed_of_a_server() -> None:
    assert "secret" not in repr(MailServer("mail.example", 587, user="us", password="secret"))


def _send_once(server: MailServer, envelope: Envelope = ALICE) -> object:
    opened = Transport(server)
    try:
        return opened.send(envelope, CONTENT)
    finally:
        opened.close()
