"""Browsers of people with two-factor on, on their way in; and what happens at the same moment."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client, RequestFactory

from tests.hashers import QuickArgon2PasswordHasher
from tests.people import Answer, sign_in, signed_in
from tests.two_factor import two_factor_on
from twofactor.methods import Kind
from users.models import RateHit, User
from users.session_store import SessionStore

CHALLENGE = "/sign-in/code/"


def half_signed_in(user: User, *, next_page: str = "", browser: Client | None = None) -> Client:
    """A browser in which the password was right, and nothing more."""
    two_factor_on(user)
    browser = browser or Client()
    answer = sign_in(browser, user.email, next_page=next_page)
    assert answer["Location"] == CHALLENGE
    return browser


def enter(
    browser: Client, code: str, *, kind: Kind = Kind.APP, follow: bool = False, **meta: Any
) -> Answer:
    """Send the challenge's form."""
    sent = {"method": kind.value, "code": code}
    answer: Answer = browser.post(CHALLENGE, sent, follow=follow, **meta)
    return answer


def is_in(browser: Client) -> bool:
    """Whether somebody is signed in there."""
    return bool(browser.get("/profile/").status_code == 200)


def request_from(remote_address: str = "192.0.2.1") -> Any:
    """A request of nobody, with a session of its own."""
    request = RequestFactory().post("/", REMOTE_ADDR=remote_address)
    request.session = SessionStore()
    request.user = AnonymousUser()
    return request


def request_of(user: User) -> Any:
    """A request of ``user``, in a session of their own."""
    request = request_from()
    request.session, request.user = signed_in(user).session, user
    return request


def forget_attempts() -> None:
    """Limits are not what is under test."""
    RateHit.objects.all().delete()


def count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one with each password hash that is computed."""
    hashed: list[str] = []
    encode, compare = QuickArgon2PasswordHasher.encode, QuickArgon2PasswordHasher.verify

    def counted_encode(self: QuickArgon2PasswordHasher, *given: str) -> str:
        hashed.append("encode")
        return encode(self, *given)

    def counted_compare(self: QuickArgon2PasswordHasher, *given: str) -> bool:
        hashed.append("verify")
        return compare(self, *given)

    monkeypatch.setattr(QuickArgon2PasswordHasher, "encode", counted_encode)
    monkeypatch.setattr(QuickArgon2PasswordHasher, "verify", counted_compare)
    return hashed


def at_once(doings: Sequence[Callable[[], object]]) -> tuple[list[object], list[Exception]]:
    """Run all of them at the same moment, on connections of their own: given, and refused."""
    start = Barrier(len(doings))
    given: list[object] = []
    refusals: list[Exception] = []

    def run(doing: Callable[[], object]) -> None:
        start.wait()
        try:
            given.append(doing())
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            refusals.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given, refusals
