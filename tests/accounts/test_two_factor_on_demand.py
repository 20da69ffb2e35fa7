"""Decisions 7 and 8 from one end to the other: stopped, set up, back, and not to be removed."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.invitations import text_of
from tests.people import People, sign_in, signed_in
from tests.required_two_factor import (
    Rule,
    overview_of,
    protected,
    require_it,
    set_rule,
    signed_in_with,
)
from tests.two_factor import code_of, two_factor_on_by_phone
from tests.twofactor.setting_up import codes_on, set_up_app
from twofactor.models import AuthenticatorApp, TwoFactor

pytestmark = pytest.mark.django_db

_NEXT = re.compile(r'name="next" value="([^"]+)"')


def press(browser: Client, page: str) -> str:
    """The one button of the page that stops; returns where sign-in is to lead."""
    sent = {"next": _NEXT.findall(page)[0].replace("&amp;", "&")}
    answer = browser.post("/sign-in/again/", sent)
    assert browser.get("/profile/").status_code == 302
    return parse_qs(urlsplit(answer["Location"]).query)["next"][0]


def query_of(address: str) -> str:
    return f"?{urlsplit(address).query}"


def test_who_is_stopped_signs_in_again_sets_it_up_and_is_back(people: People) -> None:
    """Row U5: enrolling on demand also turns it on."""
    browser = signed_in(people.bob)
    wanted = f"/a/{people.account.number}/billing/invoices/?kind=invoice"
    require_it(people.account)
    stopped = browser.get(wanted)
    assert stopped.status_code == 403
    after = press(browser, text_of(stopped))
    answer = sign_in(browser, people.bob.email, next_page=after)
    assert answer["Location"] == after
    assert "Hartwell &amp; Sons" in text_of(browser.get(after))
    shown = set_up_app(browser, query=query_of(after))
    assert len(codes_on(shown)) == 10
    assert TwoFactor.objects.filter(user=people.bob).exists()
    assert wanted.replace("&", "&amp;") in text_of(shown)
    assert browser.get(wanted).status_code == 200


def test_the_next_sign_in_asks_for_a_code_and_opens_the_account(people: People) -> None:
    require_it(people.account)
    protected(people.bob)
    browser = Client()
    answer = sign_in(browser, people.bob.email, next_page=overview_of(people))
    assert answer["Location"] == "/sign-in/code/"
    assert browser.get(overview_of(people)).status_code == 302
    code = code_of(AuthenticatorApp.objects.get(user=people.bob))
    answer = browser.post("/sign-in/code/", {"method": "app", "code": code})
    assert answer["Location"] == overview_of(people)
    assert browser.get(overview_of(people)).status_code == 200


def test_who_has_text_messages_only_adds_an_app_and_is_back(people: People) -> None:
    require_it(people.account, refuses_sms=True)
    phone = two_factor_on_by_phone(people.bob)
    stopped = signed_in_with(people.bob, phone).get(overview_of(people))
    after = press(signed_in_with(people.bob, phone), text_of(stopped))
    assert after.startswith("/profile/two-factor/?next=")
    # As after the challenge, which is asked for a code by text message.
    browser = signed_in_with(people.bob, phone)
    answer = set_up_app(browser, query=query_of(after))
    assert answer["Location"] == overview_of(people)
    assert browser.get(overview_of(people)).status_code == 200


def test_it_cannot_be_turned_off_while_the_account_requires_it(people: People) -> None:
    """Decision 0142: the account is named."""
    require_it(people.account)
    browser = protected(people.bob)
    answer = browser.post("/profile/two-factor/turn-off/")
    assert "Hartwell &amp; Sons" in text_of(answer)
    assert TwoFactor.objects.filter(user=people.bob).exists()
    set_rule(people.bob, people.account, Rule.EXEMPT)
    browser.post("/profile/two-factor/turn-off/")
    assert not TwoFactor.objects.filter(user=people.bob).exists()


def test_the_last_method_that_the_account_accepts_stays(people: People) -> None:
    """Decision 0142: a phone does not do where apps only count."""
    require_it(people.account, refuses_sms=True)
    browser = protected(people.bob)
    two_factor_on_by_phone(people.bob)
    app = AuthenticatorApp.objects.get(user=people.bob)
    address = f"/profile/two-factor/apps/{app.public_id}/remove/"
    assert "Hartwell &amp; Sons" in text_of(browser.post(address))
    assert AuthenticatorApp.objects.filter(pk=app.pk).exists()
    require_it(people.account)
    browser.post(address)
    assert not AuthenticatorApp.objects.filter(pk=app.pk).exists()
