"""No way in leads around the second factor (security 15, 21, 22, 27, 39; ASVS 6.3.4, 6.4.3)."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import get_resolver, reverse
from django_otp import DEVICE_ID_SESSION_KEY

from accounts.checks import routes
from accounts.models import Membership
from tests.factories import PASSWORD, make_seller, make_staff, make_user
from tests.invitations import invited, opened
from tests.people import People, sign_in, signed_in
from tests.security.parts import Parts, fill, make_parts
from tests.two_factor import code_of, two_factor_on
from tests.twofactor.signing_in import CHALLENGE, count_hashes, enter, half_signed_in, is_in
from tests.users.mailing import mails, only_link
from twofactor.methods import STANDING_ALONE, Kind
from twofactor.models import AuthenticatorApp, TwoFactor
from twofactor.recovery_codes import make_codes
from twofactor.requirements import requirements_of
from users.models import User, UserSession

pytestmark = pytest.mark.django_db

NEW = "a wholly new password"
WRONG = "not the password of anybody"


def is_challenged(browser: Client) -> bool:
    """Half signed in, and no more."""
    return not is_in(browser) and "Enter a code" in browser.get(CHALLENGE).content.decode()


# --- Links (22) ---------------------------------------------------------------------------------


def test_a_reset_link_skips_no_code(people: People) -> None:
    two_factor_on(people.alice)
    browser = Client()
    browser.post("/password-reset/", {"email": people.alice.email})
    browser.get(only_link("password_reset"))
    browser.post("/password-reset/new/", {"password": NEW})
    assert not is_in(browser)
    assert sign_in(browser, people.alice.email, NEW)["Location"] == CHALLENGE
    assert is_challenged(browser)


def test_a_reset_link_leaves_two_factor_as_it_was(people: People) -> None:
    """Who reads the mail has one factor, and not the other."""
    two_factor_on(people.alice)
    browser = Client()
    browser.post("/password-reset/", {"email": people.alice.email})
    browser.get(only_link("password_reset"))
    browser.post("/password-reset/new/", {"password": NEW})
    assert TwoFactor.objects.filter(user=people.alice).exists()
    assert AuthenticatorApp.objects.filter(user=people.alice, confirmed=True).exists()


def test_an_invitation_skips_no_code_and_is_accepted_after_it(people: People) -> None:
    app = two_factor_on(people.charlie)
    invitation = invited(people.account, by=people.alice, email=people.charlie.email)
    browser = Client()
    opened(browser, invitation)
    answer = browser.post("/invitation/sign-in/", {"password": PASSWORD})
    assert answer["Location"] == CHALLENGE
    assert is_challenged(browser)
    mine = Membership.objects.filter(account=people.account, user=people.charlie)
    assert not mine.exists()
    browser.post("/invitation/accept/")
    assert not mine.exists()
    assert enter(browser, code_of(app))["Location"] == "/invitation/"
    browser.post("/invitation/accept/")
    assert mine.exists()


def test_a_verification_link_skips_no_code(people: People) -> None:
    user = make_user("new@hartwell.example", email_verified_at=None)
    two_factor_on(user)
    browser = Client()
    sign_in(browser, user.email)
    browser.get(only_link("verify_address"))
    browser.post("/verify/")
    assert not is_in(browser)
    assert sign_in(browser, user.email)["Location"] == CHALLENGE


def test_a_sign_up_link_of_a_known_address_skips_no_code(people: People) -> None:
    two_factor_on(people.alice)
    browser = Client()
    browser.post("/sign-up/", {"email": people.alice.email})
    browser.get(only_link("sign_up_known"))
    browser.post("/password-reset/new/", {"password": NEW})
    assert not is_in(browser)
    assert sign_in(browser, people.alice.email, NEW)["Location"] == CHALLENGE


def test_a_link_that_takes_an_address_change_back_skips_no_code(people: People) -> None:
    two_factor_on(people.alice)
    browser = signed_in(people.alice)
    browser.post("/profile/email/", {"new_email": "alice@elsewhere.example"})
    browser.get(only_link("address_change_confirm"))
    browser.post("/email-change/confirm/")
    other = Client()
    other.get(only_link("address_changed", to=people.alice.email))
    other.post("/email-change/undo/")
    assert not is_in(other)


def test_an_old_cookie_of_the_same_browser_skips_no_code(people: People) -> None:
    """There is no “remember this browser”."""
    app = two_factor_on(people.alice)
    browser = half_signed_in(people.alice)
    enter(browser, code_of(app))
    kept = browser.cookies["session"].value
    browser.post("/sign-out/")
    browser.cookies["session"] = kept
    assert not is_in(browser)
    half_signed_in(people.alice, browser=browser)
    assert is_challenged(browser)


def test_the_cookie_of_the_pending_sign_in_opens_nothing_later(people: People) -> None:
    app = two_factor_on(people.alice)
    browser = half_signed_in(people.alice)
    pending = browser.cookies["session"].value
    enter(browser, code_of(app))
    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = pending
    assert not is_in(thief)
    assert thief.get(CHALLENGE)["Location"] == "/sign-in/"


# --- Half signed in (21) ------------------------------------------------------------------------


def test_half_signed_in_opens_no_page_of_the_program(people: People) -> None:
    """Each address that whoever is nobody is sent away from; PDF, console and tables included."""
    user = make_user("half@hartwell.example", is_staff=True, is_superuser=True)
    Membership.objects.create(account=people.account, user=user, flags=[])
    browser, nobody = half_signed_in(user), Client()
    parts = make_parts(people.account, seller=make_seller())
    # The tables are behind one door: see below, and tests/config/test_admin.py.
    elsewhere = ("sign-in/", "admin/")
    asked = [route for route, _name in routes(get_resolver()) if not route.startswith(elsewhere)]
    assert len(asked) > 100
    for route in asked:
        address = fill(route, _with_ids(parts, route))
        half, none = (who.get(address) for who in (browser, nobody))
        assert half.status_code == none.status_code, address
        assert half.get("Location") == none.get("Location"), address
    assert browser.get("/admin/users/user/")["Location"].startswith("/admin/login/")
    assert browser.get("/admin/login/")["Location"] == "/sign-in/?next=/admin/"
    assert is_challenged(browser)


def _with_ids(parts: Parts, route: str) -> Parts:
    """Ids of no row where the account has none of the kind: it is refused before that is seen."""
    return {**{part: str(uuid4()) for part in re.findall(r"<uuid:\w+>", route)}, **parts}


def test_the_session_row_of_a_pending_sign_in_is_nobodys(people: People) -> None:
    half_signed_in(people.alice)
    assert UserSession.objects.filter(user=people.alice).count() == 0


# --- The password alone (15) --------------------------------------------------------------------


def test_a_wrong_password_is_answered_alike_with_two_factor_and_without(people: People) -> None:
    two_factor_on(people.alice)
    staff = make_staff()
    two_factor_on(staff)
    pages = set()
    for email in (people.alice.email, people.bob.email, staff.email, "nobody@nowhere.example"):
        answer = sign_in(Client(), email, WRONG)
        page = answer.content.decode().replace(email, "…")
        pages.add((answer.status_code, re.sub(r'"csrfmiddlewaretoken" value="\w+"', "", page)))
    assert len(pages) == 1


def test_a_wrong_password_costs_the_same_with_two_factor_and_without(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly one hash each, and nothing is asked about two-factor."""
    two_factor_on(people.alice)
    hashed = count_hashes(monkeypatch)
    for email in (people.alice.email, people.bob.email):
        sign_in(Client(), email, WRONG)
    assert len(hashed) == 2


