"""What a worker does with messages whose channel is gone; tests/reliability kills a real Redis."""

import pytest
from django.conf import settings
from kombu import Connection
from redis import Redis

from config.broker import Transport
from config.celery import app

_QUEUE = "queue-of-a-test"


@pytest.mark.parametrize("address", ["redis://localhost/0", "rediss://localhost/0"])
def test_addresses_of_redis_mean_own_transport(address: str) -> None:
    assert isinstance(Connection(address).transport, Transport)


def test_unix_socket_means_own_transport() -> None:
    assert isinstance(app.connection_for_read().transport, Transport)


@pytest.mark.parametrize("answer", ["ack", "reject"])
def test_message_of_a_closed_connection_is_answered_without_an_error(answer: str) -> None:
    with app.connection_for_write() as connection:
        queue = connection.SimpleQueue(_QUEUE)
        queue.put("ring")
        message = queue.get(timeout=5)
        connection.close()
        getattr(message, answer)()
    with Redis.from_url(settings.REDIS_URL) as client:
        # Not given back: it comes again after the visibility timeout.
        assert client.llen(_QUEUE) == 0
