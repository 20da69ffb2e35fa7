"""Limits hold exactly, whoever tries at once, and let go when their window has moved on."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.factories import PASSWORD, make_user
from tests.people import sign_in
from users.models import RateHit
from users.rate_limits import Limit, TooManyAttempts, by_client, take
from users.signin import MAX_FAILURES

THREE = Limit("three a minute", 3, timedelta(minutes=1))
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.get_default_timezone())
WRONG = "not the password of anybody"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time, as its only element."""
    moments = [NOON]
    monkeypatch.setattr(timezone, "now", lambda: moments[0])
    return moments


def attempts(count: int, limit: Limit = THREE, key: str = "a") -> int:
    """How many of ``count`` were let through."""
    passed = 0
    for _ in range(count):
        try:
            take([limit.by(key)])
        except TooManyAttempts:
            continue
        passed += 1
    return passed


@pytest.mark.django_db
def test_the_window_moves(clock: list[datetime]) -> None:
    assert attempts(1) == 1
    clock[0] = NOON + timedelta(seconds=40)
    assert attempts(5) == 2
    clock[0] = NOON + timedelta(seconds=59)
    assert attempts(1) == 0
    # The first has left the window, the other two have not.
    clock[0] = NOON + timedelta(seconds=61)
    assert attempts(5) == 1


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(seconds=-1), "Try again in a minute."),
        (timedelta(seconds=60), "Try again in a minute."),
        (timedelta(seconds=61), "Try again in 2 minutes."),
        (timedelta(minutes=90), "Try again in 90 minutes."),
        (timedelta(hours=23), "Try again after"),
    ],
)
def test_how_long_to_wait_is_told_as_people_say_it(
    clock: list[datetime], wait: timedelta, words: str
) -> None:
    assert words in TooManyAttempts(NOON + wait).in_words()


@pytest.mark.django_db
def test_it_says_when_the_next_is_free(clock: list[datetime]) -> None:
    attempts(1)
    clock[0] = NOON + timedelta(seconds=10)
    attempts(2)
    with pytest.raises(TooManyAttempts) as refusal:
        take([THREE.by("a")])
    assert refusal.value.retry_at == NOON + timedelta(minutes=1)


@pytest.mark.django_db
def test_keys_and_limits_are_counted_apart() -> None:
    other = Limit("another", 3, timedelta(minutes=1))
    assert [attempts(4), attempts(4, key="b"), attempts(4, other)] == [3, 3, 3]


@pytest.mark.django_db
def test_what_one_of_two_counters_refuses_counts_for_neither() -> None:
    attempts(3, key="full")
    with pytest.raises(TooManyAttempts):
        take([THREE.by("full"), THREE.by("empty")])
    assert attempts(4, key="empty") == 3


@pytest.mark.django_db
def test_what_is_given_back_does_not_count() -> None:
    for _ in range(5):
        take([THREE.by("a")]).give_back()
    assert attempts(4) == 3


@pytest.mark.django_db
def test_old_rows_are_cleared_away_in_passing(clock: list[datetime]) -> None:
    for number in range(15):
        attempts(1, key=f"somebody {number}")
    clock[0] = NOON + timedelta(hours=1)
    attempts(1)
    assert RateHit.objects.count() == 1


@pytest.mark.django_db
def test_rows_do_not_say_who_tried(clock: list[datetime]) -> None:
    attempts(1, key="alice@hartwell.example")
    assert "alice" not in str(RateHit.objects.values_list()[0])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        # As a socket for both writes IPv4: else the whole of it were one network.
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_a_client_is_its_address_or_its_ipv6_network(one: str, other: str, same: bool) -> None:
    """Security 17: a subscriber has 2^64 IPv6 addresses to try from."""
    counters = [
        by_client(THREE, RequestFactory().get("/", REMOTE_ADDR=address)) for address in (one, other)
    ]
    assert (counters[0] == counters[1]) is same


def test_behind_a_socket_without_an_address_nobody_shares_a_counter() -> None:
    assert by_client(THREE, RequestFactory().get("/", REMOTE_ADDR="")) == []


# --- At the same moment -------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_as_many_pass_as_may() -> None:
    def one(_number: int) -> int:
        with closing(connection):
            return attempts(2)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(one, range(8))) == 3


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_at_the_sign_in_page_are_all_counted() -> None:
    """Security 16: ten passwords are looked at, however many are sent at once."""
    user = make_user("alice@hartwell.example")

    def guess(_number: int) -> int:
        with closing(connection):
            return sign_in(Client(), user.email, WRONG).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(guess, range(24)))
    assert sorted(set(answers)) == [200, 429]
    assert answers.count(200) == MAX_FAILURES
    assert sign_in(Client(), user.email, PASSWORD).status_code == 429


@pytest.mark.django_db
def test_it_holds_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Security 18."""

    def away(*args: object, **kwargs: object) -> None:
        raise RedisConnectionError("nobody is there")

    monkeypatch.setattr("redis.connection.AbstractConnection.connect", away)
    assert attempts(5) == 3