def test_a_wrong_password_says_nothing_of_two_factor_to_a_pending_sign_in(people: People) -> None:
    browser = half_signed_in(people.alice)
    assert sign_in(browser, people.bob.email, WRONG).status_code == 200
    assert is_challenged(browser)


# --- Sessions (27) ------------------------------------------------------------------------------


def test_a_new_password_ends_other_sessions_and_pending_sign_ins(people: People) -> None:
    app = two_factor_on(people.alice)
    own, other = signed_in(people.alice), signed_in(people.alice)
    half = half_signed_in(people.alice)
    own.post("/profile/password/", {"current_password": PASSWORD, "password": NEW})
    assert (is_in(own), is_in(other)) == (True, False)
    enter(half, code_of(app))
    assert not is_in(half)


def test_a_removed_method_is_the_sessions_no_more(staff: User) -> None:
    browser = signed_in(staff)
    assert browser.get("/console/customers/").status_code == 200
    AuthenticatorApp.objects.filter(user=staff).delete()
    assert browser.get("/console/customers/").status_code == 403


# --- The operator's pages (39) ------------------------------------------------------------------


def operators_addresses() -> Iterator[str]:
    for route, _name in routes(get_resolver()):
        if route.startswith("console/"):
            yield route


def without_second_factor(user: User) -> Client:
    browser = signed_in(user)
    session = browser.session
    del session[DEVICE_ID_SESSION_KEY]
    session.save()
    return browser


