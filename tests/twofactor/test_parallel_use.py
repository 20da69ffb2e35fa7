"""One code, sent many times at the same moment, counts once (security 20; ASVS 6.5.1).

django-otp's own check of a device took one code several times in 33 of 40 rounds.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client

from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.people import People
from tests.two_factor import NUMBER, code_of, two_factor_on, two_factor_on_by_phone
from tests.twofactor.gateways import RememberingGateway
from tests.twofactor.signing_in import (
    CHALLENGE,
    at_once,
    enter,
    forget_attempts,
    half_signed_in,
    is_in,
    request_from,
)
from twofactor import code_limits
from twofactor.methods import Kind
from twofactor.models import AuthenticatorApp, RecoveryCode, SmsCode, SmsPhone
from twofactor.recovery_codes import make_codes
from twofactor.sms.codes import send_code
from twofactor.typed_codes import WrongCode
from twofactor.verifying import verify
from users.models import User, UserSession
from users.session_store import SessionStore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROUNDS = 200
AT_ONCE = 8
PURPOSE = "sign-in of this test"


class Crowd:
    """Threads with a connection of their own each, which use one code together, round by round."""

    def __init__(self, user: User, kind: Kind) -> None:
        self.code = ""
        self.outcomes: list[str] = []
        self._user, self._kind = user, kind
        self._start, self._end = Barrier(AT_ONCE + 1), Barrier(AT_ONCE + 1)
        self._is_over = False
        self._threads = [Thread(target=self._run) for _one in range(AT_ONCE)]

    @contextmanager
    def gathered(self) -> Iterator["Crowd"]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over = True
            self._start.wait()
            for thread in self._threads:
                thread.join()

    def use(self, code: str) -> list[str]:
        """What each was answered."""
        self.code, self.outcomes = code, []
        self._start.wait()
        self._end.wait()
        return sorted(self.outcomes)

    def _run(self) -> None:
        try:
            while True:
                self._start.wait()
                if self._is_over:
                    return
                self.outcomes.append(self._outcome())
                self._end.wait()
        finally:
            connection.close()

    def _outcome(self) -> str:
        try:
            verify(request_from(), self._user, kind=self._kind, code=self.code, bound_to=PURPOSE)
        except WrongCode:
            return "wrong"
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            return repr(error)
        return "right"


ONE_OF_THEM = ["right", *["wrong"] * (AT_ONCE - 1)]


@pytest.fixture(autouse=True)
def all_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the limits, which would keep most of the crowd from being looked at."""
    monkeypatch.setattr(code_limits, "_counters", lambda *_arguments: [])


def rounds(user: User, kind: Kind, codes: Callable[[], str]) -> list[list[str]]:
    """What was answered in each of ``ROUNDS``, with a new code in each."""
    with Crowd(user, kind).gathered() as crowd:
        return [crowd.use(codes()) for _round in range(ROUNDS)]


def test_a_code_of_an_app_counts_once(people: People) -> None:
    app = two_factor_on(people.alice)

    def unused_code() -> str:
        AuthenticatorApp.objects.update(last_step=-1)
        return code_of(app)

    assert rounds(people.alice, Kind.APP, unused_code) == [ONE_OF_THEM] * ROUNDS


def test_a_code_of_a_text_message_counts_once(people: People, gateway: RememberingGateway) -> None:
    phone = two_factor_on_by_phone(people.alice)

    def unused_code() -> str:
        forget_attempts()
        send_code(request_from(), phone, bound_to=PURPOSE)
        return gateway.codes[-1]

    assert rounds(people.alice, Kind.SMS, unused_code) == [ONE_OF_THEM] * ROUNDS
    assert SmsCode.objects.filter(used_at=None).count() == 0


def test_a_recovery_code_counts_once(people: People) -> None:
    """With the tests' cheap hasher, so that the threads meet at the row and not at the hash."""
    two_factor_on(people.alice)
    codes: list[str] = []

    def unused_code() -> str:
        if not codes:
            codes.extend(make_codes(people.alice))
        return codes.pop()

    assert rounds(people.alice, Kind.RECOVERY_CODE, unused_code) == [ONE_OF_THEM] * ROUNDS
    assert RecoveryCode.objects.filter(used_at=None).count() == 0
    # Each use is told once.
    with all_accounts_scope("a test reads mail"):
        assert OutgoingEmail.objects.filter(kind="recovery_code_used").count() == ROUNDS


@pytest.mark.parametrize("kind", list(Kind))
def test_one_of_many_sign_ins_gets_a_session(
    people: People, gateway: RememberingGateway, kind: Kind
) -> None:
    """The same through the pages, in browsers that have all come as far as the challenge."""
    app = two_factor_on(people.alice)
    SmsPhone.objects.create(user=people.alice, name="", number=NUMBER, confirmed=True)
    recovery = make_codes(people.alice)
    for _round in range(5):
        AuthenticatorApp.objects.update(last_step=-1)
        UserSession.objects.all().delete()
        forget_attempts()
        browsers = _browsers(people.alice, kind)
        forget_attempts()
        code = {
            Kind.APP: code_of(app),
            Kind.SMS: gateway.codes[-1] if gateway.codes else "",
            Kind.RECOVERY_CODE: recovery.pop(),
        }[kind]
        answers, errors = at_once([_entering(browser, code, kind) for browser in browsers])
        assert errors == []
        assert set(answers) <= {200, 302}
        assert UserSession.objects.filter(user=people.alice).count() == 1
        assert sum(is_in(browser) for browser in browsers) == 1


def _browsers(user: User, kind: Kind) -> list[Client]:
    """Each with a sign-in of its own; a text message is sent for one, so all have that one."""
    if kind is not Kind.SMS:
        return [half_signed_in(user) for _one in range(AT_ONCE)]
    first = half_signed_in(user)
    first.post(f"{CHALLENGE}sms/", follow=True)
    browsers = [Client() for _one in range(AT_ONCE)]
    for browser in browsers:
        browser.cookies["session"] = first.cookies["session"].value
        assert isinstance(browser.session, SessionStore)
    return browsers


def _entering(browser: Client, code: str, kind: Kind) -> Callable[[], object]:
    return lambda: enter(browser, code, kind=kind).status_code
