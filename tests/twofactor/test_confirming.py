"""Far-reaching acts ask again who sits there, when it is long ago (security 25; ASVS 7.5.1)."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as ModelPermission
from django.test import Client
from django.utils import timezone

from accounts.models import Account, OwnershipChange
from audit.actions import Action
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.auditing import events
from tests.factories import PASSWORD
from tests.people import Answer, People, let_confirmation_lapse, signed_in, stale
from tests.two_factor import code_of, two_factor_on, two_factor_on_by_phone
from tests.twofactor.gateways import RememberingGateway
from tests.twofactor.signing_in import enter, half_signed_in, is_in
from twofactor.models import TwoFactor
from twofactor.recovery_codes import make_codes
from users.confirming import RECENT
from users.models import EmailAddressChange, User

pytestmark = pytest.mark.django_db

EMAIL = "/profile/email/"
NEW = "alice@elsewhere.example"
ASKS = "Confirm that it is you"


def confirm(browser: Client, page: str, *, sent_by: str = "GET", **sent: object) -> Answer:
    """Send the page that asks; ``code`` and others of its fields in ``sent``, without prefix."""
    fields = {"confirm-password": PASSWORD, "confirm-for": sent_by}
    ours = ("password", "code", "method", "send", "use")
    fields |= {f"confirm-{name}" if name in ours else name: str(v) for name, v in sent.items()}
    answer: Answer = browser.post(page, fields)
    return answer


def hidden(answer: Answer) -> dict[str, str]:
    """The hidden fields of the page but for the token."""
    page = answer.content.decode()
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def is_asked(answer: Answer) -> bool:
    return answer.status_code == 200 and ASKS in answer.content.decode()


def mails() -> int:
    with all_accounts_scope("a test counts mail"):
        return OutgoingEmail.objects.count()


# --- What asks ----------------------------------------------------------------------------------


def acts(people: People) -> dict[str, tuple[User, dict[str, str]]]:
    """Addresses that ask, with whose they are and what would be sent there."""
    account = f"/a/{people.account.number}/settings"
    return {
        EMAIL: (people.alice, {"new_email": NEW}),
        "/profile/password/": (
            people.alice,
            {"current_password": PASSWORD, "password": "a wholly new password"},
        ),
        "/profile/close/": (people.dora, {"email": people.dora.email}),
        "/profile/": (people.alice, {**_profile(people.alice), "phone": "+44 20 7946 0018"}),
        f"{account}/ownership/offer/": (people.alice, {"to": str(people.bob.pk)}),
        f"{account}/close/": (people.alice, {"number": str(people.account.number)}),
        f"{account}/users/add/": (people.alice, {"email": "eve@new.example"}),
    }


def _profile(user: User) -> dict[str, str]:
    names = ("first_name", "last_name", "phone", "language", "timezone")
    return {name: getattr(user, name) for name in names}


ACTS = [
    EMAIL,
    "/profile/password/",
    "/profile/close/",
    "/profile/",
    "settings/ownership/offer/",
    "settings/close/",
    "settings/users/add/",
]


@pytest.mark.parametrize("ending", ACTS)
def test_an_act_asks_when_it_is_long_ago_and_does_nothing(people: People, ending: str) -> None:
    page = next(each for each in acts(people) if each.endswith(ending))
    user, sent = acts(people)[page]
    before = _state(people)
    assert is_asked(stale(user).post(page, sent))
    assert _state(people) == before


@pytest.mark.parametrize("ending", ACTS)
def test_an_act_asks_for_nothing_when_it_is_not(people: People, ending: str) -> None:
    page = next(each for each in acts(people) if each.endswith(ending))
    user, sent = acts(people)[page]
    before = _state(people)
    assert signed_in(user).post(page, sent).status_code == 302
    assert _state(people) != before


def _state(people: People) -> tuple[object, ...]:
    users = User.objects.filter(pk__in=[people.alice.pk, people.dora.pk]).order_by("pk")
    with all_accounts_scope("a test reads accounts"):
        return (
            *users.values_list("password", "phone", "is_active", "email"),
            Account.objects.get(pk=people.account.pk).status,
            OwnershipChange.objects.count(),
            EmailAddressChange.objects.count(),
            mails(),
        )


def test_changing_what_a_member_may_do_asks_too(people: People) -> None:
    member = people.account.memberships.get(user=people.dora)
    page = f"/a/{people.account.number}/settings/users/{member.public_id}/"
    assert is_asked(stale(people.alice).get(page))
    assert is_asked(stale(people.alice).post(page, {"flags": ["billing"]}))
    member.refresh_from_db()
    assert member.flags == []


def test_staff_are_asked_before_they_hand_an_account_over(people: People, staff: User) -> None:
    page = f"/console/accounts/{people.account.number}/hand-over/"
    assert is_asked(stale(staff).get(page))
    assert signed_in(staff).get(page).status_code == 200


def test_staff_are_asked_before_they_change_what_a_group_may_do(staff: User) -> None:
    """Security 6: everybody in it may do that then."""
    permission = ModelPermission.objects.get(codename="change_user")
    sent = {"name": "Clerks", "permissions": [permission.pk]}
    address = "/admin/auth/group/add/"
    assert is_asked(stale(staff).post(address, sent))
    assert not Group.objects.exists()
    assert signed_in(staff).post(address, sent).status_code == 302
    group = Group.objects.get()
    change = f"/admin/auth/group/{group.pk}/change/"
    assert is_asked(stale(staff).post(change, {"name": "Clerks", "permissions": []}))
    assert list(group.permissions.all()) == [permission]


def test_a_profile_without_a_new_number_asks_for_nothing(people: People) -> None:
    sent = {**_profile(people.alice), "first_name": "Alicia"}
    assert stale(people.alice).post("/profile/", sent).status_code == 302
    assert User.objects.get(pk=people.alice.pk).first_name == "Alicia"


def test_whoever_is_not_signed_in_is_asked_for_that(people: People) -> None:
    for page in acts(people):
        assert Client().get(page)["Location"].startswith("/sign-in/")
        answer = confirm(Client(), page)
        assert answer["Location"].startswith("/sign-in/")


# --- Going on -----------------------------------------------------------------------------------


def test_what_was_sent_goes_on_after_the_password(people: People) -> None:
    browser = stale(people.alice)
    answer = browser.post(EMAIL, {"new_email": NEW})
    assert hidden(answer) == {
        "new_email": NEW,
        "confirm-for": "POST",
        "confirm-username": "alice@hartwell.example",
    }
    assert confirm(browser, EMAIL, sent_by="POST", new_email=NEW)["Location"] == EMAIL
    assert EmailAddressChange.objects.get().new_email == NEW


def test_a_page_that_was_asked_for_is_shown_afterwards(people: People) -> None:
    browser = stale(people.alice)
    page = f"{EMAIL}?from=mail&x=1"
    assert is_asked(browser.get(page))
    answer = confirm(browser, page)
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert "Send the link" in browser.get(page).content.decode()


def test_several_values_of_one_field_all_go_on(people: People) -> None:
    browser = stale(people.alice)
    page = browser.post(EMAIL, {"new_email": [NEW, "second@elsewhere.example"]}).content.decode()
    assert page.count('name="new_email"') == 2


def test_what_was_sent_is_written_into_the_page_as_text(people: People) -> None:
    page = stale(people.alice).post(EMAIL, {"new_email": '"><script>x</script>'}).content.decode()
    assert "<script>x" not in page


def test_no_password_is_written_into_the_page(people: People) -> None:
    sent = {"current_password": PASSWORD, "password": "a wholly new password"}
    page = stale(people.alice).post("/profile/password/", sent).content.decode()
    assert PASSWORD not in page
    assert "a wholly new password" not in page


def test_a_wrong_password_goes_nowhere_and_loses_nothing(people: People) -> None:
    browser = stale(people.alice)
    answer = confirm(browser, EMAIL, sent_by="POST", new_email=NEW, password="not hers at all")
    assert "This is not your password." in answer.content.decode()
    assert hidden(answer)["new_email"] == NEW
    assert hidden(answer)["confirm-for"] == "POST"
    assert EmailAddressChange.objects.count() == 0
    assert mails() == 0
    assert len(events(Action.USER_SIGN_IN_FAILED)) == 1
    assert is_asked(browser.get(EMAIL))


def test_it_lasts_fifteen_minutes_and_is_audited(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = stale(people.alice)
    confirm(browser, EMAIL)
    [event] = events(Action.USER_CONFIRMED)
    assert event.details == {"method": "password"}
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + RECENT - timedelta(seconds=5))
    assert not is_asked(browser.get(EMAIL))
    monkeypatch.setattr(timezone, "now", lambda: now + RECENT + timedelta(seconds=5))
    assert is_asked(browser.get(EMAIL))


def test_the_key_changes_and_the_former_one_opens_nothing(people: People) -> None:
    """Security 27; ASVS 7.2.4."""
    browser = stale(people.alice)
    former = str(browser.session.session_key)
    confirm(browser, EMAIL)
    assert browser.session.session_key != former
    stolen = Client()
    stolen.cookies[django_settings.SESSION_COOKIE_NAME] = former
    assert stolen.get("/profile/").status_code == 302


def test_ten_wrong_passwords_are_enough(people: People) -> None:
    """Security 16: also for whoever has the session."""
    browser = stale(people.alice)
    for _time in range(10):
        confirm(browser, EMAIL, password="not hers at all")
    answer = confirm(browser, EMAIL, sent_by="POST", new_email=NEW)
    assert answer.status_code == 429
    assert "Try again in" in answer.content.decode()
    assert hidden(answer)["new_email"] == NEW
    assert EmailAddressChange.objects.count() == 0


def test_a_page_of_somebody_elses_cannot_send_it(people: People) -> None:
    """Security 31."""
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = stale(people.alice).cookies
    assert confirm(browser, EMAIL).status_code == 403
    assert events(Action.USER_CONFIRMED) == []


# --- With two-factor on -------------------------------------------------------------------------


def test_with_two_factor_on_the_code_is_asked_for_as_well(people: People) -> None:
    app, browser = two_factor_on(people.alice), stale(people.alice)
    page = browser.get(EMAIL).content.decode()
    assert "Code from your app" in page
    assert 'autocomplete="one-time-code"' in page
    for code in ("", "000000"):
        assert is_asked(confirm(browser, EMAIL, sent_by="POST", new_email=NEW, code=code))
    assert EmailAddressChange.objects.count() == 0
    confirm(browser, EMAIL, sent_by="POST", new_email=NEW, code=code_of(app))
    assert EmailAddressChange.objects.count() == 1


def test_the_code_alone_is_not_enough_and_is_not_used_up(people: People) -> None:
    app, browser = two_factor_on(people.alice), stale(people.alice)
    code = code_of(app)
    assert is_asked(confirm(browser, EMAIL, password="not hers at all", code=code))
    assert confirm(browser, EMAIL, code=code).status_code == 302


def test_a_code_that_signed_in_does_not_confirm(people: People) -> None:
    """Security 20: once, for everything together."""
    browser, app = half_signed_in(people.alice), two_factor_on(people.alice)
    code = code_of(app)
    enter(browser, code)
    assert is_in(browser)
    let_confirmation_lapse(browser)
    assert is_asked(confirm(browser, EMAIL, code=code))
    assert confirm(browser, EMAIL, code=code_of(app, steps=1)).status_code == 302


def test_a_code_that_confirmed_does_not_confirm_again(people: People) -> None:
    """Security 20."""
    app, browser = two_factor_on(people.alice), stale(people.alice)
    code = code_of(app)
    assert confirm(browser, EMAIL, code=code).status_code == 302
    assert is_asked(confirm(stale(people.alice), EMAIL, code=code))


@pytest.mark.parametrize("method", ["", "nonsense", "recovery", "sms"])
def test_a_method_that_the_person_has_not_asks_for_one_that_they_have(
    people: People, method: str
) -> None:
    two_factor_on(people.alice)
    answer = confirm(stale(people.alice), EMAIL, method=method, code="")
    assert "Code from your app" in answer.content.decode()
    assert events(Action.USER_CONFIRMED) == []


def test_a_recovery_code_confirms_once(people: People) -> None:
    two_factor_on(people.alice)
    code, browser = make_codes(people.alice)[0], stale(people.alice)
    page = confirm(browser, EMAIL, sent_by="POST", use="recovery", new_email=NEW)
    assert "Recovery code" in page.content.decode()
    assert hidden(page)["confirm-method"] == "recovery"
    assert hidden(page)["new_email"] == NEW
    assert confirm(browser, EMAIL, method="recovery", code=code).status_code == 302
    assert is_asked(confirm(stale(people.alice), EMAIL, method="recovery", code=code))


def test_a_text_message_confirms_what_was_sent(people: People, gateway: RememberingGateway) -> None:
    two_factor_on_by_phone(people.alice)
    browser = stale(people.alice)
    assert "Send me a code" in browser.post(EMAIL, {"new_email": NEW}).content.decode()
    answer = confirm(browser, EMAIL, sent_by="POST", new_email=NEW, send="1", password="")
    assert "We sent you a code." in answer.content.decode()
    assert hidden(answer)["new_email"] == NEW
    sent = {"sent_by": "POST", "method": "sms", "new_email": NEW}
    confirm(browser, EMAIL, **sent, code=gateway.codes[0])
    assert EmailAddressChange.objects.count() == 1


def test_a_text_message_for_one_session_confirms_no_other(
    people: People, gateway: RememberingGateway
) -> None:
    """Security 20."""
    two_factor_on_by_phone(people.alice)
    one, other = stale(people.alice), stale(people.alice)
    confirm(one, EMAIL, send="1", password="")
    answer = confirm(other, EMAIL, method="sms", code=gateway.codes[0])
    assert is_asked(answer)
    assert confirm(one, EMAIL, method="sms", code=gateway.codes[0]).status_code == 302


def test_a_better_method_stays_the_one_of_the_session(
    people: People, gateway: RememberingGateway
) -> None:
    """An account that takes no text messages stays open to whoever signed in with an app."""
    app = two_factor_on(people.alice)
    two_factor_on_by_phone(people.alice)
    browser = stale(people.alice)
    confirm(browser, EMAIL, code=code_of(app))
    assert browser.session["otp_device_id"] == app.persistent_id
    let_confirmation_lapse(browser)
    confirm(browser, EMAIL, send="1", password="")
    assert confirm(browser, EMAIL, method="sms", code=gateway.codes[0]).status_code == 302
    assert browser.session["otp_device_id"] == app.persistent_id


def test_who_has_nothing_that_works_is_told_so(people: People) -> None:
    TwoFactor.objects.create(user=people.alice)
    browser = stale(people.alice)
    assert "None of your two-factor methods" in browser.get(EMAIL).content.decode()
    assert is_asked(confirm(browser, EMAIL, code="123456"))
    assert events(Action.USER_CONFIRMED) == []


def test_staff_are_asked_before_they_change_a_user_id_in_the_tables(
    people: People, staff: User
) -> None:
    """There staff are made, and the password of somebody new is set."""
    browser, page = stale(staff), f"/admin/users/user/{people.dora.pk}/change/"
    assert not is_asked(browser.get(page))
    assert is_asked(browser.post(page, {"is_active": "on", "is_staff": "on"}))
    assert is_asked(browser.get("/admin/users/user/add/"))
    assert not User.objects.get(pk=people.dora.pk).is_staff
    assert signed_in(staff).get("/admin/users/user/add/").status_code == 200
