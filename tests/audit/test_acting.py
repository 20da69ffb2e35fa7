import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from audit.acting import actor_of, client_address
from users.models import User


def request_from(address: str, forwarded: str = "") -> HttpRequest:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return RequestFactory().get("/", REMOTE_ADDR=address, headers=headers)


def test_without_proxies_of_ours_the_connection_counts() -> None:
    assert client_address(request_from("192.0.2.1", "203.0.113.9")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "[::ffff:203.0.113.9]:4711", "203.0.113.9"),
        (1, "198.51.100.1, unknown", "10.0.0.1"),
        (1, "203.0.113.9, ", "10.0.0.1"),
        (1, "203.0.113.9:http", "10.0.0.1"),
    ],
)
def test_behind_proxies_of_ours_the_header_counts_from_the_right(
    settings: Settings, proxies: int, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert client_address(request_from("10.0.0.1", forwarded)) == expected


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
    ],
)
def test_one_address_is_written_in_one_way(connection: str, address: str) -> None:
    assert client_address(request_from(connection)) == address


@pytest.mark.parametrize("address", ["", "unknown", "_hidden:4711", "203.0.113.900:1", "<script>"])
def test_what_is_no_address_is_none(settings: Settings, address: str) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert client_address(request_from("", address)) is None


def test_nobody_signed_in_acts_anonymously_from_an_address() -> None:
    request = request_from("192.0.2.1")
    request.user = AnonymousUser()
    actor = actor_of(request)
    assert (actor.kind, actor.user_id, actor.remote_address) == ("anonymous", None, "192.0.2.1")


def test_whoever_is_signed_in_acts_under_their_own_address() -> None:
    request = request_from("192.0.2.1")
    request.user = User(pk=7, email="alice@hartwell.example")
    actor = actor_of(request)
    assert (actor.kind, actor.user_id, actor.label) == ("user", 7, "alice@hartwell.example")
