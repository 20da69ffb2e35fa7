"""Which browsers count as known: guesses of strangers never count against them (security 16)."""

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from tests.factories import PASSWORD
from tests.people import People, sign_in
from tests.two_factor import code_of, two_factor_on
from tests.twofactor.signing_in import enter, forget_attempts, half_signed_in, is_in
from users.models import User

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "a wholly new password of mine"
WRONG = "not the password of anybody"


def known_to(user: User) -> Client:
    browser = Client()
    assert sign_in(browser, user.email).status_code == 302
    browser.post("/sign-out/")
    return browser


def key_in(browser: Client) -> str:
    _name, key, _factor = signing.loads(
        browser.cookies[settings.DEVICE_COOKIE_NAME].value, salt="users.devices"
    )
    return str(key)


def fill_counters(user: User) -> None:
    """What a stranger does to the person's address."""
    for _ in range(10):
        sign_in(Client(REMOTE_ADDR="203.0.113.9"), user.email, WRONG)


def test_signing_in_again_gives_no_further_counters(people: People) -> None:
    browser = known_to(people.alice)
    first = key_in(browser)
    sign_in(browser, people.alice.email)
    assert key_in(browser) == first


def test_a_known_browser_stays_known_when_the_address_changes(people: People) -> None:
    browser = known_to(people.alice)
    User.objects.filter(pk=people.alice.pk).update(email="alice@elsewhere.example")
    people.alice.refresh_from_db()
    fill_counters(people.alice)
    assert sign_in(browser, people.alice.email).status_code == 302


def test_a_new_password_makes_every_browser_strange(people: People) -> None:
    """Whoever knew the former one may have signed in with it, a thousand times."""
    browser = known_to(people.alice)
    people.alice.set_password(NEW_PASSWORD)
    people.alice.save()
    fill_counters(people.alice)
    assert sign_in(browser, people.alice.email, NEW_PASSWORD).status_code == 429


def test_a_browser_counts_for_nobody_who_signs_up_with_the_address_later(people: People) -> None:
    browser = known_to(people.dora)
    User.objects.filter(pk=people.dora.pk).update(email="closed@closed.invalid")
    heir = User.objects.create_user(
        "dora@hartwell.example", PASSWORD, email_verified_at=people.dora.email_verified_at
    )
    fill_counters(heir)
    assert sign_in(browser, heir.email).status_code == 429


def test_a_password_before_two_factor_gives_no_counter_for_codes(people: People) -> None:
    """Any number of browsers can be made with it; their guesses are the person's, together."""
    browsers = [known_to(people.alice) for _ in range(3)]
    two_factor_on(people.alice)
    wrong = [enter(half_signed_in(people.alice, browser=each), "000000") for each in browsers]
    wrong += [enter(each, "000001") for each in browsers]
    assert [answer.status_code for answer in wrong] == [200] * 5 + [429]


def test_a_browser_in_which_a_code_was_shown_is_not_locked_out_by_them(people: People) -> None:
    app = two_factor_on(people.alice)
    browser = half_signed_in(people.alice)
    assert enter(browser, code_of(app, steps=-1)).status_code == 302
    browser.post("/sign-out/")
    forget_attempts()
    stranger = half_signed_in(people.alice, browser=Client(REMOTE_ADDR="203.0.113.9"))
    assert [enter(stranger, "000000").status_code for _ in range(6)][-1] == 429
    half_signed_in(people.alice, browser=browser)
    enter(browser, code_of(app))
    assert is_in(browser)