def test_a_method_opens_nothing_of_the_operator_before_two_factor_is_on(staff: User) -> None:
    """Until then the password alone signs in, and whoever has it adds an app of their own."""
    browser = signed_in(staff)
    TwoFactor.objects.filter(user=staff).delete()
    for page in ("/console/customers/", "/admin/", "/admin/users/user/"):
        assert browser.get(page, follow=True).status_code == 403, page
    TwoFactor.objects.create(user=staff)
    assert browser.get("/console/customers/").status_code == 200
    assert browser.get("/admin/users/user/").status_code == 200


def test_every_page_of_the_console_needs_a_second_factor(people: People, staff: User) -> None:
    browser = without_second_factor(staff)
    parts = make_parts(people.account, seller=make_seller())
    found, before = {}, len(mails())
    for route in operators_addresses():
        for method in ("get", "post"):
            answer = getattr(browser, method)(fill(route, _with_ids(parts, route)))
            found[route, method] = answer.status_code
    assert len(found) > 20
    assert set(found.values()) <= {403, 405}, found
    assert all(found[route, "get"] == 403 or found[route, "post"] == 403 for route, _m in found)
    assert len(mails()) == before


def test_every_page_of_the_tables_needs_a_second_factor(staff: User) -> None:
    browser, asked = without_second_factor(staff), 0
    for route, _name in routes(get_resolver()):
        if route.startswith("admin/") and "login" not in route and "logout" not in route:
            address = "/" + route.replace("^", "").split("(?P")[0].split("<")[0]
            answer = browser.get(address, follow=True)
            assert answer.status_code in {403, 404}, address
            asked += 1
    assert asked > 50


def test_staff_without_two_factor_are_told_why_and_led_to_set_it_up(staff: User) -> None:
    browser = without_second_factor(staff)
    TwoFactor.objects.all().delete()
    answer = browser.get("/console/customers/?q=1")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "These pages need two-factor authentication" in page
    assert "Sign in again and set it up" in page
    assert 'name="next" value="/console/customers/?q=1"' in page
    after = browser.post("/sign-in/again/", {"next": "/console/customers/?q=1"})["Location"]
    assert not is_in(browser)
    overview = reverse("twofactor:overview")
    assert after == (
        "/sign-in/?next=%2Fprofile%2Ftwo-factor%2F%3Ffor%3D1%26next%3D%252Fconsole%252Fcustomers"
        "%252F%253Fq%253D1"
    )
    arrived = sign_in(
        browser, staff.email, next_page=f"{overview}?for=1&next=%2Fconsole%2Fcustomers%2F%3Fq%3D1"
    )
    assert arrived["Location"] == f"{overview}?for=1&next=%2Fconsole%2Fcustomers%2F%3Fq%3D1"


def test_staff_with_two_factor_sign_in_again_and_come_back(staff: User) -> None:
    browser = without_second_factor(staff)
    page = browser.get("/admin/", follow=True).content.decode()
    assert "this session began without it" in page
    assert 'name="next" value="/admin/"' in page
    after = browser.post("/sign-in/again/", {"next": "/admin/"})["Location"]
    assert after == "/sign-in/?next=%2Fadmin%2F"
    half_signed_in(staff, next_page="/admin/", browser=browser)
    assert enter(browser, code_of(two_factor_on(staff)))["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_a_recovery_code_opens_the_operators_pages(staff: User) -> None:
    """Else staff who lost their phone could not work until somebody resets them."""
    browser = half_signed_in(staff)
    enter(browser, make_codes(staff)[0], kind=Kind.RECOVERY_CODE)
    assert browser.get("/console/customers/").status_code == 200


def test_signing_in_again_leads_nobody_off_the_site(staff: User) -> None:
    """Security 28."""
    browser = signed_in(staff)
    after = browser.post("/sign-in/again/", {"next": "https://elsewhere.example/"})["Location"]
    assert after == "/sign-in/"


def test_signing_in_again_is_for_whoever_is_signed_in() -> None:
    assert Client().post("/sign-in/again/")["Location"].startswith("/sign-in/?next=")
    assert Client().get("/sign-in/again/").status_code == 405


def test_the_console_requires_it_of_staff_alone(people: People, staff: User) -> None:
    """M9: staff cannot turn it off."""
    [required] = requirements_of(staff)
    assert (required.name, required.accepts) == ("The console", STANDING_ALONE)
    assert requirements_of(people.charlie) == []
