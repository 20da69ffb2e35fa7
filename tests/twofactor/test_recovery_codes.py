"""Recovery codes: ten, hashed, shown once, each used once."""

import re
from functools import partial
from http.cookies import SimpleCookie
from typing import Any, cast

import pytest
from django.contrib.auth import hashers
from django.db import connection
from django.test import Client

from audit.actions import Action
from tests.auditing import events
from tests.factories import make_user
from tests.people import People
from tests.two_factor import two_factor_on
from tests.twofactor.setting_up import (
    OVERVIEW,
    codes_on,
    signed_in_with_best,
)
from tests.twofactor.signing_in import at_once
from tests.users.mailing import mails
from twofactor import recovery_codes
from twofactor.models import RecoveryCode, RecoveryCodes
from twofactor.recovery_codes import codes_left, make_codes, use_code

pytestmark = pytest.mark.django_db

PAGE = f"{OVERVIEW}recovery-codes/"


def test_ten_codes_are_made_that_are_easily_read(people: People) -> None:
    """M9. Crockford's base 32: neither i, l, o nor u."""
    codes = make_codes(people.alice)
    assert len(set(codes)) == 10
    assert all(
        re.fullmatch(r"(?:[0-9a-hjkmnp-tv-z]{4}-){2}[0-9a-hjkmnp-tv-z]{4}", c) for c in codes
    )
    assert codes_left(people.alice) == 10


def test_a_copy_of_the_database_has_no_code(people: People) -> None:
    """ASVS 6.5.2: each under the password hasher; in clear only what finds the row."""
    codes = make_codes(people.alice)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM twofactor_recoverycode AS t")
        stored = str(cursor.fetchall())
    for code in codes:
        assert code not in stored and code.replace("-", "")[2:] not in stored
    for row in RecoveryCode.objects.all():
        assert hashers.identify_hasher(row.code_hash).algorithm == "argon2"
        assert len(row.selector) == 2


def test_a_code_is_taken_once(people: People) -> None:
    """Security 20."""
    code, *others = make_codes(people.alice)
    assert use_code(people.alice, code) == RecoveryCodes.objects.get(user=people.alice)
    assert use_code(people.alice, code) is None
    assert codes_left(people.alice) == 9
    assert use_code(people.alice, others[0])


def test_letters_that_look_like_digits_are_read_as_these(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_codes, "_distinct_codes", lambda: ["010101010101"])
    assert make_codes(people.alice) == ["0101-0101-0101"]
    assert use_code(people.alice, "OIoL-olOi-01oI")


@pytest.mark.parametrize("code", ["", "a", "zz", "\x00\x00\x00", "0" * 12, "é" * 12, "x" * 5000])
def test_what_is_no_code_is_refused(people: People, code: str) -> None:
    make_codes(people.alice)
    assert use_code(people.alice, code) is None
    assert codes_left(people.alice) == 10


def test_codes_of_somebody_else_are_refused(people: People) -> None:
    make_codes(people.alice)
    assert use_code(people.alice, make_codes(people.bob)[0]) is None
    assert (codes_left(people.alice), codes_left(people.bob)) == (10, 10)


