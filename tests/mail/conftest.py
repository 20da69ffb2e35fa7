from collections.abc import Iterator

import pytest
from django.conf import settings as program_settings
from pytest_django import Settings
from redis import Redis

from mail.transport import MailServer, Transport, process_transport
from tests.mail.sink import Sink, running_sink


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """A mail server of the test's own, which the settings name."""
    with running_sink() as running:
        settings.EMAIL_PORT = running.port
        yield running
        process_transport().close()


@pytest.fixture
def server(sink: Sink) -> MailServer:
    return MailServer("127.0.0.1", sink.port, timeout=0.5)


@pytest.fixture
def transport(server: MailServer) -> Iterator[Transport]:
    opened = Transport(server)
    yield opened
    opened.close()


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis.from_url(program_settings.REDIS_URL) as client:
        yield client
