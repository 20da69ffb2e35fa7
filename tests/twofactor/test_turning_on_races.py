"""A sign-in beside the moment in which a second factor is turned on, off, or taken away."""

import time
from threading import Thread

import pytest
from django.db import connection, transaction
from django.test import Client

from tests.people import Answer, People, sign_in
from tests.two_factor import code_of, two_factor_on
from tests.twofactor.signing_in import CHALLENGE, enter, half_signed_in, is_in
from twofactor.changing import lock_methods
from twofactor.models import AuthenticatorApp, TwoFactor
from users.models import UserSession

pytestmark = pytest.mark.django_db(transaction=True)
_PATIENCE_SECONDS = 20


class Other(Thread):
    """A request on a connection of its own."""

    def __init__(self, send: object) -> None:
        super().__init__()
        self._send = send
        self.answer: Answer | None = None

    def run(self) -> None:
        assert callable(self._send)
        try:
            self.answer = self._send()
        finally:
            connection.close()


def wait_until_somebody_waits() -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waited for the person's lock")


def test_no_session_begins_without_a_code_while_two_factor_is_turned_on(people: People) -> None:
    browser = Client()
    other = Other(lambda: sign_in(browser, people.alice.email))
    with transaction.atomic():
        lock_methods(people.alice)
        other.start()
        wait_until_somebody_waits()
        TwoFactor.objects.create(user=people.alice)
        UserSession.objects.filter(user=people.alice).delete()
    other.join()
    assert other.answer is not None and other.answer["Location"] == CHALLENGE
    assert not UserSession.objects.filter(user=people.alice).exists()
    assert not is_in(browser)


def test_a_code_of_an_app_that_is_being_removed_begins_no_session(people: People) -> None:
    app = two_factor_on(people.alice)
    browser = half_signed_in(people.alice)
    code = code_of(app)
    other = Other(lambda: enter(browser, code))
    with transaction.atomic():
        lock_methods(people.alice)
        other.start()
        wait_until_somebody_waits()
        AuthenticatorApp.objects.filter(pk=app.pk).delete()
        TwoFactor.objects.filter(user=people.alice).delete()
    other.join()
    assert not UserSession.objects.filter(user=people.alice).exists()
    assert not is_in(browser)
