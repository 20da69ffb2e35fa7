"""Decision 0153: what staff see of a person, and how they start a two-factor reset."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actions import Action
from tests.factories import OPERATOR, PASSWORD, make_user
from tests.invitations import text_of
from tests.people import People, signed_in
from tests.two_factor import code_of, two_factor_on
from tests.twofactor.resets import State, age, events, started, state_of
from tests.users.mailing import mails
from twofactor.models import AuthenticatorApp, RecoveryCode, RecoveryCodes, SmsPhone, TwoFactorReset
from twofactor.resetting import stop_reset
from twofactor.sealing import unseal
from users.confirming import CONFIRMED_AT
from users.models import User

pytestmark = pytest.mark.django_db

GIVEN = {"reason": "Phone lost", "check": "Called back on the number on file"}


def page_of(user: User) -> str:
    return f"/console/people/{user.pk}/"


def reset_page(user: User) -> str:
    return f"{page_of(user)}two-factor-reset/"


@pytest.fixture
def reader(db: None) -> User:
    """Staff without any of Django's permissions."""
    return make_user("reader@operator.example", is_staff=True)


def permit(user: User) -> None:
    user.user_permissions.add(
        Permission.objects.get(codename="change_user", content_type__app_label="users")
    )


# --- The page of a person ------------------------------------------------------------------------


def test_a_person_is_found_by_address_and_has_a_page(people: People, staff: User) -> None:
    browser = signed_in(staff)
    found = text_of(browser.get("/console/customers/?q=bob@hartwell.example"))
    assert page_of(people.bob) in found
    assert page_of(people.bob) in text_of(
        browser.get(f"/console/accounts/{people.account.number}/")
    )
    shown = text_of(browser.get(page_of(people.bob)))
    for words in (
        "Bob Ferris",
        "bob@hartwell.example",
        f"{people.account.number} Hartwell &amp; Sons",
        "Billing",
        "Off",
        "Not required",
    ):
        assert words in shown
    assert "Hartwell &amp; Sons (owner)" not in shown


def test_the_page_tells_of_methods_and_of_no_secret(people: People, staff: User) -> None:
    app = two_factor_on(people.bob)
    SmsPhone.objects.create(user=people.bob, name="p", number="+441632960123", confirmed=True)
    codes = RecoveryCodes.objects.create(user=people.bob, name="c")
    RecoveryCode.objects.create(codes=codes, selector="k7", code_hash="argon2-of-it")
    AuthenticatorApp.objects.create(
        user=people.bob, name="Never finished", encrypted_secret="x", confirmed=False
    )
    signed_in(people.bob)
    shown = text_of(signed_in(staff).get(page_of(people.bob)))
    for words in ("On: every sign-in asks for a code", "Phone, last used never", "1 left", "123"):
        assert words in shown
    assert "<dt>Open sessions</dt><dd>1</dd>" in shown
    for secret in (
        app.encrypted_secret,
        unseal(app.encrypted_secret).decode(),
        "+441632960123",
        "argon2-of-it",
        "k7",
        "Never finished",
    ):
        assert secret not in shown


def test_what_was_done_about_them_is_shown(people: People, staff: User) -> None:
    started(people.bob, by=staff)
    shown = text_of(signed_in(staff).get(page_of(people.bob)))
    assert "Started to reset the two-factor authentication of bob@hartwell.example" in shown


@pytest.mark.parametrize("who", ["alice", "bob", "charlie", "nobody"])
def test_nobody_but_staff_sees_or_does_any_of_it(people: People, who: str) -> None:
    two_factor_on(people.bob)
    browser = Client() if who == "nobody" else signed_in(getattr(people, who))
    for path in (page_of(people.bob), reset_page(people.bob), "/console/two-factor-resets/"):
        assert browser.get(path).status_code in (302, 403)
    assert browser.post(reset_page(people.bob), GIVEN).status_code in (302, 403)
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []


def test_a_person_that_does_not_exist_is_not_found(staff: User) -> None:
    browser = signed_in(staff)
    assert browser.get("/console/people/999999/").status_code == 404
    assert browser.get("/console/people/999999/two-factor-reset/").status_code == 404


# --- Starting a reset ----------------------------------------------------------------------------


def test_staff_start_a_reset_with_a_reason_and_a_check(people: People, staff: User) -> None:
    two_factor_on(people.bob)
    browser = signed_in(staff)
    assert reset_page(people.bob) in text_of(browser.get(page_of(people.bob)))
    assert "For 72 hours nothing changes" in text_of(browser.get(reset_page(people.bob)))
    answer = browser.post(reset_page(people.bob), GIVEN, follow=True)
    assert answer.redirect_chain[0][0] == page_of(people.bob)
    shown = text_of(answer)
    assert "A reset of two-factor authentication is under way" in shown
    assert "Phone lost" in shown
    (reset,) = TwoFactorReset.objects.all()
    assert (reset.user, reset.started_by, reset.state) == (people.bob, staff, State.PENDING)
    (event,) = events(Action.TWO_FACTOR_RESET_STARTED)
    assert event.actor_label == staff.email
    assert event.details["check"] == GIVEN["check"]
    assert {mail.kind for mail in mails()} == {"two_factor_reset_coming"}


