"""How often codes may be guessed (security 16, 17, 18; ASVS 6.3.1, 6.6.3)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.factories import PASSWORD
from tests.people import People, signed_in
from tests.two_factor import code_of, two_factor_on
from tests.twofactor.signing_in import at_once, enter, half_signed_in, is_in, request_from
from twofactor.code_limits import take_attempt
from twofactor.methods import Kind
from twofactor.recovery_codes import make_codes
from twofactor.typed_codes import WrongCode
from twofactor.verifying import verify
from users.models import User
from users.rate_limits import TooManyAttempts

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Clock:
    """The time as the limits see it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def advance(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def guess(user: User, *, kind: Kind = Kind.APP, code: str = "000000") -> bool:
    """False when it was refused before it was looked at."""
    try:
        verify(request_from(), user, kind=kind, code=code, bound_to="")
    except WrongCode:
        return True
    except TooManyAttempts:
        return False
    raise AssertionError("the guess was right")


def guesses(user: User, most: int) -> int:
    """How many are looked at out of ``most``."""
    return sum(guess(user) for _time in range(most))


def told(kind: str = "sign_in_not_finished") -> list[OutgoingEmail]:
    with all_accounts_scope("a test reads mail"):
        return list(OutgoingEmail.objects.filter(kind=kind))


@pytest.mark.django_db
def test_five_in_five_minutes(people: People, clock: Clock) -> None:
    two_factor_on(people.alice)
    assert guesses(people.alice, 9) == 5
    clock.advance(5 * MINUTE - timedelta(seconds=1))
    assert guesses(people.alice, 1) == 0
    clock.advance(timedelta(seconds=2))
    assert guesses(people.alice, 9) == 5


@pytest.mark.django_db
def test_twenty_in_an_hour(people: People, clock: Clock) -> None:
    two_factor_on(people.alice)
    counted = 0
    for _time in range(11):
        counted += guesses(people.alice, 6)
        clock.advance(5 * MINUTE)
    assert counted == 20
    clock.advance(10 * MINUTE)
    assert guesses(people.alice, 6) == 5


@pytest.mark.django_db
def test_fifty_in_a_day(people: People, clock: Clock) -> None:
    two_factor_on(people.alice)
    began, counted = clock.now, 0
    while clock.now < began + 23 * HOUR:
        counted += guesses(people.alice, 6)
        clock.advance(30 * MINUTE)
    assert counted == 50
    clock.advance(HOUR + MINUTE)
    assert guesses(people.alice, 1) == 1


@pytest.mark.django_db
def test_all_methods_count_together(people: People) -> None:
    two_factor_on(people.alice)
    make_codes(people.alice)
    kinds = [Kind.APP, Kind.SMS, Kind.RECOVERY_CODE, Kind.APP, Kind.SMS, Kind.RECOVERY_CODE]
    assert [guess(people.alice, kind=kind) for kind in kinds] == [True] * 5 + [False]


@pytest.mark.django_db
def test_signing_in_and_confirming_count_together(people: People) -> None:
    """Whoever stole a session and knows the password gets no more guesses by it."""
    two_factor_on(people.alice)
    browser = half_signed_in(people.alice)
    for _time in range(3):
        assert enter(browser, "000000").status_code == 200
    thief = signed_in(people.alice)
    sent = {"confirm-for": "GET", "confirm-password": PASSWORD, "confirm-code": "000000"}
    statuses = [thief.post("/profile/email/", sent).status_code for _time in range(3)]
    assert statuses == [200, 200, 429]
    assert enter(browser, "000000").status_code == 429


@pytest.mark.django_db
def test_a_right_code_is_given_back(people: People) -> None:
    app = two_factor_on(people.alice)
    codes = make_codes(people.alice)
    assert guesses(people.alice, 4) == 4
    verify(request_from(), people.alice, kind=Kind.APP, code=code_of(app), bound_to="")
    for code in codes[:4]:
        verify(request_from(), people.alice, kind=Kind.RECOVERY_CODE, code=code, bound_to="")
    assert guesses(people.alice, 3) == 1


@pytest.mark.django_db
def test_the_right_code_is_refused_once_there_were_too_many(people: People) -> None:
    app = two_factor_on(people.alice)
    browser = half_signed_in(people.alice)
    for _time in range(5):
        enter(browser, "000000")
    answer = enter(browser, code_of(app))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 200
    assert "Try again in 5 minutes" in answer.content.decode()
    assert not is_in(browser)


@pytest.mark.django_db
def test_a_stranger_who_knows_the_password_cannot_lock_out_a_known_browser(
    people: People,
) -> None:
    """Security 16; ASVS 6.1.1."""
    app = two_factor_on(people.alice)
    own = half_signed_in(people.alice)
    enter(own, code_of(app))
    own.post("/sign-out/")
    stranger = half_signed_in(people.alice)
    for _time in range(6):
        enter(stranger, "000000")
    assert enter(stranger, "000000").status_code == 429
    half_signed_in(people.alice, browser=own)
    enter(own, code_of(app, steps=1))
    assert is_in(own)


@pytest.mark.django_db
def test_a_password_alone_makes_no_browser_a_known_one(people: People) -> None:
    """Else each sign-in that was never finished would bring five guesses more."""
    two_factor_on(people.alice)
    looked_at = 0
    for _time in range(3):
        stranger = half_signed_in(people.alice)
        assert "device" not in stranger.cookies
        looked_at += sum(enter(stranger, "000000").status_code == 200 for _code in range(4))
    assert looked_at == 5


@pytest.mark.django_db
def test_beginning_again_brings_no_guesses(people: People) -> None:
    two_factor_on(people.alice)
    browser, looked_at = Client(), 0
    for _time in range(4):
        half_signed_in(people.alice, browser=browser)
        looked_at += sum(enter(browser, "000000").status_code == 200 for _code in range(3))
        browser.post("/sign-in/code/cancel/")
    assert looked_at == 5


@pytest.mark.django_db
def test_another_address_brings_no_guesses(people: People, settings: Settings) -> None:
    """Security 17: whatever X-Forwarded-For says, and behind a proxy too."""
    two_factor_on(people.alice)
    looked_at = 0
    for proxies in (0, 1):
        settings.TRUSTED_PROXY_COUNT = proxies
        browser = half_signed_in(people.alice)
        for number in range(8):
            answer = enter(
                browser,
                "000000",
                HTTP_X_FORWARDED_FOR=f"203.0.113.{number}",
                REMOTE_ADDR=f"10.0.0.{number}",
            )
            looked_at += answer.status_code == 200
    assert looked_at == 5


@pytest.mark.django_db
def test_another_persons_guesses_are_their_own(people: People) -> None:
    for user in (people.alice, people.bob):
        two_factor_on(user)
    assert guesses(people.alice, 6) == 5
    assert guesses(people.bob, 6) == 5


@pytest.mark.django_db
def test_the_person_is_told_once_a_day_that_their_password_is_known(
    people: People, clock: Clock
) -> None:
    """ASVS 6.3.5: the third wrong code in a day, which needs the password."""
    two_factor_on(people.alice)
    guesses(people.alice, 2)
    assert told() == []
    guesses(people.alice, 1)
    [mail] = told()
    assert mail.recipient_address == people.alice.email
    assert "and then a wrong code several times" in mail.text_body
    clock.advance(6 * MINUTE)
    guesses(people.alice, 9)
    assert len(told()) <= 2
    clock.advance(24 * HOUR)
    before = len(told())
    guesses(people.alice, 9)
    assert len(told()) == before + 1


@pytest.mark.django_db
def test_wrong_codes_are_audited_and_refused_ones_are_not_looked_at(people: People) -> None:
    two_factor_on(people.alice)
    guesses(people.alice, 20)
    with all_accounts_scope("a test reads the audit log"):
        found = list(
            AuditEvent.objects.filter(action=Action.TWO_FACTOR_CODE_REFUSED).order_by("pk")
        )
    assert len(found) == 6
    # Once of a limit.
    assert len([event for event in found if "limit" in event.details]) == 1


@pytest.mark.django_db
def test_a_few_wrong_codes_a_day_stay_no_secret(people: People, clock: Clock) -> None:
    """ASVS 6.3.5: who stays below the limits would never be told of."""
    two_factor_on(people.alice)
    assert guesses(people.alice, 1) == 1
    clock.advance(2 * HOUR)
    assert guesses(people.alice, 1) == 1
    assert told() == []
    clock.advance(2 * HOUR)
    assert guesses(people.alice, 1) == 1
    assert len(told()) == 1


@pytest.mark.django_db
def test_a_known_browser_may_mistype_three_times_without_mail(people: People) -> None:
    app = two_factor_on(people.alice)
    browser = half_signed_in(people.alice)
    enter(browser, code_of(app))
    browser.post("/sign-out/")
    half_signed_in(people.alice, browser=browser)
    for _time in range(3):
        enter(browser, "000000")
    assert told() == []


@pytest.mark.django_db
def test_limits_and_codes_hold_while_redis_is_away(people: People, settings: Settings) -> None:
    """Security 18."""
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    app = two_factor_on(people.alice)
    browser = half_signed_in(people.alice)
    code = code_of(app)
    enter(browser, code)
    assert is_in(browser)
    again = half_signed_in(people.alice)
    statuses = [enter(again, code).status_code for _time in range(6)]
    assert statuses == [200] * 5 + [429]
    assert not is_in(again)
    assert len(told()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kinds", [[Kind.APP], list(Kind)], ids=["one method", "all methods"])
def test_of_guesses_at_the_same_moment_five_are_looked_at(
    people: People, kinds: list[Kind]
) -> None:
    """Exact under threads: each is counted before it is looked at."""
    two_factor_on(people.alice)
    make_codes(people.alice)
    doings = [_guesser(people.alice, kinds[number % len(kinds)]) for number in range(16)]
    looked_at, refusals = at_once(doings)
    assert refusals == []
    assert sum(map(bool, looked_at)) == 5
    assert len(told()) == 1


def _guesser(user: User, kind: Kind) -> Callable[[], object]:
    return lambda: guess(user, kind=kind)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("before", "left"), [(17, 3), (47, 3)], ids=["an hour", "a day"])
def test_the_longer_windows_are_exact_too(
    people: People, clock: Clock, before: int, left: int
) -> None:
    apart = 3 * MINUTE if before < 20 else 25 * MINUTE
    for _time in range(before):
        take_attempt(request_from(), people.alice)
        clock.advance(apart)
    two_factor_on(people.alice)
    clock.advance(5 * MINUTE - apart if apart < 5 * MINUTE else timedelta())
    looked_at, refusals = at_once([_guesser(people.alice, Kind.APP)] * 12)
    assert refusals == []
    assert sum(map(bool, looked_at)) == left
