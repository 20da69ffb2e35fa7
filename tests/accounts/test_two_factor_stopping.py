"""Decision 0152: an account that requires two-factor authentication, and who comes without it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, Membership
from accounts.permissions import Flag
from accounts.two_factor.policy import (
    is_in_force,
    is_required_of,
    required_kinds,
    rule_in_force,
    start_of_day,
    two_factor_requirements_of,
)
from audit.actions import Action
from tests.factories import add_member, make_account, make_user
from tests.invitations import events, mail_count, text_of
from tests.people import People, signed_in
from tests.required_two_factor import (
    Rule,
    add_codes,
    overview_of,
    protected,
    require_it,
    set_rule,
    signed_in_with,
)
from tests.two_factor import add_app, two_factor_on, two_factor_on_by_phone
from twofactor.methods import STANDING_ALONE, Kind
from twofactor.models import AuthenticatorApp, SmsPhone, TwoFactor

pytestmark = pytest.mark.django_db


def is_open(browser: Client, address: str) -> bool:
    answer = browser.get(address)
    assert answer.status_code in (200, 403)
    return bool(answer.status_code == 200)


# --- Security 23 --------------------------------------------------------------------------------


def test_the_next_request_under_an_active_session_is_stopped(people: People) -> None:
    """Security 23."""
    browser = signed_in(people.bob)
    assert is_open(browser, overview_of(people))
    require_it(people.account)
    answer = browser.get(overview_of(people))
    assert answer.status_code == 403
    said = text_of(answer)
    assert "Hartwell &amp; Sons" in said
    assert str(people.account.number) in said
    assert 'action="/sign-in/again/"' in said
    assert f'name="next" value="{overview_of(people)}"' in said


def test_other_accounts_and_ones_own_pages_stay_open(people: People) -> None:
    """Security 23."""
    require_it(people.account)
    add_member(people.charlies_account, people.bob)
    browser = signed_in(people.bob)
    assert not is_open(browser, overview_of(people))
    assert is_open(browser, f"/a/{people.charlies_account.number}/")
    assert is_open(browser, "/profile/")
    said = text_of(browser.get(overview_of(people)))
    assert "Your other accounts stay open" in said


@pytest.mark.parametrize(
    "page",
    [
        "",
        "billing/invoices/",
        "billing/invoices/csv",
        "billing/invoices/INV-1/pdf",
        "billing/invoices/INV-1/pdf/view",
        "billing/invoices/INV-1/xml",
        "settings/users/",
        "settings/contacts/",
        "settings/activity/csv",
        "nowhere/",
    ],
)
def test_nothing_of_the_account_is_shown(people: People, page: str) -> None:
    """Files too: there is name and number and whom to ask, whatever right is missing besides."""
    require_it(people.account)
    answer = signed_in(people.bob).get(f"/a/{people.account.number}/{page}")
    assert answer.status_code == (404 if page == "nowhere/" else 403)
    said = text_of(answer)
    for detail in ("High Street", "alice@hartwell.example", "Needs attention", "/settings/"):
        assert detail not in said.replace(f"/a/{people.account.number}/{page}", "")


def test_whoever_is_stopped_is_told_by_name_whom_to_ask(people: People) -> None:
    """By no address: the browser has shown a password alone."""
    require_it(people.account)
    manager = make_user(first_name="Uma", last_name="Users")
    add_member(people.account, manager, Flag.USER_MANAGEMENT)
    said = text_of(signed_in(people.bob).get(overview_of(people)))
    whom = said.partition("They can exempt you")[2]
    assert whom.index("Alice Hartwell") < whom.index("Uma Users")
    assert "Bob Ferris" not in whom and manager.email not in said


def test_nobody_is_named_to_the_owner_whom_nobody_can_exempt(people: People) -> None:
    require_it(people.account)
    add_member(people.account, make_user(), Flag.USER_MANAGEMENT)
    assert "exempt" not in text_of(signed_in(people.alice).get(overview_of(people)))


def test_the_owner_is_stopped_like_everybody_else(people: People) -> None:
    require_it(people.account)
    assert not is_open(signed_in(people.alice), overview_of(people))
    assert is_open(protected(people.alice), overview_of(people))


def test_what_was_sent_to_a_stopped_account_is_not_done(people: People) -> None:
    require_it(people.account)
    own = Membership.objects.get(user=people.bob)
    address = f"/a/{people.account.number}/settings/users/{own.public_id}/"
    answer = signed_in(people.bob).post(address, {"receives_invoices": "on"})
    assert answer.status_code == 403
    assert f'name="next" value="{overview_of(people)}"' in text_of(answer)
    own.refresh_from_db()
    assert not own.receives_invoices
    assert mail_count() == 0


def test_a_stranger_learns_nothing_from_the_rule(people: People) -> None:
    require_it(people.account)
    answer = signed_in(people.charlie).get(overview_of(people))
    assert answer.status_code == 404
    assert "two-factor" not in text_of(answer)


def test_it_is_audited_once_for_each_session(people: People) -> None:
    require_it(people.account)
    browser = signed_in(people.bob)
    for _ in range(3):
        browser.get(overview_of(people))
    (event,) = events(Action.ACCESS_DENIED)
    assert event.account_id == people.account.pk
    assert event.actor_label == people.bob.email
    signed_in(people.bob).get(overview_of(people))
    assert len(events(Action.ACCESS_DENIED)) == 2


def test_each_account_audits_for_itself(people: People) -> None:
    other = make_account(owner=people.alice, name="Second")
    browser = signed_in(people.alice)
    for account in (people.account, other):
        require_it(account)
        browser.get(f"/a/{account.number}/")
        browser.get(f"/a/{account.number}/")
    assert [event.account_id for event in events(Action.ACCESS_DENIED)] == [
        people.account.pk,
        other.pk,
    ]


# --- Which sessions will do ---------------------------------------------------------------------


def test_a_session_that_began_with_an_app_will_do(people: People) -> None:
    require_it(people.account, refuses_sms=True)
    assert is_open(protected(people.bob), overview_of(people))


def test_a_session_that_began_without_a_code_has_to_begin_again(people: People) -> None:
    """Two-factor was turned on elsewhere since."""
    require_it(people.account)
    two_factor_on(people.bob)
    said = text_of(signed_in(people.bob).get(overview_of(people)))
    assert "Sign in again" in said
    assert "set it up" not in said


def test_a_text_message_will_do_unless_it_is_refused(people: People) -> None:
    browser = signed_in_with(people.bob, two_factor_on_by_phone(people.bob))
    require_it(people.account)
    assert is_open(browser, overview_of(people))
    require_it(people.account, refuses_sms=True)
    answer = browser.get(overview_of(people))
    assert answer.status_code == 403
    assert "add an authenticator app" in text_of(answer)
    assert "/profile/two-factor/?next=" in text_of(answer)


def test_who_signed_in_by_text_message_and_has_an_app_is_told_to_use_it(people: People) -> None:
    require_it(people.account, refuses_sms=True)
    browser = signed_in_with(people.bob, two_factor_on_by_phone(people.bob))
    add_app(people.bob)
    said = text_of(browser.get(overview_of(people)))
    assert "Sign in again with a code from your authenticator app" in said


@override_settings(SMS_GATEWAY="")
def test_text_messages_are_not_named_where_they_cannot_be_had(people: People) -> None:
    require_it(people.account)
    assert "A code by text message" not in text_of(signed_in(people.bob).get(overview_of(people)))


def test_a_recovery_code_stands_in_for_a_method_that_is_accepted(people: People) -> None:
    two_factor_on(people.bob)
    browser = signed_in_with(people.bob, add_codes(people.bob))
    require_it(people.account, refuses_sms=True)
    assert is_open(browser, overview_of(people))


def test_a_recovery_code_does_not_stand_in_for_what_is_not_accepted(people: People) -> None:
    two_factor_on_by_phone(people.bob)
    browser = signed_in_with(people.bob, add_codes(people.bob))
    require_it(people.account)
    assert is_open(browser, overview_of(people))
    require_it(people.account, refuses_sms=True)
    assert not is_open(browser, overview_of(people))


def test_an_unconfirmed_app_is_none(people: People) -> None:
    require_it(people.account)
    app = two_factor_on(people.bob)
    browser = signed_in_with(people.bob, app)
    AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=False)
    assert not is_open(browser, overview_of(people))


def test_a_removed_method_counts_no_more(people: People) -> None:
    require_it(people.account)
    browser = protected(people.bob)
    AuthenticatorApp.objects.filter(user=people.bob).delete()
    assert not is_open(browser, overview_of(people))


def test_two_factor_that_was_turned_off_counts_no_more(people: People) -> None:
    """Decision 0152: it has to be enabled, whatever the session began with."""
    require_it(people.account)
    browser = protected(people.bob)
    TwoFactor.objects.filter(user=people.bob).delete()
    assert not is_open(browser, overview_of(people))


def test_the_device_of_somebody_else_is_none(people: People) -> None:
    require_it(people.account)
    assert not is_open(signed_in_with(people.bob, two_factor_on(people.alice)), overview_of(people))


# --- When, where the account is -----------------------------------------------------------------


def test_a_date_to_come_stops_nobody_before_it(people: People) -> None:
    require_it(people.account, starts=timezone.now() + timedelta(minutes=1))
    assert is_open(signed_in(people.bob), overview_of(people))
    require_it(people.account, starts=timezone.now() - timedelta(seconds=1))
    assert not is_open(signed_in(people.bob), overview_of(people))


@pytest.mark.parametrize(
    ("zone", "first_moment"),
    [
        ("Pacific/Kiritimati", datetime(2027, 3, 13, 10, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2027, 3, 13, 23, tzinfo=UTC)),
        ("Pacific/Pago_Pago", datetime(2027, 3, 14, 11, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 3, 14, 5, tzinfo=UTC)),
    ],
)
def test_a_day_begins_where_the_account_is(
    people: People, zone: str, first_moment: datetime
) -> None:
    account = people.account
    account.timezone = zone
    begins = start_of_day(account, datetime(2027, 3, 14, tzinfo=UTC).date())
    assert begins == first_moment
    require_it(account, starts=begins)
    assert is_in_force(account, at=first_moment)
    assert not is_in_force(account, at=first_moment - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("zone", "last_moment"),
    [
        ("Pacific/Kiritimati", datetime(2027, 3, 14, 9, 59, 59, tzinfo=UTC)),
        ("Pacific/Pago_Pago", datetime(2027, 3, 15, 10, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_exemption_holds_through_its_last_day(
    people: People, zone: str, last_moment: datetime
) -> None:
    Account.objects.filter(pk=people.account.pk).update(timezone=zone)
    people.account.refresh_from_db()
    require_it(people.account, starts=datetime(2027, 1, 1, tzinfo=UTC))
    last_day = datetime(2027, 3, 14, tzinfo=UTC).date()
    bob = set_rule(people.bob, people.account, Rule.EXEMPT, two_factor_exempt_until=last_day)
    assert not is_required_of(bob, at=last_moment)
    assert is_required_of(bob, at=last_moment + timedelta(seconds=1))


# --- Overrides ----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_required", [True, False])
@pytest.mark.parametrize(
    ("rule", "expected"), [(Rule.ACCOUNT, None), (Rule.REQUIRED, True), (Rule.EXEMPT, False)]
)
def test_an_override_goes_before_the_account(
    people: People, rule: str, expected: bool | None, is_required: bool
) -> None:
    if is_required:
        require_it(people.account)
    bob = set_rule(people.bob, people.account, rule)
    wanted = is_required if expected is None else expected
    assert is_required_of(bob) is wanted
    assert is_open(signed_in(people.bob), overview_of(people)) is not wanted
    assert is_open(protected(people.bob), overview_of(people))


def test_an_override_concerns_its_own_account_alone(people: People) -> None:
    add_member(people.charlies_account, people.bob)
    require_it(people.charlies_account)
    set_rule(people.bob, people.account, Rule.EXEMPT)
    assert not is_open(signed_in(people.bob), f"/a/{people.charlies_account.number}/")


def test_an_exemption_is_lost_with_ownership_gained(people: People) -> None:
    """Nobody could lift it: a manager may not, and nobody changes their own."""
    require_it(people.account)
    bob = set_rule(people.bob, people.account, Rule.EXEMPT)
    assert rule_in_force(bob) == Rule.EXEMPT
    bob.is_owner = True
    assert is_required_of(bob)


def test_text_messages_are_accepted_until_the_rule_that_refuses_them_begins(
    people: People,
) -> None:
    require_it(people.account, starts=timezone.now() + timedelta(days=2), refuses_sms=True)
    set_rule(people.bob, people.account, Rule.REQUIRED)
    assert required_kinds(people.account) == STANDING_ALONE
    browser = signed_in_with(people.bob, two_factor_on_by_phone(people.bob))
    assert is_open(browser, overview_of(people))
    require_it(people.account, refuses_sms=True)
    assert required_kinds(people.account) == {Kind.APP}


# --- Decision 0142 ------------------------------------------------------------------------------


def test_accounts_are_named_to_those_of_whom_they_require_it(people: People) -> None:
    """Decision 0142, on which removing a method looks."""
    later = make_account(owner=people.bob, name="Later")
    require_it(later, starts=timezone.now() + timedelta(days=1))
    apps_only = make_account(owner=people.bob, name="Apps only")
    require_it(apps_only, refuses_sms=True)
    require_it(people.account)
    found = {each.name: each.accepts for each in two_factor_requirements_of(people.bob)}
    assert found == {"Apps only": {Kind.APP}, "Hartwell & Sons": STANDING_ALONE}
    set_rule(people.bob, people.account, Rule.EXEMPT)
    assert [each.name for each in two_factor_requirements_of(people.bob)] == ["Apps only"]


# --- What it costs ------------------------------------------------------------------------------


def test_the_check_adds_no_query_for_who_has_no_device(people: People) -> None:
    browser = signed_in(people.dora)
    browser.get(overview_of(people))
    with CaptureQueriesContext(connection) as asked:
        browser.get(overview_of(people))
    set_rule(people.dora, people.account, Rule.EXEMPT)
    require_it(people.account)
    with CaptureQueriesContext(connection) as asked_then:
        assert browser.get(overview_of(people)).status_code == 200
    assert len(asked_then) == len(asked)
    tables = re.findall(r'FROM "(twofactor_\w+)"', " ".join(query["sql"] for query in asked_then))
    # The page looks for a reset that is under way, whatever any account requires.
    assert set(tables) <= {"twofactor_twofactorreset"}


def test_the_check_adds_one_query_for_who_has_a_device(people: People) -> None:
    browser = protected(people.dora)
    browser.get(overview_of(people))
    with CaptureQueriesContext(connection) as asked:
        browser.get(overview_of(people))
    require_it(people.account)
    with CaptureQueriesContext(connection) as asked_then:
        assert browser.get(overview_of(people)).status_code == 200
    assert len(asked_then) == len(asked) + 1


def test_who_loses_a_phone_of_theirs_is_stopped_at_once(people: People) -> None:
    require_it(people.account)
    browser = signed_in_with(people.bob, two_factor_on_by_phone(people.bob))
    SmsPhone.objects.filter(user=people.bob).delete()
    assert not is_open(browser, overview_of(people))
