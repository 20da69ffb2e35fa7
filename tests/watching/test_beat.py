"""Celery's beat as it is run here: due at the start, heard by what it sends, stopped by nothing."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from celery.beat import Scheduler, SchedulingError
from django.conf import settings as program_settings
from redis import Redis

from common import bell
from config.celery import app
from tests.watching.steps import MINUTE, closed_port, give_sign_ago, reach_postgres_at
from watching.beat import HeardScheduler
from watching.canaries import QUEUES, TASK
from watching.signs import BEAT, latest_signs

# What is sent every minute or more often, each once.
DUE_AT_START = Counter(
    [
        ("default", bell.WORK_BILLING_RUNS),
        ("render", bell.RENDER_DOCUMENTS),
        ("mail", bell.SEND_EMAILS),
        ("default", "mail.tasks.settle_reports"),
        *((queue, TASK) for queue in QUEUES),
    ]
)

# Beat's sign is written over a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scheduler() -> Iterator[HeardScheduler]:
    # The stubs want an app of plain tasks.
    made = HeardScheduler(app=app)  # type: ignore[arg-type]
    yield made
    made.close()


def send_all_that_is_due(scheduler: HeardScheduler) -> None:
    while scheduler.tick() == 0:
        pass


def sent() -> Counter[tuple[str, str]]:
    """How often each task waits in each queue."""
    with Redis.from_url(program_settings.REDIS_URL, decode_responses=True) as redis:
        return Counter(
            (queue, json.loads(text)["headers"]["task"])
            for queue in QUEUES
            for text in redis.lrange(queue, 0, -1)
        )


def test_celery_is_told_to_use_it() -> None:
    assert app.conf.beat_scheduler == f"{HeardScheduler.__module__}:{HeardScheduler.__name__}"


def test_sweeps_and_a_canary_through_every_queue_are_sent_at_the_start(
    scheduler: HeardScheduler,
) -> None:
    send_all_that_is_due(scheduler)
    assert {queue for queue, task in sent() if task == TASK} == set(QUEUES)
    assert {queue for queue, task in sent() if task != TASK} == set(QUEUES)


def test_a_start_of_beat_is_no_reason_to_bill(scheduler: HeardScheduler) -> None:
    send_all_that_is_due(scheduler)
    assert ("default", "billing.tasks.bill_due_entries") not in sent()


def test_nothing_is_sent_twice_before_its_time(scheduler: HeardScheduler) -> None:
    send_all_that_is_due(scheduler)
    before = sent()
    send_all_that_is_due(scheduler)
    assert sent() == before


def test_it_is_heard_once_it_has_sent_something(scheduler: HeardScheduler) -> None:
    assert latest_signs()[BEAT].heard_at is None
    send_all_that_is_due(scheduler)
    assert latest_signs()[BEAT].heard_at is not None


def test_and_not_while_it_cannot(
    scheduler: HeardScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SchedulingError("no broker")

    monkeypatch.setattr(Scheduler, "apply_async", fail)
    send_all_that_is_due(scheduler)
    assert latest_signs()[BEAT].heard_at is None


def test_it_writes_no_more_often_than_is_of_use(scheduler: HeardScheduler) -> None:
    send_all_that_is_due(scheduler)
    give_sign_ago(MINUTE, BEAT)
    before = latest_signs()[BEAT].heard_at
    scheduler._sign()
    assert latest_signs()[BEAT].heard_at == before
    scheduler._signed_at -= 16
    scheduler._sign()
    assert latest_signs()[BEAT].heard_at != before


def test_it_rings_whether_or_not_the_database_is_there(
    scheduler: HeardScheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        reach_postgres_at(closed_port(), patch)
        send_all_that_is_due(scheduler)
    assert sent() == DUE_AT_START
    assert "sign of life could not be written" in caplog.text