def test_staff_who_are_no_superusers_reset_none(people: People, staff: User, reader: User) -> None:
    """Nor are they shown the way."""
    permit(reader)
    two_factor_on(staff)
    two_factor_on(people.bob)
    browser = signed_in(reader)
    assert reset_page(people.bob) in text_of(browser.get(page_of(people.bob)))
    assert reset_page(staff) not in text_of(browser.get(page_of(staff)))
    for answer in (
        browser.get(reset_page(staff), follow=True),
        browser.post(reset_page(staff), GIVEN, follow=True),
    ):
        assert "Only a superuser can reset" in text_of(answer)
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"reason": ""}, "Enter why the person needs the reset."),
        ({"reason": "  "}, "Enter why the person needs the reset."),
        ({"check": ""}, "Enter how you made sure that the person themselves asked."),
    ],
)
def test_both_are_required_and_nothing_typed_is_lost(
    people: People, staff: User, changed: dict[str, str], complaint: str
) -> None:
    two_factor_on(people.bob)
    answer = signed_in(staff).post(reset_page(people.bob), {**GIVEN, **changed})
    shown = text_of(answer)
    assert complaint in shown
    assert ("Phone lost" in shown) != ("reason" in changed)
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []


def test_a_second_click_starts_no_second_one(people: People, staff: User) -> None:
    two_factor_on(people.bob)
    browser = signed_in(staff)
    browser.post(reset_page(people.bob), GIVEN)
    again = browser.post(reset_page(people.bob), GIVEN, follow=True)
    assert "A reset is under way for this person already." in text_of(again)
    assert TwoFactorReset.objects.count() == 1
    assert len(mails()) == 1


def test_never_for_a_person_without_two_factor(people: People, staff: User) -> None:
    browser = signed_in(staff)
    assert reset_page(people.bob) not in text_of(browser.get(page_of(people.bob)))
    answer = browser.post(reset_page(people.bob), GIVEN, follow=True)
    assert "does not use two-factor authentication" in text_of(answer)
    assert TwoFactorReset.objects.count() == 0


def test_never_for_oneself(staff: User) -> None:
    browser = signed_in(staff)
    assert reset_page(staff) not in text_of(browser.get(page_of(staff)))
    answer = browser.post(reset_page(staff), GIVEN, follow=True)
    assert "You cannot reset your own two-factor authentication." in text_of(answer)
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []


def test_staff_show_first_who_they_are_and_what_they_typed_goes_on(
    people: People, staff: User
) -> None:
    """Security 25."""
    two_factor_on(people.bob)
    browser = signed_in(staff)
    session = browser.session
    session[CONFIRMED_AT] = (timezone.now() - timedelta(minutes=16)).isoformat()
    session.save()
    asked = text_of(browser.post(reset_page(people.bob), GIVEN))
    assert "Confirm that it is you" in asked
    assert "Called back on the number on file" in asked
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []
    confirmed = {
        "confirm-for": "POST",
        "confirm-password": PASSWORD,
        "confirm-code": code_of(two_factor_on(staff)),
    }
    browser.post(reset_page(people.bob), {**GIVEN, **confirmed})
    assert TwoFactorReset.objects.get().check_made == GIVEN["check"]


def test_staff_without_the_permission_read_and_start_nothing(people: People, reader: User) -> None:
    two_factor_on(people.bob)
    browser = signed_in(reader)
    shown = text_of(browser.get(page_of(people.bob)))
    assert "Bob Ferris" in shown
    assert reset_page(people.bob) not in shown
    assert "/admin/users/user/" not in shown
    for answer in (
        browser.get(reset_page(people.bob)),
        browser.post(reset_page(people.bob), GIVEN),
    ):
        assert answer.status_code == 403
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []


def test_the_permission_is_enough(people: People, reader: User) -> None:
    two_factor_on(people.bob)
    permit(reader)
    signed_in(reader).post(reset_page(people.bob), GIVEN)
    assert TwoFactorReset.objects.get().started_by == reader


def test_staff_have_no_way_to_stop_one(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    browser = signed_in(staff)
    assert "/stop/" not in text_of(browser.get(page_of(people.bob)))
    browser.post("/profile/two-factor/reset/stop/")
    assert state_of(reset) == State.PENDING


# --- All that are under way ----------------------------------------------------------------------


def test_staff_see_all_that_are_under_way_the_next_first(people: People, reader: User) -> None:
    staff = make_user("clerk@operator.example", is_staff=True)
    later, sooner, over = (
        started(user, by=staff) for user in (people.bob, people.dora, people.charlie)
    )
    age(sooner, hours=5)
    stop_reset(over.pk, actor=OPERATOR)
    shown = text_of(signed_in(reader).get("/console/two-factor-resets/"))
    assert shown.index("dora@hartwell.example") < shown.index("bob@hartwell.example")
    assert "charlie@elsewhere.example" not in shown
    assert later.pk != sooner.pk


def test_none_under_way_is_said(staff: User) -> None:
    assert "None under way" in text_of(signed_in(staff).get("/console/two-factor-resets/"))


def test_the_list_takes_as_many_queries_for_many_as_for_one(people: People, staff: User) -> None:
    browser = signed_in(staff)
    page = "/console/two-factor-resets/"
    started(people.bob, by=staff)
    browser.get(page)
    with CaptureQueriesContext(connection) as for_one:
        browser.get(page)
    for user in (people.dora, people.charlie, people.alice):
        started(user, by=staff)
    with CaptureQueriesContext(connection) as for_many:
        browser.get(page)
    assert len(for_many) == len(for_one)