@pytest.mark.parametrize("whose", ["known beginning", "unknown beginning", "used", "no codes"])
def test_every_attempt_costs_one_hash(
    people: People, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """The time an answer takes tells nothing of which codes there are."""
    user = people.bob if whose == "no codes" else people.alice
    code = make_codes(people.alice)[0]
    selectors = set(RecoveryCode.objects.values_list("selector", flat=True))
    free = next(a + b for a in "0123456789" for b in "0123456789" if a + b not in selectors)
    wrong = "0" * 10 if code[2:4] != "00" else "1" * 10
    tried = {"known beginning": code[:2] + wrong, "unknown beginning": free + wrong}.get(
        whose, code
    )
    if whose == "used":
        use_code(user, code)
    hasher = hashers.get_hasher("default")
    counted: list[str] = []

    class Counting(type(hasher)):  # type: ignore[misc]
        def encode(self, password: str, salt: str) -> str:
            counted.append("made")
            return str(super().encode(password, salt))

        def verify(self, password: str, encoded: str) -> bool:
            counted.append("checked")
            return bool(super().verify(password, encoded))

    monkeypatch.setattr(hashers, "get_hasher", lambda _algorithm="default": Counting())
    monkeypatch.setattr(hashers, "get_hashers_by_algorithm", lambda: {"argon2": Counting()})
    assert use_code(user, tried) is None
    assert len(counted) == 1


# --- The page -----------------------------------------------------------------------------------


def test_new_codes_take_the_place_of_the_former_ones(people: People) -> None:
    """M9; security 27: other sessions end, and this one goes on under a new key."""
    two_factor_on(people.alice)
    former = make_codes(people.alice)
    browser, other = signed_in_with_best(people.alice), signed_in_with_best(people.alice)
    key = browser.session.session_key
    assert "What will happen" in browser.get(PAGE).content.decode()
    assert codes_left(people.alice) == 10
    made = codes_on(browser.post(PAGE, {"version": 1}))
    assert len(made) == 10 and not set(made) & set(former)
    assert use_code(people.alice, former[0]) is None
    assert use_code(people.alice, made[0])
    assert browser.session.session_key != key
    assert other.get(OVERVIEW).status_code == 302
    assert browser.get(OVERVIEW).status_code == 200
    assert len(events(Action.RECOVERY_CODES_MADE)) == 1
    [mail] = mails("recovery_codes_made", to=people.alice.email)
    assert not any(code in mail.text_body + mail.html_body for code in made)


def test_a_second_click_makes_no_other_codes(people: People) -> None:
    two_factor_on(people.alice)
    make_codes(people.alice)
    browser = signed_in_with_best(people.alice)
    made = codes_on(browser.post(PAGE, {"version": 1}))
    answer = browser.post(PAGE, {"version": 1}, follow=True)
    assert "New codes were made already." in answer.content.decode()
    assert codes_on(answer) == []
    assert use_code(people.alice, made[0])
    assert len(mails("recovery_codes_made")) == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_codes_once_and_the_other_is_told_so() -> None:
    """The first ends the session that the second came in."""
    user = make_user()
    two_factor_on(user)
    make_codes(user)
    one = signed_in_with_best(user)
    other = Client()
    other.cookies = SimpleCookie(one.cookies.output(header="", sep=";"))
    posts = [partial(browser.post, PAGE, {"version": 1}) for browser in (one, other)]
    answers, refusals = at_once(posts)
    assert refusals == []
    shown, told = sorted(cast("list[Any]", answers), key=lambda answer: answer.status_code)
    assert (shown.status_code, told.status_code) == (200, 302)
    assert len(codes_on(shown)) == 10
    browser = one if one.session.session_key else other
    browser.cookies = shown.cookies
    assert "New codes were made already." in browser.get(told["Location"]).content.decode()
    assert len(events(Action.RECOVERY_CODES_MADE)) == 1


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40, "2"])
def test_a_form_without_the_present_version_makes_none(people: People, version: str) -> None:
    two_factor_on(people.alice)
    make_codes(people.alice)
    answer = signed_in_with_best(people.alice).post(PAGE, {"version": version})
    assert answer.status_code == 302
    assert RecoveryCodes.objects.get(user=people.alice).version == 1
    assert mails("recovery_codes_made") == []


def test_codes_are_shown_on_no_other_page(people: People) -> None:
    """M9: shown once."""
    two_factor_on(people.alice)
    make_codes(people.alice)
    browser = signed_in_with_best(people.alice)
    made = codes_on(browser.post(PAGE, {"version": 1}))
    for page in (PAGE, OVERVIEW):
        text = browser.get(page).content.decode()
        assert not any(code in text for code in made)


def test_codes_can_be_downloaded_as_text_without_being_kept(people: People) -> None:
    """M9: to copy, print or download; the file is within the page itself."""
    two_factor_on(people.alice)
    make_codes(people.alice)
    answer = signed_in_with_best(people.alice).post(PAGE, {"version": 1})
    page = answer.content.decode()
    assert all(page.count(code) == 2 for code in codes_on(answer))
    assert 'href="data:text/plain;charset=utf-8,' in page
    # On paper too it is seen which of two sets is the newer one.
    assert page.count("Made on ") == 1 and page.count("Made%20on%20") == 1
    assert "no-store" in answer["Cache-Control"]


def test_without_two_factor_there_are_no_recovery_codes(people: People) -> None:
    """M9: they never stand alone."""
    browser = signed_in_with_best(people.alice)
    for answer in (browser.get(PAGE), browser.post(PAGE, {"version": 0})):
        assert answer.status_code == 302 and answer["Location"] == OVERVIEW
    assert codes_left(people.alice) == 0


@pytest.mark.parametrize(
    ("left", "is_warned"), [(10, False), (4, False), (3, True), (1, True), (0, True)]
)
def test_a_person_with_few_codes_left_is_warned(people: People, left: int, is_warned: bool) -> None:
    """M9: a warning when three are left."""
    two_factor_on(people.alice)
    for code in make_codes(people.alice)[left:]:
        assert use_code(people.alice, code)
    page = signed_in_with_best(people.alice).get(OVERVIEW).content.decode()
    urged = ("Make new ones before you run out." in page, "no recovery codes left" in page)
    assert any(urged) is is_warned
    assert urged[1] is (left == 0)
