"""The mail catcher speaks real SMTP and keeps what it accepted, to the byte."""

import asyncio
import json
import smtplib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mail import catcher, mailbox

MESSAGE = b"Subject: Invoice 1\r\nFrom: a@operator.example\r\n\r\n.leading dot\r\nbody\r\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mailbox"


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    """A catcher on its own thread and port."""
    port = _free_port()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        loop.run_until_complete(catcher.serve(folder, host="127.0.0.1", port=port, stop=stop))

    thread = threading.Thread(target=run)
    thread.start()
    yield port
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def _connect(port: int) -> smtplib.SMTP:
    for _attempt in range(200):
        try:
            return smtplib.SMTP("127.0.0.1", port, timeout=5)
        except ConnectionRefusedError:
            threading.Event().wait(0.01)
    raise AssertionError("the catcher does not listen")


def test_accepted_message_is_kept_byte_by_byte_with_its_envelope(port: int, folder: Path) -> None:
    with _connect(port) as smtp:
        smtp.sendmail("a@operator.example", ["b@customer.example"], MESSAGE)
    (caught,) = mailbox.caught_messages(folder)
    assert caught.content() == MESSAGE
    assert caught.envelope.sender == "a@operator.example"
    assert caught.envelope.recipients == ("b@customer.example",)
    assert mailbox.caught_message(folder, caught.key) == caught


def test_many_messages_go_over_one_connection_and_are_listed_newest_first(
    port: int, folder: Path
) -> None:
    with _connect(port) as smtp:
        for number in range(50):
            smtp.sendmail("a@operator.example", [f"{number}@customer.example"], MESSAGE)
    recipients = [caught.envelope.recipients[0] for caught in mailbox.caught_messages(folder)]
    assert recipients == [f"{number}@customer.example" for number in reversed(range(50))]


def test_message_that_cannot_be_kept_is_put_off_rather_than_lost(port: int, folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    with _connect(port) as smtp, pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail("a@operator.example", ["b@customer.example"], MESSAGE)
    assert refused.value.smtp_code == 452


def test_key_from_a_url_cannot_leave_the_folder(folder: Path) -> None:
    outside = folder.parent / "outside.eml"
    folder.mkdir()
    outside.write_bytes(MESSAGE)
    outside.with_suffix(".json").write_text(
        json.dumps({"sender": "", "recipients": [], "accepted_at": ""})
    )
    assert mailbox.caught_message(folder, "../outside") is None
