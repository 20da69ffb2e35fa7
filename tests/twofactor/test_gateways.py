"""Twilio through its own client, against a server that answers as theirs; and the mailbox."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from config.sms_settings import GATEWAYS
from mail import catcher
from tests.twofactor.gateways import GB
from tests.twofactor.twilio_server import (
    ACCOUNT,
    TOKEN,
    LocalHttpClient,
    TwilioServer,
    running_twilio,
)
from twofactor.sms.gateways import twilio
from twofactor.sms.gateways.base import Gateway, GatewayRefused, GatewayUnavailable
from twofactor.sms.gateways.chosen import chosen_gateway
from twofactor.sms.gateways.mailbox import MailboxGateway
from twofactor.sms.gateways.twilio import TwilioGateway, direct_http_client

SENDER = "+447400999999"
TEXT = "123456 is your code for Northwind.\n\n@panel.example #123456"


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with running_twilio() as running:
        yield running


def gateway_to(url: str, *, sender: str = SENDER, timeout: float = 5) -> TwilioGateway:
    client = LocalHttpClient(url, pool_connections=False, timeout=timeout)
    return TwilioGateway(account=ACCOUNT, token=TOKEN, sender=sender, http_client=client)


def test_message_is_created_with_number_sender_and_time_limit(server: TwilioServer) -> None:
    assert gateway_to(server.url).send(GB, TEXT) == "SM00000000000000000000000000000001"
    (request,) = server.requests
    assert request == (
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        f"{ACCOUNT}:{TOKEN}",
        {"To": GB, "From": SENDER, "Body": TEXT, "ValidityPeriod": "300"},
    )


def test_sender_can_be_a_messaging_service(server: TwilioServer) -> None:
    service = "MG00000000000000000000000000000000"
    gateway_to(server.url, sender=service).send(GB, TEXT)
    fields = server.requests[0][2]
    assert fields["MessagingServiceSid"] == service
    assert "From" not in fields


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (400, 21211, "Invalid 'To' Phone Number"),
        (400, 21408, "Permission to send an SMS has not been enabled for the region"),
        (403, 21408, "Permission to send an SMS has not been enabled for the region"),
        (400, 21610, "Attempt to send to unsubscribed recipient"),
        (400, 21612, "The 'To' phone number is not currently reachable via SMS"),
        (400, 21614, "'To' number is not a valid mobile number"),
        (400, 21635, "'To' number cannot be a landline"),
    ],
)
def test_what_lies_with_the_number_is_told_as_such(
    status: int, code: int, says: str, server: TwilioServer
) -> None:
    server.refuse(status, code, says)
    with pytest.raises(GatewayRefused) as refusal:
        gateway_to(server.url).send(GB, TEXT)
    assert (refusal.value.code, refusal.value.is_about_number) == (str(code), True)
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [21606, 21602, 30034, 99999])
def test_other_refusals_are_not_the_numbers_fault(code: int, server: TwilioServer) -> None:
    """Twilio divides its codes ever anew; one that nobody has heard of is a refusal as well."""
    server.refuse(400, code, "something")
    with pytest.raises(GatewayRefused) as refusal:
        gateway_to(server.url).send(GB, TEXT)
    assert (refusal.value.code, refusal.value.is_about_number) == (str(code), False)


@pytest.mark.parametrize(("status", "code"), [(429, 20429), (401, 20003), (403, 20005)])
def test_what_was_not_processed_did_not_leave(status: int, code: int, server: TwilioServer) -> None:
    server.refuse(status, code, "not now")
    with pytest.raises(GatewayUnavailable) as refusal:
        gateway_to(server.url).send(GB, TEXT)
    assert not refusal.value.may_have_sent
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_after_a_fault_at_twilios_nobody_knows_and_nothing_is_sent_twice(
    status: int, server: TwilioServer
) -> None:
    server.refuse(status, 20500, "Internal Server Error")
    with pytest.raises(GatewayUnavailable) as refusal:
        gateway_to(server.url).send(GB, TEXT)
    assert refusal.value.may_have_sent
    assert len(server.requests) == 1


def test_an_error_of_the_newer_form_is_read_as_well(server: TwilioServer) -> None:
    """RFC 9457."""
    server.status = 400
    server.document = {"type": "about:blank", "title": "Bad", "status": 400, "code": 21211}
    with pytest.raises(GatewayRefused, match="21211 Bad"):
        gateway_to(server.url).send(GB, TEXT)


@pytest.mark.parametrize(
    ("status", "content"), [(201, '{"unexpected": true}'), (201, "[]"), (201, "<p>"), (302, "{}")]
)
def test_an_answer_that_nobody_expects_may_mean_anything(
    status: int, content: str, server: TwilioServer
) -> None:
    server.status, server.content = status, content
    with pytest.raises(GatewayUnavailable) as refusal:
        gateway_to(server.url).send(GB, TEXT)
    assert refusal.value.may_have_sent


def test_a_message_that_failed_at_once_is_refused(server: TwilioServer) -> None:
    server.document = {
        "sid": "SM1",
        "status": "failed",
        "error_code": 30006,
        "error_message": "Landline or unreachable carrier",
    }
    with pytest.raises(GatewayRefused, match="30006 Landline") as refusal:
        gateway_to(server.url).send(GB, TEXT)
    assert refusal.value.is_about_number


@pytest.mark.parametrize("fault", ["is slow", "hangs up"])
def test_without_an_answer_nobody_knows_and_nothing_is_sent_twice(
    fault: str, server: TwilioServer
) -> None:
    server.delay, server.hangs_up = (0.5, False) if fault == "is slow" else (0, True)
    with pytest.raises(GatewayUnavailable) as refusal:
        gateway_to(server.url, timeout=0.2).send(GB, TEXT)
    assert refusal.value.may_have_sent
    assert len(server.requests) == 1


def test_without_a_connection_nothing_left() -> None:
    with pytest.raises(GatewayUnavailable) as refusal:
        gateway_to(f"http://127.0.0.1:{_free_port()}").send(GB, TEXT)
    assert not refusal.value.may_have_sent


def test_it_waits_for_five_seconds_at_most_and_keeps_no_connection() -> None:
    client = direct_http_client()
    assert client.timeout is not None
    assert client.timeout <= 5
    # A new session each time, in which requests tries once.
    assert client.session is None


def test_neither_code_nor_number_is_logged(
    server: TwilioServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = LocalHttpClient(
        server.url, pool_connections=False, timeout=5, logger=direct_http_client().logger
    )
    gateway = TwilioGateway(account=ACCOUNT, token=TOKEN, sender=SENDER, http_client=client)
    gateway.send(GB, TEXT)
    assert "123456" not in caplog.text
    assert GB[1:] not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("twofactor")]


def test_the_environment_does_not_lead_the_client_elsewhere(
    server: TwilioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    gateway_to(server.url).send(GB, TEXT)
    assert len(server.requests) == 1


# --- Which one ----------------------------------------------------------------------------------


def test_settings_choose_the_gateway(settings: Settings) -> None:
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT, TOKEN
    settings.TWILIO_SENDER = SENDER
    chosen: dict[str, Gateway | None] = {}
    for name in ("", "mailbox", "twilio"):
        settings.SMS_GATEWAY = name
        chosen[name] = chosen_gateway()
    assert chosen[""] is None
    assert isinstance(chosen["mailbox"], MailboxGateway)
    assert isinstance(chosen["twilio"], twilio.TwilioGateway)


def test_every_gateway_that_settings_allow_is_there(settings: Settings) -> None:
    for settings.SMS_GATEWAY in GATEWAYS:
        assert chosen_gateway() is not None


# --- The mailbox --------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def catching(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """The folder of a mail catcher that runs."""
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", _free_port()
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = ""
    settings.MAILBOX_DIR = tmp_path
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    serving = catcher.serve(tmp_path, host="127.0.0.1", port=settings.EMAIL_PORT, stop=stop)
    thread = threading.Thread(target=lambda: loop.run_until_complete(serving))
    thread.start()
    for _attempt in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", settings.EMAIL_PORT)) == 0:
                break
        threading.Event().wait(0.01)
    yield tmp_path
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@pytest.mark.django_db
def test_a_text_message_stands_in_the_mailbox_by_its_number(catching: Path) -> None:
    assert MailboxGateway().send(GB, TEXT).endswith("@text-message.invalid>")
    browser = Client()
    page = browser.get("/mailbox/", {"to": GB}).content.decode()
    assert "Text message to +44 7400 123456" in page
    assert "text-message.invalid" not in page
    (letter,) = catching.glob("*.eml")
    opened = browser.get(f"/mailbox/{letter.stem}/").content.decode()
    assert "123456 is your code for Northwind." in opened


def test_without_a_catcher_nothing_is_sent(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", _free_port()
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    with pytest.raises(GatewayUnavailable) as refusal:
        MailboxGateway().send(GB, TEXT)
    assert not refusal.value.may_have_sent
