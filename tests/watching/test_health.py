"""``/healthz``: asked by IP address, without https or a cookie, whatever else is broken."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from tests.watching.steps import closed_port, reach_postgres_at

pytestmark = pytest.mark.django_db

# Two for PostgreSQL, one for Redis, and the rest for a machine that has other things to do.
SOON_SECONDS = 4

DEGRADED = {"status": "degraded", "database": "ok", "bell": "away"}
DOWN = {"status": "down", "database": "away"}


@contextmanager
def taking_connections_and_never_answering() -> Iterator[int]:
    """The port of a server that is frozen: the kernel takes connections, nobody speaks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def ask(host: str = "testserver") -> tuple[int, dict[str, str]]:
    """Status and content of the answer."""
    answer = Client().get("/healthz", HTTP_HOST=host)
    return answer.status_code, answer.json()


def test_a_process_that_reaches_both_servers_is_well() -> None:
    assert ask() == (200, {"status": "ok", "database": "ok", "bell": "ok"})


def test_any_host_may_be_asked_for_and_https_is_not_asked_for(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert ask("10.1.2.3:8000")[0] == 200
    assert Client().get("/sign-in/").status_code == 301


def test_nothing_of_it_is_kept_and_no_session_is_opened(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        answer = Client().get("/healthz")
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_is_as_protected_as_all_other_answers(method: str) -> None:
    answer, other = getattr(Client(), method)("/healthz"), Client().get("/sign-in/")
    for name in (
        "X-Content-Type-Options",
        "X-Frame-Options",
        "Referrer-Policy",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "Permissions-Policy",
    ):
        assert answer[name] == other[name], name


def test_head_is_answered_and_what_changes_something_is_not() -> None:
    assert Client().head("/healthz").status_code == 200
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(Client(enforce_csrf_checks=True), method)("/healthz")
        assert answer.status_code == 405
        assert answer["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/healthz/", "/healthz/x", "/Healthz"])
def test_only_this_address_is_answered_here(path: str) -> None:
    assert Client().get(path).status_code == 404


def test_redis_that_is_gone_is_told_and_the_process_still_serves(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{closed_port()}/0"
    assert ask() == (200, DEGRADED)


def test_redis_that_is_frozen_holds_nobody_up(settings: Settings) -> None:
    with taking_connections_and_never_answering() as port:
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        started = time.monotonic()
        assert ask() == (200, DEGRADED)
    assert time.monotonic() - started < SOON_SECONDS


def test_without_postgresql_the_process_cannot_serve_and_says_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reach_postgres_at(closed_port(), monkeypatch)
    assert ask() == (503, DOWN)


def test_postgresql_that_is_frozen_is_found_out_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with taking_connections_and_never_answering() as port:
        reach_postgres_at(port, monkeypatch)
        started = time.monotonic()
        assert ask() == (503, DOWN)
    assert time.monotonic() - started < SOON_SECONDS
