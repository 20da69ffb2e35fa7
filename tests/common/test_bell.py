"""Waking workers: once for many rows, after the commit, and never at the price of a request."""

import base64
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from django.conf import settings as program_settings
from django.db import transaction
from pytest_django import Settings
from redis import Redis

from common import bell

pytestmark = pytest.mark.django_db(transaction=True)

# Half a second for Redis, and the rest for a machine that has other things to do. Without the
# bell's own time limits a frozen Redis held a request for 26 s (docs/decisions/0010).
BEARABLE_SECONDS = 4


@pytest.fixture(autouse=True)
def new_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process has it that has just started."""
    monkeypatch.setattr(bell, "_bell", bell._Bell())


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis.from_url(program_settings.REDIS_URL, decode_responses=True) as client:
        yield client


def messages(redis: Redis, queue: str = "mail") -> list[str]:
    """The names of the tasks that wait in a queue of Celery's."""
    return [json.loads(text)["headers"]["task"] for text in redis.lrange(queue, 0, -1)]


class FrozenServer:
    """Takes connections and never says a word, like a Redis whose process is stopped."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self._thread = Thread(target=self._take)

    def _take(self) -> None:
        while True:
            try:
                self._taken.append(self._listener.accept()[0])
            except OSError:
                return

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    @property
    def connections(self) -> int:
        return len(self._taken)

    @contextmanager
    def running(self) -> Iterator["FrozenServer"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            for open_socket in (self._listener, *self._taken):
                open_socket.close()


@pytest.fixture
def frozen() -> Iterator[FrozenServer]:
    with FrozenServer().running() as server:
        yield server


def seconds_of_ringing(times: int = 1) -> float:
    started = time.monotonic()
    for _ in range(times):
        bell.ring(bell.SEND_EMAILS)
    return time.monotonic() - started


# --- One ring until it is answered --------------------------------------------------------------


def test_many_rings_are_one_until_a_worker_answers(redis: Redis) -> None:
    for _ in range(3):
        with transaction.atomic():
            bell.ring(bell.SEND_EMAILS)
            bell.ring(bell.SEND_EMAILS)
    assert messages(redis) == [bell.SEND_EMAILS]


def test_a_ring_after_the_answer_is_sent_again(redis: Redis) -> None:
    bell.ring(bell.SEND_EMAILS)
    bell.answered(bell.SEND_EMAILS)
    bell.ring(bell.SEND_EMAILS)
    bell.ring(bell.SEND_EMAILS)
    assert messages(redis) == [bell.SEND_EMAILS] * 2


def test_an_answer_to_no_ring_is_no_error(redis: Redis) -> None:
    bell.answered(bell.SEND_EMAILS)
    assert messages(redis) == []


def test_each_task_has_a_bell_of_its_own(redis: Redis) -> None:
    bell.ring(bell.SEND_EMAILS)
    bell.ring(bell.RENDER_DOCUMENTS)
    bell.ring(bell.WORK_BILLING_RUNS)
    bell.answered(bell.RENDER_DOCUMENTS)
    bell.ring(bell.SEND_EMAILS)
    assert messages(redis, "mail") == [bell.SEND_EMAILS]
    assert messages(redis, "render") == [bell.RENDER_DOCUMENTS]
    assert messages(redis, "default") == [bell.WORK_BILLING_RUNS]


def test_a_ring_carries_a_name_and_nothing_else(redis: Redis) -> None:
    bell.ring(bell.SEND_EMAILS)
    [text] = redis.lrange("mail", 0, -1)
    arguments, named, _ = json.loads(base64.b64decode(json.loads(text)["body"]))
    assert (arguments, named) == ([], {})


def test_a_ring_that_nobody_answers_is_taken_for_lost_after_a_while(redis: Redis) -> None:
    bell.ring(bell.SEND_EMAILS)
    key = f"bell:{bell.SEND_EMAILS}"
    assert 0 < redis.ttl(key) <= 20
    redis.pexpire(key, 1)
    time.sleep(0.01)
    bell.ring(bell.SEND_EMAILS)
    assert messages(redis) == [bell.SEND_EMAILS] * 2


# --- With the commit, or not at all --------------------------------------------------------------


def test_the_bell_rings_when_the_rows_are_there_to_be_found(redis: Redis) -> None:
    with transaction.atomic():
        with transaction.atomic():
            bell.ring(bell.SEND_EMAILS)
        assert messages(redis) == []
    assert messages(redis) == [bell.SEND_EMAILS]


def test_what_is_rolled_back_rings_no_bell(redis: Redis) -> None:
    with pytest.raises(KeyError), transaction.atomic():
        bell.ring(bell.SEND_EMAILS)
        raise KeyError
    with transaction.atomic():
        with pytest.raises(KeyError), transaction.atomic():
            bell.ring(bell.RENDER_DOCUMENTS)
            raise KeyError
    assert (messages(redis, "mail"), messages(redis, "render")) == ([], [])


# --- Redis frozen, away, or wrongly named --------------------------------------------------------


def test_a_frozen_redis_is_waited_for_once_and_then_left_alone(
    frozen: FrozenServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = frozen.url
    with caplog.at_level(logging.WARNING, logger="common.bell"):
        assert seconds_of_ringing() < BEARABLE_SECONDS
        seconds_of_ringing(times=50)
    assert frozen.connections == 1
    [warning] = caplog.messages
    assert "silent for 10 s" in warning


def test_a_frozen_redis_undoes_nothing_and_raises_nothing(
    frozen: FrozenServer, settings: Settings
) -> None:
    settings.REDIS_URL = frozen.url
    told: list[str] = []
    with transaction.atomic():
        bell.ring(bell.SEND_EMAILS)
        transaction.on_commit(lambda: told.append("what comes after the ring"))
    assert told == ["what comes after the ring"]


def test_an_answer_waits_for_a_frozen_redis_no_longer_than_a_ring(
    frozen: FrozenServer, settings: Settings
) -> None:
    settings.REDIS_URL = frozen.url
    started = time.monotonic()
    bell.answered(bell.SEND_EMAILS)
    assert time.monotonic() - started < BEARABLE_SECONDS
    seconds_of_ringing(times=50)
    assert frozen.connections == 1


def test_a_redis_that_is_away_delays_nobody(
    tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    with caplog.at_level(logging.WARNING, logger="common.bell"):
        assert seconds_of_ringing(times=50) < BEARABLE_SECONDS
        bell.answered(bell.SEND_EMAILS)
    assert "silent for 10 s" in caplog.messages[0]


def test_the_bell_rings_again_once_redis_is_back(
    redis: Redis, frozen: FrozenServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "_PAUSE_SECONDS", 0.1)
    settings.REDIS_URL = frozen.url
    bell.ring(bell.SEND_EMAILS)
    settings.REDIS_URL = program_settings.REDIS_URL
    monkeypatch.setattr(bell._bell, "_client", redis)
    time.sleep(0.15)
    bell.ring(bell.SEND_EMAILS)
    assert messages(redis) == [bell.SEND_EMAILS]


def test_a_mistake_in_the_settings_is_logged_and_rolls_nothing_back(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong: the rows are committed, and the sweep will find them."""
    settings.REDIS_URL = "nonsense://127.0.0.1"
    told: list[str] = []
    with caplog.at_level(logging.ERROR), transaction.atomic():
        bell.ring(bell.SEND_EMAILS)
        transaction.on_commit(lambda: told.append("what comes after the ring"))
    assert told == ["what comes after the ring"]
    assert any("on_commit" in message for message in caplog.messages)
