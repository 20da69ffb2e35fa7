"""Setting up a number for text messages: M9, decision 0142; security 20, 25, 26."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import uuid4

import pytest
from django.db import connection
from django.http import Http404, HttpRequest
from django.test import Client, RequestFactory
from django.utils.translation import override
from pytest_django import Settings

from accounts.models import Account
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.factories import make_user
from tests.people import People
from tests.two_factor import two_factor_on
from tests.twofactor.gateways import FR, GB, GB_OTHER, RememberingGateway
from tests.twofactor.resets import with_factor
from tests.twofactor.setting_up import signed_in_with_best
from twofactor.methods import Kind, methods_of
from twofactor.models import SmsCode, SmsMessage, SmsPhone, TwoFactor
from twofactor.sms import numbers
from twofactor.sms.forms import PhoneForm
from twofactor.sms.numbers import (
    CountryNotServed,
    NotANumber,
    NotMobile,
    NumberUnusable,
    mobile_number,
)
from twofactor.sms.phones import begin_phone, confirm_phone
from users.confirming import CONFIRMED_AT
from users.models import RateHit, User, UserSession
from users.session_store import SessionStore

pytestmark = pytest.mark.django_db

START = "/profile/two-factor/phone/"


@pytest.fixture
def alice(people: People) -> User:
    return people.alice


def post_number(browser: Client, number: str, *, country: str = "GB", query: str = "") -> str:
    """Where it leads; empty when the form is shown again."""
    RateHit.objects.all().delete()
    answer = browser.post(START + query, {"country": country, "number": number})
    return answer.headers.get("Location", "")


def set_up(browser: Client, gateway: RememberingGateway, number: str = GB) -> None:
    page = post_number(browser, number)
    answer = browser.post(page, {"code": gateway.codes[-1]})
    assert answer.status_code == 302


def recorded(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test reads the log"):
        return [*AuditEvent.objects.filter(action=action)]


def mails(name: str) -> int:
    with all_accounts_scope("a test reads mail"):
        return OutgoingEmail.objects.filter(dedup_key__startswith=name).count()


# --- Numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("07400 123456", "GB", GB),
        ("+44 7400 123456", "FR", GB),
        ("+44 (0) 7400-123456", "FR", GB),
        ("0044 7400 123456", "GB", GB),
        ("０７４００ １２３４５６", "GB", GB),
        ("06 12 34 56 78", "FR", FR),
    ],
)
def test_a_number_is_kept_in_one_form(
    typed: str, country: str, kept: str, settings: Settings
) -> None:
    settings.SMS_COUNTRIES = ["GB", "FR"]
    assert mobile_number(typed, country=country).e164 == kept


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("", NotANumber),
        ("alice@hartwell.example", NotANumber),
        ("07400", NotANumber),
        # Of no range that is in use: for made-up stories.
        ("07700 900123", NotANumber),
        ("07400 123456 ext. 5", NotANumber),
        # A landline, a premium number, a pager.
        ("020 7946 0018", NotMobile),
        ("0909 8790000", NotMobile),
        ("076 4012 3456", NotMobile),
        # Jersey, Guernsey: +44 as well, at another price.
        ("07797 712345", CountryNotServed),
        ("07781 123456", CountryNotServed),
        # A satellite, and networks of no country.
        ("+881 6 123 45678", NumberUnusable),
        ("+883 5100 0000 0000", NumberUnusable),
        ("+1 201 555 0123", CountryNotServed),
        # Of a machine (M2M), with eleven digits and with nine.
        ("+31 970 10212345", NotMobile),
        ("+31 970 12345678", NotMobile),
    ],
)
def test_other_numbers_get_no_messages(
    typed: str, refusal: type[NumberUnusable], settings: Settings
) -> None:
    """Security 26."""
    settings.SMS_COUNTRIES = ["GB", "FR", "NL"]
    assert mobile_number("+31 6 12345678").country == "NL"
    with pytest.raises(refusal):
        mobile_number(typed, country="GB")


def test_a_number_is_shown_by_its_end() -> None:
    assert numbers.masked(GB) == "•••• 3456"
    assert numbers.named(GB) == "Phone ending in 3456"
    assert numbers.ending(GB) == "56"
    assert numbers.with_range(GB) == "+44740•••• 3456"


# --- Setting up ---------------------------------------------------------------------------------


def test_a_number_is_set_up_by_the_code_it_was_sent(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    elsewhere = signed_in_with_best(alice)
    page = post_number(browser, "07400 123456")
    assert "+44 7400 123456" in browser.get(page).content.decode()
    assert methods_of(alice).phone is None
    answer = browser.post(page, {"code": f" {gateway.codes[0][:3]}-{gateway.codes[0][3:]} "})
    assert answer["Location"] == "/profile/two-factor/"
    phone = methods_of(alice).phone
    assert phone is not None
    assert phone.number == GB
    # M9: turning on is a step of its own.
    assert not TwoFactor.objects.exists()
    (event,) = recorded(Action.TWO_FACTOR_METHOD_ADDED)
    assert event.details == {"method": "sms", "to": "•••• 3456"}
    with all_accounts_scope("a test reads mail"):
        mail = OutgoingEmail.objects.get(dedup_key__startswith="two_factor_method_added")
    assert "Phone ending in 3456” was added" in mail.text_body
    # Security 27: other sessions end.
    assert elsewhere.get("/profile/").status_code == 302
    assert browser.get("/profile/").status_code == 200


def test_the_session_goes_on_under_a_new_key(alice: User, gateway: RememberingGateway) -> None:
    """Security 27."""
    browser = signed_in_with_best(alice)
    page = post_number(browser, GB)
    before = browser.session.session_key
    browser.post(page, {"code": gateway.codes[0]})
    assert browser.session.session_key != before
    assert UserSession.objects.filter(user=alice).count() == 1


def test_a_wrong_code_confirms_nothing(alice: User, gateway: RememberingGateway) -> None:
    browser = signed_in_with_best(alice)
    page = post_number(browser, GB)
    wrong = f"{(int(gateway.codes[0]) + 1) % 10**6:06d}"
    for code in (wrong, "", "12345", gateway.codes[0] + "0"):
        answer = browser.post(page, {"code": code})
        assert answer.status_code == 200
        assert "form-errors" in answer.content.decode()
    assert methods_of(alice).phone is None
    assert (recorded(Action.TWO_FACTOR_METHOD_ADDED), mails("two_factor")) == ([], 0)
    browser.post(page, {"code": gateway.codes[0]})
    assert methods_of(alice).phone is not None


def test_codes_can_be_guessed_five_times(alice: User, gateway: RememberingGateway) -> None:
    """Security 16: nobody makes another person's phone their own."""
    browser = signed_in_with_best(alice)
    page = post_number(browser, GB)
    wrong = f"{(int(gateway.codes[0]) + 1) % 10**6:06d}"
    statuses = [browser.post(page, {"code": wrong}).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert browser.post(page, {"code": gateway.codes[0]}).status_code == 429
    assert methods_of(alice).phone is None


def test_a_right_code_is_no_guess(alice: User, gateway: RememberingGateway) -> None:
    browser = signed_in_with_best(alice)
    page = post_number(browser, GB)
    RateHit.objects.all().delete()
    browser.post(page, {"code": gateway.codes[0]})
    assert methods_of(alice).phone is not None
    assert not RateHit.objects.exists()


def test_a_code_for_another_purpose_confirms_nothing(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    page = post_number(browser, GB)
    SmsCode.objects.update(bound_to="sign-in/one")
    assert browser.post(page, {"code": gateway.codes[0]}).status_code == 200
    assert methods_of(alice).phone is None


def test_errors_stand_at_the_field_and_nothing_typed_is_lost(
    alice: User, gateway: RememberingGateway
) -> None:
    answer = signed_in_with_best(alice).post(START, {"country": "GB", "number": "020 7946 0018"})
    page = answer.content.decode()
    assert page.count("Enter the number of a mobile phone.") == 2
    assert 'value="020 7946 0018"' in page
    assert (gateway.sent, SmsPhone.objects.count(), SmsMessage.objects.count()) == ([], 0, 0)


def test_countries_stand_where_their_first_letter_is(settings: Settings) -> None:
    settings.SMS_COUNTRIES = ["CH", "GB", "AT", "NL"]
    with override("de"):
        codes = re.findall(r'<option value="(\w+)"', str(PhoneForm()["country"]))
    assert codes == ["NL", "AT", "CH", "GB"]


def test_a_refused_message_of_a_set_up_offers_no_way_that_does_not_confirm_a_number(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    page = post_number(browser, GB)
    answer = browser.post(f"{page}send-again/", follow=True).content.decode()
    assert "You can get another text message in" in answer
    assert "Or set up an authenticator app." in answer
    two_factor_on(alice)
    browser = with_factor(alice)
    answer = browser.post(f"{page}send-again/", follow=True).content.decode()
    assert "You can get another text message in" in answer
    assert "Or use" not in answer and "Or set up" not in answer


def test_a_number_that_was_left_half_way_is_found_again(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    overview = "/profile/two-factor/"
    assert "not confirmed yet" not in browser.get(overview).content.decode()
    page = post_number(browser, GB)
    shown = browser.get(overview).content.decode()
    assert "A phone number is not confirmed yet" in shown and f'href="{page}"' in shown
    browser.post(page, {"code": gateway.codes[-1]})
    assert "not confirmed yet" not in browser.get(overview).content.decode()


def test_a_country_that_is_not_served_is_named(alice: User, gateway: RememberingGateway) -> None:
    answer = signed_in_with_best(alice).post(START, {"country": "GB", "number": "+1 201 555 0123"})
    assert "numbers in United States" in answer.content.decode()
    assert gateway.sent == []


def test_the_form_starts_with_the_persons_country_and_number(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    User.objects.filter(pk=alice.pk).update(timezone="Europe/Paris")
    assert '<option value="FR" selected>France (+33)' in browser.get(START).content.decode()
    User.objects.filter(pk=alice.pk).update(phone="+44 7400 123456")
    page = browser.get(START).content.decode()
    assert '<option value="GB" selected>' in page
    assert 'value="+44 7400 123456"' in page
    assert 'autocomplete="tel"' in page


def test_a_second_click_leads_to_the_code_that_is_on_its_way(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    sent = {"country": "GB", "number": GB}
    pages = [browser.post(START, sent)["Location"] for _ in range(2)]
    assert pages[0] == pages[1]
    assert len(gateway.sent) == 1
    assert "a moment ago" in browser.get(pages[1]).content.decode()
    browser.post(pages[0], {"code": gateway.codes[0]})
    again = browser.post(pages[0], {"code": gateway.codes[0]}, follow=True)
    assert "set up already" in again.content.decode()
    assert mails("two_factor_method_added") == 1


def test_another_number_within_the_pause_is_told_when(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    browser.post(START, {"country": "GB", "number": GB})
    answer = browser.post(START, {"country": "GB", "number": GB_OTHER})
    assert answer.status_code == 429
    assert re.search(r"another text message in \d+ second", answer.content.decode())
    assert "Or set up an authenticator app." in answer.content.decode()


def test_a_new_code_can_be_sent_and_ends_the_one_before(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    page = post_number(browser, GB)
    refused = browser.post(f"{page}send-again/", follow=True)
    assert "another text message in" in refused.content.decode()
    assert len(gateway.sent) == 1
    RateHit.objects.all().delete()
    sent = browser.post(f"{page}send-again/", follow=True)
    assert "We sent you a new code" in sent.content.decode()
    assert browser.post(page, {"code": gateway.codes[0]}).status_code == 200
    assert browser.post(page, {"code": gateway.codes[1]}).status_code == 302


def test_the_former_number_works_until_the_new_one_is_confirmed(
    alice: User, gateway: RememberingGateway
) -> None:
    browser = signed_in_with_best(alice)
    set_up(browser, gateway)
    User.objects.filter(pk=alice.pk).update(phone=GB)
    form = browser.get(START).content.decode()
    assert "•••• 3456" in form
    assert GB not in form
    page = post_number(browser, GB_OTHER)
    former = methods_of(alice).phone
    assert former is not None
    assert former.number == GB
    browser.post(page, {"code": gateway.codes[-1]})
    assert [phone.number for phone in SmsPhone.objects.all()] == [GB_OTHER]
    details = [event.details for event in recorded(Action.TWO_FACTOR_METHOD_ADDED)]
    assert {"method": "sms", "from": "•••• 3456", "to": "•••• 3457"} in details
    assert browser.get("/profile/").status_code == 200


def test_the_same_number_again_is_told(alice: User, gateway: RememberingGateway) -> None:
    browser = signed_in_with_best(alice)
    set_up(browser, gateway)
    answer = browser.post(START, {"country": "GB", "number": GB})
    assert "gets your codes already" in answer.content.decode()
    assert len(gateway.sent) == 1


def test_the_last_number_that_was_begun_counts(alice: User, gateway: RememberingGateway) -> None:
    browser = signed_in_with_best(alice)
    first = post_number(browser, GB)
    second = post_number(browser, FR, country="FR")
    assert browser.post(first, {"code": gateway.codes[0]}).status_code == 404
    assert browser.post(second, {"code": gateway.codes[1]}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_confirmations_at_once_one_does_it_and_neither_fails(
    gateway: RememberingGateway, settings: Settings
) -> None:
    user = make_user()
    browser = signed_in_with_best(user)
    page = post_number(browser, GB)
    begun = SmsPhone.objects.get()
    requests = [request_in(browser, user) for _ in range(2)]

    def confirm(request: HttpRequest) -> bool:
        with closing(connection):
            return confirm_phone(request, user, begun.public_id, gateway.codes[0]).confirmed

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(confirm, requests)] == [True, True]
    assert page.endswith(f"{begun.public_id}/")
    assert mails("two_factor_method_added") == 1


def test_nobody_confirms_somebody_elses_number(people: People, gateway: RememberingGateway) -> None:
    page = post_number(signed_in_with_best(people.alice), GB)
    stranger = signed_in_with_best(people.charlie)
    assert stranger.get(page).status_code == 404
    assert stranger.post(page, {"code": gateway.codes[0]}).status_code == 404
    assert stranger.post(f"{page}send-again/").status_code == 404
    assert len(gateway.sent) == 1
    assert methods_of(people.alice).phone is None


def test_whoever_signed_in_long_ago_confirms_first(
    alice: User, gateway: RememberingGateway
) -> None:
    """Security 25."""
    browser = signed_in_with_best(alice)
    page = post_number(browser, GB)
    session = browser.session
    del session[CONFIRMED_AT]
    session.save()
    for address, sent in ((START, {"country": "GB", "number": FR}), (page, {"code": "1"})):
        assert "confirm-password" in browser.get(address).content.decode()
        assert "confirm-password" in browser.post(address, sent).content.decode()
    assert "confirm-password" in browser.post(f"{page}send-again/").content.decode()
    assert len(gateway.sent) == 1


def test_nobody_gets_there_without_signing_in(gateway: RememberingGateway) -> None:
    for address in (START, f"{START}{uuid4()}/", f"{START}{uuid4()}/send-again/"):
        assert Client().post(address)["Location"].startswith("/sign-in/")
    assert gateway.sent == []


def test_without_a_gateway_the_method_is_not_offered(alice: User, settings: Settings) -> None:
    settings.SMS_GATEWAY = ""
    browser = signed_in_with_best(alice)
    assert browser.get(START).status_code == 404
    assert browser.post(START, {"country": "GB", "number": GB}).status_code == 404
    assert START not in browser.get("/profile/two-factor/").content.decode()


def test_who_was_sent_there_has_it_turned_on_and_is_brought_back(
    people: People, gateway: RememberingGateway
) -> None:
    """Decision 0142: enrolling on demand also enables."""
    back = f"/a/{Account.objects.get(pk=people.account.pk).number}/"
    browser = signed_in_with_best(people.alice)
    page = post_number(browser, GB, query=f"?for=1&next={back}")
    assert page.endswith(f"?for=1&next={back.replace('/', '%2F')}")
    answer = browser.post(page, {"code": gateway.codes[0]})
    assert TwoFactor.objects.filter(user=people.alice).exists()
    assert back in answer.content.decode()


def test_a_session_begun_with_an_app_stays_one(people: People, gateway: RememberingGateway) -> None:
    """An account that takes no text messages goes on letting it in."""
    browser = with_factor(people.alice)
    page = post_number(browser, GB)
    browser.post(page, {"code": gateway.codes[0]})
    assert Kind.SMS in methods_of(people.alice).kinds
    assert browser.get("/profile/two-factor/").status_code == 200


# --- Functions ----------------------------------------------------------------------------------


def request_in(browser: Client, user: User) -> HttpRequest:
    """One of ``browser``, for functions that go on with its session."""
    request = request_of(user)
    request.session = SessionStore(browser.session.session_key)
    return request


def request_of(user: User) -> HttpRequest:
    request = RequestFactory().post("/")
    request.user = user
    return request


def test_begin_keeps_what_was_begun_with_the_same_number(settings: Settings) -> None:
    settings.SMS_COUNTRIES = ["GB", "FR"]
    user = make_user()
    assert begin_phone(user, GB) == begin_phone(user, "+44 7400 123456")
    begin_phone(user, FR)
    assert [phone.number for phone in SmsPhone.objects.all()] == [FR]


def test_confirming_what_is_not_there_is_no_page(settings: Settings) -> None:
    user = make_user()
    with pytest.raises(Http404):
        confirm_phone(request_of(user), user, uuid4(), "123456")
