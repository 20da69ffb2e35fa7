"""Methods are changed by whoever has shown one that is as good (0142)."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver

from audit.actions import Action
from tests.auditing import events
from tests.factories import PASSWORD
from tests.people import Answer, People, signed_in, stale
from tests.required_two_factor import require_it, signed_in_with
from tests.two_factor import add_app, add_phone, code_of, two_factor_on
from tests.twofactor.gateways import RememberingGateway
from tests.twofactor.setting_up import OVERVIEW, codes_on, set_up_app
from tests.users.mailing import mails
from twofactor import acts
from twofactor.methods import is_enabled
from twofactor.models import AuthenticatorApp, RecoveryCodes, SmsPhone, TwoFactor
from twofactor.recovery_codes import make_codes
from users.models import User

pytestmark = pytest.mark.django_db

ADD, CODES = f"{OVERVIEW}apps/", f"{OVERVIEW}recovery-codes/"
ASKS = "Confirm that it is you"


def confirm(browser: Client, page: str, **sent: str) -> Answer:
    """Send the page that asks, as it was sent by a POST."""
    fields = {"confirm-for": "POST", "confirm-password": PASSWORD}
    fields |= {f"confirm-{name}": value for name, value in sent.items()}
    answer: Answer = browser.post(page, fields)
    return answer


def is_asked(answer: Answer) -> bool:
    return answer.status_code == 200 and ASKS in answer.content.decode()


def by_text_message(people: People) -> Client:
    """Just signed in with a code by text message, by somebody who has an app as well.

    Their account takes apps alone.
    """
    user = people.alice
    require_it(people.account, refuses_sms=True)
    two_factor_on(user)
    phone = SmsPhone.objects.filter(user=user).first() or add_phone(user)
    return signed_in_with(user, phone)


def changes(user: User) -> list[str]:
    """Every address at which methods are changed."""
    app = AuthenticatorApp.objects.filter(user=user).first() or add_app(user)
    phone = SmsPhone.objects.filter(user=user).first() or add_phone(user)
    return [
        ADD,
        CODES,
        f"{ADD}{app.public_id}/rename/",
        f"{ADD}{app.public_id}/remove/",
        f"{OVERVIEW}phone/{phone.public_id}/remove/",
        f"{OVERVIEW}turn-off/",
        f"{OVERVIEW}turn-on/",
    ]


def test_with_an_app_a_text_message_changes_no_method(
    people: People, gateway: RememberingGateway
) -> None:
    """Else an account that refuses them would be open to whoever reads them."""
    browser = by_text_message(people)
    make_codes(people.alice)
    version = RecoveryCodes.objects.get().version
    sent = {"version": str(version), "name": "Mine", "number": "+447400123499"}
    for page in [*changes(people.alice), f"{OVERVIEW}phone/"]:
        assert is_asked(browser.post(page, sent)), page
    assert AuthenticatorApp.objects.get().name != "Mine"
    assert SmsPhone.objects.count() == 1
    assert is_enabled(people.alice)
    assert RecoveryCodes.objects.get().version == version
    assert mails() == [] and gateway.codes == []


def test_the_confirmation_there_takes_no_text_message(
    people: People, gateway: RememberingGateway
) -> None:
    browser = by_text_message(people)
    page = browser.post(ADD).content.decode()
    assert "Code from your app" in page
    assert "a code by text message is not enough here" in page
    assert "Get a code by text message" not in page
    for sent in ({"send": "1"}, {"use": "sms"}, {"method": "sms", "code": "123456"}):
        assert is_asked(confirm(browser, ADD, **sent)), sent
    assert gateway.codes == []
    assert events(Action.USER_CONFIRMED) == []
    assert AuthenticatorApp.objects.count() == 1


def test_a_text_message_confirms_what_is_not_about_methods(
    people: People, gateway: RememberingGateway
) -> None:
    browser = by_text_message(people)
    assert browser.get("/profile/email/").status_code == 200
    assert not is_asked(browser.get("/profile/email/"))


def test_the_apps_code_lets_them_go_on(people: People) -> None:
    browser = by_text_message(people)
    answer = confirm(browser, ADD, code=code_of(AuthenticatorApp.objects.get()))
    assert answer.status_code == 302 and answer["Location"].startswith(ADD)
    assert not is_asked(browser.get(CODES))


def test_a_recovery_code_lets_them_go_on(people: People) -> None:
    """For whoever has lost the app."""
    browser = by_text_message(people)
    code = make_codes(people.alice)[0]
    answer = confirm(browser, ADD, method="recovery", code=code)
    assert answer.status_code == 302
    assert AuthenticatorApp.objects.filter(confirmed=False).count() == 1


def test_with_a_phone_alone_its_code_is_enough(people: People) -> None:
    phone = add_phone(people.alice)
    TwoFactor.objects.get_or_create(user=people.alice)
    browser = signed_in_with(people.alice, phone)
    assert browser.post(ADD)["Location"].startswith(ADD)
    assert is_asked(signed_in(people.alice).post(ADD))


def test_where_text_messages_are_accepted_one_changes_methods(people: People) -> None:
    """For whoever has lost the app, and has the phone."""
    browser = by_text_message(people)
    require_it(people.account)
    assert browser.post(ADD)["Location"].startswith(ADD)


def test_while_it_is_off_a_method_that_was_lost_shuts_nobody_out(people: People) -> None:
    app = add_app(people.alice)
    browser = signed_in(people.alice)
    assert not is_asked(browser.post(f"{ADD}{app.public_id}/remove/"))
    set_up_app(browser)
    assert len(codes_on(browser.post(f"{OVERVIEW}turn-on/"))) == 10


def test_while_it_is_off_other_acts_ask_for_the_password_alone(people: People) -> None:
    add_app(people.alice)
    assert not is_asked(signed_in(people.alice).get("/profile/email/"))


def test_who_has_no_method_yet_is_asked_for_nothing_more(people: People) -> None:
    browser = signed_in(people.alice)
    set_up_app(browser)
    assert len(codes_on(browser.post(f"{OVERVIEW}turn-on/"))) == 10


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("/profile/email/", "Email address"),
        ("/profile/close/", "Close my user ID"),
        (CODES, "New recovery codes"),
    ],
)
def test_the_page_that_asks_names_what_it_is_for(people: People, page: str, words: str) -> None:
    browser = stale(people.alice)
    two_factor_on(people.alice)
    assert f"to go on to “{words}”" in browser.get(page).content.decode()


def test_every_page_that_asks_has_words_for_what_it_is() -> None:
    """``acts`` names routes of packages above; one that is renamed is found here."""
    routes = dict(_routes(get_resolver()))
    assert set(acts._BY_ROUTE) <= set(routes)
    asking = {name for name, view in routes.items() if hasattr(view, "changes_methods")}
    assert asking and asking <= set(acts._BY_ROUTE)


def test_who_tried_too_often_is_told_when_to_try_again(people: People) -> None:
    """In the header too, as on every other page with this answer."""
    two_factor_on(people.alice)
    browser = stale(people.alice)
    for _time in range(5):
        confirm(browser, "/profile/email/", code="000000")
    answer = confirm(browser, "/profile/email/", code="000000")
    assert answer.status_code == 429
    assert 200 < int(answer["Retry-After"]) <= 300


def _routes(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, object]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _routes(pattern, inner)
        else:
            yield f"{space}{pattern.name}", pattern.callback
