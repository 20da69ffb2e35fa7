"""The two-factor pages of a person's profile: setting up, naming, being sent there."""

import re

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils.html import escape
from django_otp import DEVICE_ID_SESSION_KEY

from audit.actions import Action
from audit.models import AuditEvent
from tests.auditing import events
from tests.factories import PASSWORD
from tests.people import People, let_confirmation_lapse, stale
from tests.required_two_factor import signed_in_with
from tests.two_factor import NUMBER, add_app, add_phone, code_of, two_factor_on
from tests.twofactor.gateways import RememberingGateway
from tests.twofactor.setting_up import (
    OVERVIEW,
    app_at,
    begin_app,
    codes_on,
    require,
    set_up_app,
    signed_in_with_best,
)
from tests.users.mailing import mails
from twofactor import notices, totp
from twofactor.methods import Kind, is_enabled, methods_of
from twofactor.models import AuthenticatorApp
from users.models import UserSession
from users.session_store import SessionStore

pytestmark = pytest.mark.django_db

ON_DEMAND = "?for=1&next=%2Fa%2F1000%2F"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def page_of(browser: Client, address: str = OVERVIEW) -> str:
    answer = browser.get(address, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


# --- What there is ------------------------------------------------------------------------------


def test_without_a_method_the_page_says_not_on_yet_and_what_to_do(people: People) -> None:
    """M9: “Not on yet”; nothing to turn on yet."""
    page = page_of(signed_in_with_best(people.alice))
    assert "Not on yet" in page and "Set up an authenticator app" in page
    assert "No method is set up" in page and "Turn on two-factor" not in page


def test_with_a_method_the_page_says_not_on_yet_with_one_button(people: People) -> None:
    """M9."""
    add_app(people.alice, name="Work phone")
    page = page_of(signed_in_with_best(people.alice))
    assert "Not on yet" in page and page.count("Turn on two-factor authentication") == 1
    assert "Work phone" in page and "Recovery codes" not in page


def test_every_method_is_listed_with_when_it_was_added_and_used(people: People) -> None:
    """M9: a person can have several apps, and a phone."""
    two_factor_on(people.alice)
    used = add_app(people.alice, secret=b"another secret, twenty", name="Tablet")
    assert totp.verify_app_code(people.alice, code_of(used))
    add_phone(people.alice)
    totp.begin_set_up(people.alice)
    page = page_of(signed_in_with_best(people.alice))
    names = re.findall(r'class="rows-name"><bdi>(.*?)</bdi>', page)
    assert names == ["Phone", "Tablet", "… 456"]
    assert page.count('data-label="Last used">Never') == 2
    assert NUMBER not in page


def test_nobody_sees_the_methods_of_somebody_else(people: People) -> None:
    add_app(people.alice, name="Alice’s phone")
    assert "Alice’s phone" not in page_of(signed_in_with_best(people.bob))
    assert Client().get(OVERVIEW)["Location"].startswith("/sign-in/")


def test_the_page_says_who_requires_it(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """U5: the account is named."""
    require(monkeypatch, Kind.APP, Kind.SMS, name="Hartwell & Sons")
    page = page_of(signed_in_with_best(people.alice))
    assert "Hartwell &amp; Sons requires two-factor authentication of you." in page


def test_the_pages_are_found_from_the_profile(people: People) -> None:
    assert f'href="{OVERVIEW}"' in page_of(signed_in_with_best(people.alice), "/profile/")


def test_the_number_of_queries_does_not_grow_with_the_methods(
    people: People, django_assert_max_num_queries: object
) -> None:
    two_factor_on(people.alice)
    for number in range(6):
        add_app(people.alice, secret=bytes([number]) * 20, name=f"App {number}")
    browser = signed_in_with_best(people.alice)
    browser.get(OVERVIEW)
    assert callable(django_assert_max_num_queries)
    with django_assert_max_num_queries(20):
        browser.get(OVERVIEW)


# --- Setting an app up --------------------------------------------------------------------------


def test_an_app_is_set_up_by_a_code_that_it_shows(people: People) -> None:
    """U5, M9; security 27: the other sessions end, this one goes on under a new key."""
    browser, other = signed_in_with_best(people.alice), signed_in_with_best(people.alice)
    key = browser.session.session_key
    answer = set_up_app(browser, name="Work phone")
    assert answer.status_code == 302 and answer["Location"] == OVERVIEW
    [app] = AuthenticatorApp.objects.filter(user=people.alice)
    assert (app.name, app.confirmed) == ("Work phone", True)
    assert app.confirmed_at is not None
    page = page_of(browser)
    assert "Work phone is set up." in page and "Not on yet" in page
    assert browser.session.session_key != key
    assert other.get(OVERVIEW).status_code == 302
    [event] = events(Action.TWO_FACTOR_METHOD_ADDED)
    assert event.details == {"method": "app", "name": "Work phone"}
    assert event.actor_user_id == people.alice.pk
    [mail] = mails("two_factor_method_added", to=people.alice.email)
    assert "“Work phone” was added" in mail.text_body
    assert "“Work phone” was added" in mail.html_body
    assert not is_enabled(people.alice)


def test_the_page_shows_the_code_as_a_picture_and_the_key_to_type(people: People) -> None:
    """U5: by QR code or typed key; no inline style or script."""
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    page = page_of(browser, address)
    assert totp.typed_key(app_at(address)) in page
    picture = page[
        page.index('<svg class="qr"') : page.index("</svg>", page.index('<svg class="qr"'))
    ]
    assert "style" not in picture and 'fill="#fff"' in picture
    assert " style=" not in page and "<style" not in page and "onclick" not in page


def test_the_code_that_confirmed_an_app_signs_nobody_in(people: People) -> None:
    """Security 20: it is used."""
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    code = code_of(app_at(address))
    browser.post(address, {"code": code, "name": "Phone"})
    assert totp.verify_app_code(people.alice, code) is None


def test_a_phone_that_is_set_up_later_leaves_the_session_its_app(
    people: People, gateway: RememberingGateway
) -> None:
    """An account that takes no text messages stays open to whoever signed in with an app."""
    app, browser = two_factor_on(people.alice), signed_in_with_best(people.alice)
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = app.persistent_id
    session.save()
    address = browser.post(f"{OVERVIEW}phone/", {"country": "GB", "number": NUMBER})["Location"]
    assert browser.post(address, {"code": gateway.codes[0]}).status_code == 302
    assert methods_of(people.alice).phone is not None
    assert browser.session[DEVICE_ID_SESSION_KEY] == app.persistent_id


def test_a_wrong_code_of_a_new_app_or_phone_is_audited(
    people: People, gateway: RememberingGateway
) -> None:
    """Security 41: which method, and never what was typed."""
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    wrong = f"{(int(code_of(app_at(address))) + 1) % 10**6:06d}"
    browser.post(address, {"code": wrong, "name": "Phone"})
    address = browser.post(f"{OVERVIEW}phone/", {"country": "GB", "number": NUMBER})["Location"]
    wrong = f"{(int(gateway.codes[0]) + 1) % 10**6:06d}"
    browser.post(address, {"code": wrong})
    found = events(Action.TWO_FACTOR_CODE_REFUSED)
    assert sorted(event.details["method"] for event in found) == ["app", "sms"]
    assert all(list(event.details) == ["method"] for event in found)
    assert events(Action.TWO_FACTOR_METHOD_ADDED) == []


@pytest.mark.parametrize("code", ["", "000000", "12345", "abcdef"])
def test_a_wrong_code_confirms_nothing_and_keeps_what_was_typed(people: People, code: str) -> None:
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    wrong = "111111" if code == "000000" and code_of(app_at(address)) == code else code
    answer = browser.post(address, {"code": wrong, "name": "My own name for it"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Please check what you entered" in page and "My own name for it" in page
    assert not app_at(address).confirmed
    assert mails("two_factor_method_added") == []
    assert events(Action.TWO_FACTOR_METHOD_ADDED) == []


def test_a_second_click_is_harmless_and_says_so(people: People) -> None:
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    sent = {"code": code_of(app_at(address)), "name": "Phone"}
    browser.post(address, sent)
    answer = browser.post(address, sent, follow=True)
    assert "This app is set up already." in answer.content.decode()
    assert len(mails("two_factor_method_added")) == 1
    assert AuthenticatorApp.objects.count() == 1


def test_the_secret_of_an_app_is_not_shown_again(people: People) -> None:
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    key = totp.typed_key(app_at(address))
    browser.post(address, {"code": code_of(app_at(address)), "name": "Phone"})
    assert key not in page_of(browser, address)


def test_an_app_of_somebody_else_cannot_be_seen_or_confirmed(people: People) -> None:
    address = begin_app(signed_in_with_best(people.alice))
    app = app_at(address)
    stranger = signed_in_with_best(people.charlie)
    assert totp.typed_key(app) not in page_of(stranger, address)
    stranger.post(address, {"code": code_of(app), "name": "Mine"})
    app.refresh_from_db()
    assert (app.confirmed, app.user_id) == (False, people.alice.pk)
    assert mails("two_factor_method_added") == []


def test_a_code_that_was_begun_anew_is_found_no_more(people: People) -> None:
    browser = signed_in_with_best(people.alice)
    former, _newer = begin_app(browser), begin_app(browser)
    answer = browser.get(former, follow=True)
    assert "You can no longer scan that code. Start again." in answer.content.decode()


def test_apps_get_names_that_tell_them_apart(people: People) -> None:
    """M9: a person can name and have several apps."""
    add_app(people.alice, name="Authenticator app")
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    assert 'value="Authenticator app 2"' in page_of(browser, address)
    sent = {"code": code_of(app_at(address)), "name": "AUTHENTICATOR APP"}
    answer = browser.post(address, sent)
    assert "Another app of yours has this name." in answer.content.decode()
    assert not app_at(address).confirmed
    browser.post(address, {**sent, "name": "Tablet"})
    assert app_at(address).name == "Tablet"


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "x" * 65, "a\nb", "<b>", "\u200b"),
        # What turns the text around it, what is not seen, and what a mail program makes a link.
        *("a\u202eb", "a\u2066b", "a\u200b", "a\u200d", "a\u00ad", "a\ue000", "x://evil.example"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(people: People, name: str) -> None:
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    answer = browser.post(address, {"code": code_of(app_at(address)), "name": name})
    assert answer.status_code == 200 and not app_at(address).confirmed


def test_a_person_has_at_most_ten_apps(people: People) -> None:
    """Each app has a code that is right at the moment: more of them are guessed more easily."""
    for number in range(totp.MOST_APPS):
        add_app(people.alice, secret=bytes([number]) * 20, name=f"App {number}")
    answer = signed_in_with_best(people.alice).post(f"{OVERVIEW}apps/", follow=True)
    assert "Remove one first." in answer.content.decode()
    assert not AuthenticatorApp.objects.filter(confirmed=False).exists()


def test_an_app_is_renamed(people: People) -> None:
    app = add_app(people.alice, name="Phone")
    browser = signed_in_with_best(people.alice)
    page = f"{OVERVIEW}apps/{app.public_id}/rename/"
    assert 'value="Phone"' in page_of(browser, page)
    browser.post(page, {"name": "Old phone"})
    answer = browser.post(page, {"name": "Old phone"}, follow=True)
    assert "Nothing was changed." in answer.content.decode()
    app.refresh_from_db()
    assert app.name == "Old phone"
    [event] = events(Action.TWO_FACTOR_METHOD_RENAMED)
    assert event.details == {"from": "Phone", "to": "Old phone"}
    assert signed_in_with_best(people.bob).post(page, {"name": "Bob’s"}).status_code == 404
    app.refresh_from_db()
    assert app.name == "Old phone"


# --- Whoever sits there -------------------------------------------------------------------------


def test_what_changes_methods_asks_again_after_a_quarter_of_an_hour(people: People) -> None:
    """Security 25. Nothing is begun, shown, made, turned on or off, or removed."""
    app = two_factor_on(people.alice)
    browser = stale(people.alice)
    one = f"{OVERVIEW}apps/{app.public_id}/"
    sent = {"version": 0, "code": "000000", "name": "x"}
    for page in ("apps/", "turn-on/", "turn-off/", "recovery-codes/"):
        answer = browser.post(f"{OVERVIEW}{page}", sent)
        assert answer.status_code == 200 and "confirm-" in answer.content.decode(), page
    answer = browser.post(f"{one}remove/")
    assert answer.status_code == 200 and "confirm-" in answer.content.decode()
    for page in (one, f"{one}remove/", f"{OVERVIEW}recovery-codes/", f"{OVERVIEW}turn-off/"):
        assert "confirm-" in browser.get(page).content.decode()
    assert list(AuthenticatorApp.objects.all()) == [app]
    assert is_enabled(people.alice)
    assert mails() == []


def test_after_confirming_what_was_asked_for_goes_on(people: People) -> None:
    """Security 25, 27: nothing has to be pressed twice, and the errand is kept."""
    confirmed = {"confirm-password": PASSWORD, "confirm-for": "POST"}
    browser = stale(people.alice)
    address = str(browser.post(f"{OVERVIEW}apps/{ON_DEMAND}", confirmed)["Location"])
    assert address.endswith(ON_DEMAND) and totp.typed_key(app_at(address)) in page_of(
        browser, address
    )
    let_confirmation_lapse(browser)
    sent = {"code": code_of(app_at(address)), "name": "Phone"}
    assert len(codes_on(browser.post(address, {**sent, **confirmed}))) == 10


def test_the_secret_is_not_shown_to_who_has_not_confirmed_lately(people: People) -> None:
    """Security 25: a borrowed browser does not copy the secret."""
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    let_confirmation_lapse(browser)
    page = browser.get(address).content.decode()
    assert "confirm-" in page
    assert totp.typed_key(app_at(address)) not in page and 'class="qr"' not in page


@pytest.mark.parametrize("page", ["", "recovery-codes/", "turn-off/", "apps/", "turn-on/"])
def test_whoever_is_not_signed_in_is_asked_to(db: None, page: str) -> None:
    method = Client().post if page in {"apps/", "turn-on/"} else Client().get
    answer = method(f"{OVERVIEW}{page}")
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next=")


def test_no_get_changes_anything(people: People) -> None:
    """Security 31."""
    app = two_factor_on(people.alice)
    browser = signed_in_with_best(people.alice)
    before = (AuditEvent.objects.count(), len(mails()))
    for page in ("", "recovery-codes/", "turn-off/", f"apps/{app.public_id}/remove/"):
        assert browser.get(f"{OVERVIEW}{page}").status_code == 200
    for page in ("apps/", "turn-on/"):
        assert browser.get(f"{OVERVIEW}{page}").status_code == 405
    assert (AuditEvent.objects.count(), len(mails())) == before
    assert AuthenticatorApp.objects.get() == app and is_enabled(people.alice)


# --- Sent here by an account or the console -----------------------------------------------------


def test_who_was_sent_here_has_it_turned_on_with_the_first_method(people: People) -> None:
    """U5: enrolling on demand also enables, and leads back to where they were."""
    browser = signed_in_with_best(people.alice)
    assert "brings you back to where you were" in page_of(browser, OVERVIEW + ON_DEMAND)
    address = begin_app(browser, query=ON_DEMAND)
    assert "This also turns two-factor authentication on" in page_of(browser, address)
    answer = browser.post(address, {"code": code_of(app_at(address)), "name": "Phone"})
    assert len(codes_on(answer)) == 10
    assert 'href="/a/1000/"' in answer.content.decode()
    assert is_enabled(people.alice)
    assert {mail.kind for mail in mails()} == {"two_factor_method_added", "two_factor_on"}


def test_who_had_it_on_already_goes_straight_back(people: People) -> None:
    """An account that refuses SMS: with an app as well they are let in, in this session too."""
    two_factor_on(people.alice)
    AuthenticatorApp.objects.all().delete()
    add_phone(people.alice)
    answer = set_up_app(signed_in_with_best(people.alice), query=ON_DEMAND)
    assert (answer.status_code, answer["Location"]) == (302, "/a/1000/")


def test_where_they_were_is_carried_through_turning_on(people: People) -> None:
    browser = signed_in_with_best(people.alice)
    answer = set_up_app(browser, query="?next=%2Fa%2F1000%2F")
    assert answer["Location"] == f"{OVERVIEW}?next=%2Fa%2F1000%2F"
    assert f'action="{OVERVIEW}turn-on/?next=%2Fa%2F1000%2F"' in page_of(
        browser, answer["Location"]
    )
    answer = browser.post(f"{OVERVIEW}turn-on/?next=%2Fa%2F1000%2F")
    assert 'href="/a/1000/"' in answer.content.decode()


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"],
)
def test_nobody_is_sent_to_another_site(people: People, elsewhere: str) -> None:
    """Security 28."""
    add_app(people.alice)
    browser = signed_in_with_best(people.alice)
    assert "evil" not in page_of(browser, f"{OVERVIEW}?for=1&next={elsewhere}")
    answer = browser.post(f"{OVERVIEW}turn-on/?next={elsewhere}", {"next": elsewhere})
    assert len(codes_on(answer)) == 10
    assert "evil" not in answer.content.decode() and "javascript:" not in answer.content.decode()


@pytest.mark.parametrize("next_page", ["abc", "abc/def", "?x=1", "./"])
def test_a_path_without_a_root_leads_nowhere_else(people: People, next_page: str) -> None:
    """It ended in an error page, and the session's new key never reached the browser."""
    app = two_factor_on(people.alice)
    browser = signed_in_with(people.alice, app)
    answer = set_up_app(browser, name="Tablet", query=f"?next={next_page}")
    assert (answer.status_code, answer["Location"]) == (302, OVERVIEW)
    assert browser.get(OVERVIEW).status_code == 200


def test_an_app_on_the_same_device_is_opened_by_a_link(people: People) -> None:
    browser = signed_in_with_best(people.alice)
    address = begin_app(browser)
    page = page_of(browser, address)
    uri = totp.provisioning_uri(app_at(address), people.alice)
    assert f'href="{escape(uri)}"' in page
    assert 'data-copies="typed-key"' in page and 'id="typed-key"' in page


# --- Mail ---------------------------------------------------------------------------------------


def from_firefox() -> HttpRequest:
    headers = {"user-agent": FIREFOX}
    return RequestFactory().get("/", REMOTE_ADDR="203.0.113.7", headers=headers)


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_each_change_is_told_in_text_and_html_with_what_to_do(
    people: People, language: str
) -> None:
    """ASVS 6.3.7: whoever did not do it learns of it, in their own language."""
    people.alice.language = language
    request = from_firefox()
    notices.tell_turned_on(request, people.alice)
    notices.tell_turned_off(request, people.alice)
    notices.tell_method_added(request, people.alice, method="Pen & paper")
    notices.tell_method_removed(request, people.alice, method="Pen & paper", is_off=True)
    notices.tell_codes_made(request, people.alice)
    notices.tell_recovery_code_used(request, people.alice, left=2, is_few=True)
    notices.tell_not_finished(request, people.alice)
    told = mails(to=people.alice.email)
    assert len({mail.kind for mail in told}) == 7
    for mail in told:
        for body in (mail.text_body, mail.html_body):
            assert "http://testserver/password-reset/" in body and people.alice.email in body
            assert "203.0.113.7" in body and "Firefox" in body and "Windows" in body
        if "method" in mail.kind:
            assert "Pen & paper" in mail.text_body and "Pen &amp; paper" in mail.html_body


def test_a_change_is_told_with_when_and_from_where_as_its_reader_knows_it(people: People) -> None:
    """ASVS 6.3.7: the time is that of the person's clock."""
    people.alice.timezone = "Asia/Tokyo"
    notices.tell_turned_on(from_firefox(), people.alice)
    [mail] = mails("two_factor_on")
    assert re.search(r"^When: .+ \(JST\)$", mail.text_body, re.MULTILINE)
    assert "Browser: Firefox on Windows\nIP address: 203.0.113.7\n" in mail.text_body


def test_a_method_that_asks_for_nothing_yet_is_told_as_such(people: People) -> None:
    notices.tell_method_added(from_firefox(), people.alice, method="Phone")
    two_factor_on(people.alice)
    notices.tell_method_added(from_firefox(), people.alice, method="Tablet")
    before, after = mails("two_factor_method_added")
    assert "Its codes are asked for once two-factor authentication is on." in before.text_body
    assert "Its codes work from now on." in after.text_body


def test_new_codes_are_urged_when_few_are_left(people: People) -> None:
    notices.tell_recovery_code_used(from_firefox(), people.alice, left=9, is_few=False)
    notices.tell_recovery_code_used(from_firefox(), people.alice, left=3, is_few=True)
    many, few = mails("recovery_code_used")
    for is_urged, mail in ((False, many), (True, few)):
        for body in (mail.text_body, mail.html_body):
            assert ("Make new ones before" in body) is is_urged
            assert ("/profile/two-factor/recovery-codes/" in body) is is_urged


# --- Secrets ------------------------------------------------------------------------------------


def test_no_secret_or_code_is_in_the_log_or_the_audit_log(
    people: People, caplog: pytest.LogCaptureFixture
) -> None:
    """Security 41."""
    browser = signed_in_with_best(people.alice)
    with caplog.at_level("DEBUG"):
        address = begin_app(browser, query=ON_DEMAND)
        app = app_at(address)
        browser.get(address)
        browser.post(address, {"code": "000000", "name": "Phone"})
        code = code_of(app)
        codes = codes_on(browser.post(address, {"code": code, "name": "Phone"}))
    secrets = [totp.typed_key(app), totp.typed_key(app).replace(" ", ""), code, *codes]
    assert len(secrets) == 13
    written = [
        record.getMessage() for record in caplog.records if record.name != "django.db.backends"
    ]
    kept = written + [
        f"{event.subject} {event.details}" for action in Action for event in events(action)
    ]
    kept += [mail.text_body + mail.html_body + mail.subject for mail in mails()]
    # What lies in a session is signed, and would be found in no spelling of it.
    kept += [str(SessionStore().decode(row.session_data)) for row in UserSession.objects.all()]
    assert any("_auth_user_id" in text for text in kept)
    for secret in secrets:
        assert not any(secret in text for text in kept), secret
