"""Decision 0152: requiring two-factor authentication of everybody: who is stopped, and when."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from accounts.permissions import Flag
from accounts.two_factor.reminders import remind_members
from accounts.two_factor.requiring import policy_of
from audit.actions import Action
from tests.factories import add_member, make_account, make_user
from tests.invitations import events, invited, mail_count, mails, text_of, told
from tests.people import Answer, People, signed_in
from tests.required_two_factor import (
    Rule,
    overview_of,
    protected,
    require_it,
    security_of,
    set_rule,
    signed_in_with,
)
from tests.two_factor import add_app, two_factor_on, two_factor_on_by_phone
from users.confirming import CONFIRMED_AT
from users.models import User

pytestmark = pytest.mark.django_db

MAIL = "two_factor_required"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def confirmation(browser: Client, people: People, **asked: str) -> str:
    return text_of(browser.get(security_of(people, "require/"), asked))


def ask_for(browser: Client, people: People, **asked: str) -> Answer:
    """As the form and its confirmation page do it."""
    page = confirmation(browser, people, **asked)
    sent = dict(_HIDDEN.findall(page))
    answer: Answer = browser.post(security_of(people, "require/"), sent)
    return answer


def tomorrow(people: People, *, days: int = 1) -> date:
    return timezone.localdate(timezone=ZoneInfo(people.account.timezone)) + timedelta(days=days)


def starts(people: People) -> datetime | None:
    people.account.refresh_from_db()
    return people.account.two_factor_required_from


def stopped_part(page: str) -> str:
    """What the page says on who is stopped, and on nothing else."""
    return page[page.index('id="stopped"') : page.index("</section>", page.index('id="stopped"'))]


@pytest.fixture
def manager(people: People) -> User:
    user = make_user("mona@hartwell.example", first_name="Mona", last_name="Reed")
    add_member(people.account, user, Flag.USER_MANAGEMENT)
    return user


# --- Who gets here ------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "require/", "stop/"])
@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("dora", 403), ("charlie", 404)])
def test_only_who_may_require_it_gets_here(
    people: People, name: str, status: int, page: str
) -> None:
    browser = protected(getattr(people, name))
    assert browser.get(security_of(people, page)).status_code == status
    if page:
        sent = {"when": "now", "seen": policy_of(people.account).fingerprint}
        assert browser.post(security_of(people, page), sent).status_code == status
    assert starts(people) is None
    assert mail_count() == 0


def test_owner_and_managers_of_users_find_it(people: People, manager: User) -> None:
    for user in (people.alice, manager):
        browser = signed_in(user)
        assert security_of(people) in text_of(browser.get(overview_of(people)))
        assert browser.get(security_of(people)).status_code == 200
        users = text_of(browser.get(f"/a/{people.account.number}/settings/users/"))
        assert security_of(people) in users
    details = signed_in(people.alice).get(f"/a/{people.account.number}/settings/details/")
    assert security_of(people) in text_of(details)


@pytest.mark.parametrize("page", ["require/", "stop/"])
def test_it_is_confirmed_who_does_it(people: People, page: str) -> None:
    """Security 25."""
    two_factor_on(people.alice)
    require_it(people.account, starts=timezone.now() + timedelta(days=30))
    before = starts(people)
    browser = protected(people.alice)
    session = browser.session
    session[CONFIRMED_AT] = (timezone.now() - timedelta(minutes=16)).isoformat()
    session.save()
    answer = browser.post(security_of(people, page), {"when": "now"})
    assert "confirm-" in text_of(answer)
    assert starts(people) == before
    assert mail_count() == 0


def test_a_closed_account_is_not_changed(people: People) -> None:
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    browser = protected(people.alice)
    assert "Require two-factor" not in text_of(browser.get(security_of(people)))
    for page in ("require/", "stop/"):
        assert browser.post(security_of(people, page), {"when": "now"}).status_code == 409
    assert starts(people) is None


# --- Whoever requires it ------------------------------------------------------------------------


def test_who_has_none_themselves_cannot_require_it(people: People) -> None:
    """Decision 0152."""
    browser = signed_in(people.alice)
    said = text_of(browser.get(security_of(people)))
    assert "First turn on two-factor authentication for yourself." in said
    assert "/profile/two-factor/?next=" in said
    page = confirmation(browser, people, when="now")
    assert "First turn on two-factor authentication for yourself." in page
    sent = {"when": "now", "seen": policy_of(people.account).fingerprint}
    browser.post(security_of(people, "require/"), sent)
    assert starts(people) is None
    assert mail_count() == 0
    assert not events(Action.TWO_FACTOR_REQUIREMENT_CHANGED)


def test_who_has_it_by_text_message_cannot_refuse_text_messages(people: People) -> None:
    browser = signed_in_with(people.alice, two_factor_on_by_phone(people.alice))
    page = confirmation(browser, people, when="now", refuses_sms="on")
    assert "First set up an authenticator app for yourself." in page
    seen = policy_of(people.account).fingerprint
    sent = {"when": "now", "refuses_sms": "on", "seen": seen}
    browser.post(security_of(people, "require/"), sent)
    assert starts(people) is None
    add_app(people.alice)
    ask_for(browser, people, when="now", refuses_sms="on")
    assert starts(people) is not None


def test_a_method_that_was_never_turned_on_is_not_enough(people: People) -> None:
    add_app(people.alice)
    assert "First turn on" in text_of(signed_in(people.alice).get(security_of(people)))


# --- Who would be stopped -----------------------------------------------------------------------


def test_it_is_shown_who_would_be_stopped_before_anything_changes(people: People) -> None:
    two_factor_on_by_phone(people.bob)
    exempt = make_user("eve@hartwell.example")
    add_member(people.account, exempt)
    set_rule(exempt, people.account, Rule.EXEMPT)
    unverified = make_user("una@hartwell.example", email_verified_at=None)
    add_member(people.account, unverified)
    invited(people.account, by=people.alice)
    before = mail_count()
    browser = protected(people.alice)
    any_method = stopped_part(confirmation(browser, people, when="now"))
    assert "dora@hartwell.example: has not turned it on" in any_method
    assert "una@hartwell.example: has not confirmed the email address" in any_method
    assert "erin@newcomer.example" in any_method
    for name in ("alice", "bob", "eve"):
        assert f"{name}@hartwell.example" not in any_method
    apps_only = stopped_part(confirmation(browser, people, when="now", refuses_sms="on"))
    assert "bob@hartwell.example: has it by text message only" in apps_only
    assert starts(people) is None
    assert mail_count() == before


def test_an_exemption_that_ends_before_the_day_does_not_help(people: People) -> None:
    last_day = tomorrow(people, days=9)
    set_rule(people.bob, people.account, Rule.EXEMPT, two_factor_exempt_until=last_day)
    browser = protected(people.alice)
    on_it = confirmation(browser, people, when="day", day=last_day.isoformat())
    after = confirmation(browser, people, when="day", day=str(last_day + timedelta(days=1)))
    assert "bob@hartwell.example" not in stopped_part(on_it)
    assert "bob@hartwell.example" in stopped_part(after)


def test_many_users_take_as_many_queries_as_three(people: People) -> None:
    browser = protected(people.alice)
    browser.get(security_of(people))
    with CaptureQueriesContext(connection) as few:
        browser.get(security_of(people))
    for serial in range(60):
        add_member(people.account, User.objects.create(email=f"{serial}@crowd.example"))
    with CaptureQueriesContext(connection) as many:
        page = text_of(browser.get(security_of(people)))
    assert len(many) == len(few)
    assert "and 12 more" in page


# --- Requiring it -------------------------------------------------------------------------------


def test_at_once_stops_from_the_next_request(people: People) -> None:
    bob = signed_in(people.bob)
    answer = ask_for(protected(people.alice), people, when="now")
    assert answer["Location"] == security_of(people)
    assert bob.get(overview_of(people)).status_code == 403
    (event,) = events(Action.TWO_FACTOR_REQUIREMENT_CHANGED)
    assert event.account_id == people.account.pk
    assert event.details["from"] == {
        "two_factor_required_from": None,
        "two_factor_refuses_sms": False,
    }
    begins = starts(people)
    assert begins is not None
    assert event.details["to"]["two_factor_required_from"] == begins.isoformat()


def test_who_is_told_is_said_only_where_somebody_is(people: People) -> None:
    browser = protected(people.alice)
    ask_for(browser, people, when="now")
    said = text_of(browser.get(security_of(people)))
    assert "Those who would be stopped have been told by email." in said
    stop = security_of(people, "stop/")
    assert browser.post(stop).status_code == 302
    for user in (people.bob, people.dora):
        two_factor_on(user)
    ask_for(browser, people, when="now")
    said = text_of(browser.get(security_of(people)))
    assert "Saved. Nobody is stopped by it." in said and "have been told" not in said


def test_a_day_begins_at_midnight_where_the_account_is(people: People) -> None:
    Account.objects.filter(pk=people.account.pk).update(timezone="Pacific/Auckland")
    people.account.refresh_from_db()
    day = tomorrow(people, days=20)
    browser = protected(people.alice)
    page = confirmation(browser, people, when="day", day=day.isoformat())
    assert "00:00 (Pacific/Auckland)" in page
    ask_for(browser, people, when="day", day=day.isoformat())
    expected = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert starts(people) == expected
    assert signed_in(people.bob).get(overview_of(people)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"when": ""}, "Choose from when it is required."),
        ({"when": "day"}, "Enter the day from which it is required."),
        ({"when": "day", "day": "soon"}, "Enter a date, such as 2030-12-31."),
        ({"when": "day", "day": "today"}, "Enter a day after today"),
        ({"when": "day", "day": "2999-01-01"}, "Enter a day within a year."),
        ({"when": "day", "day": "9999-12-31"}, "Enter a day within a year."),
    ],
)
def test_what_cannot_be_meant_is_said(people: People, asked: dict[str, str], error: str) -> None:
    if asked.get("day") == "today":
        asked = {**asked, "day": tomorrow(people, days=0).isoformat()}
    browser = protected(people.alice)
    assert error in confirmation(browser, people, **asked)
    seen = policy_of(people.account).fingerprint
    answer = browser.post(security_of(people, "require/"), {**asked, "seen": seen})
    assert error in text_of(answer)
    assert starts(people) is None


def test_a_second_click_changes_nothing_and_says_so(people: People) -> None:
    browser = protected(people.alice)
    page = confirmation(browser, people, when="day", day=tomorrow(people).isoformat())
    sent = dict(_HIDDEN.findall(page))
    for _ in range(2):
        browser.post(security_of(people, "require/"), sent)
    assert "That was so already" in text_of(browser.get(security_of(people)))
    assert len(events(Action.TWO_FACTOR_REQUIREMENT_CHANGED)) == 1
    assert told(MAIL) == ["bob@hartwell.example", "dora@hartwell.example"]


def test_a_second_click_on_at_once_keeps_the_moment(people: People) -> None:
    browser = protected(people.alice)
    sent = dict(_HIDDEN.findall(confirmation(browser, people, when="now")))
    browser.post(security_of(people, "require/"), sent)
    first = starts(people)
    browser.post(security_of(people, "require/"), sent)
    assert starts(people) == first
    assert len(mails(MAIL)) == 2


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(people: People) -> None:
    browser = protected(people.alice)
    sent = dict(_HIDDEN.findall(confirmation(browser, people, when="now")))
    later = timezone.now() + timedelta(days=3)
    require_it(people.account, starts=later)
    browser.post(security_of(people, "require/"), sent)
    assert starts(people) == later
    assert "Somebody else has changed this" in text_of(browser.get(security_of(people)))
    assert mail_count() == 0


def test_a_right_that_was_taken_away_meanwhile_is_gone(people: People, manager: User) -> None:
    browser = protected(manager)
    sent = dict(_HIDDEN.findall(confirmation(browser, people, when="now")))
    people.account.memberships.filter(user=manager).update(flags=[])
    assert browser.post(security_of(people, "require/"), sent).status_code == 403
    assert starts(people) is None


def test_putting_it_off_says_that_it_is_not_required_until_then(people: People) -> None:
    require_it(people.account)
    browser = protected(people.alice)
    page = confirmation(browser, people, when="day", day=tomorrow(people).isoformat())
    assert "Until then it is not required any more." in page
    ask_for(browser, people, when="day", day=tomorrow(people).isoformat())
    assert signed_in(people.bob).get(overview_of(people)).status_code == 200


# --- Ceasing to require it ----------------------------------------------------------------------


def test_ceasing_to_require_it_is_confirmed_and_audited(people: People) -> None:
    require_it(people.account, refuses_sms=True)
    browser = protected(people.alice)
    assert "from now on" in text_of(browser.get(security_of(people, "stop/")))
    assert starts(people) is not None
    browser.post(security_of(people, "stop/"))
    people.account.refresh_from_db()
    assert people.account.two_factor_required_from is None
    assert not people.account.two_factor_refuses_sms
    assert signed_in(people.bob).get(overview_of(people)).status_code == 200
    (event,) = events(Action.TWO_FACTOR_REQUIREMENT_CHANGED)
    assert event.details["to"]["two_factor_required_from"] is None
    browser.post(security_of(people, "stop/"))
    assert len(events(Action.TWO_FACTOR_REQUIREMENT_CHANGED)) == 1


# --- Who may loosen it --------------------------------------------------------------------------


def loosenings(people: People) -> list[tuple[str, dict[str, str]]]:
    """What takes something of an account's rule away: page, and what is sent to it."""
    seen = policy_of(people.account).fingerprint
    later = {"when": "day", "day": tomorrow(people, days=60).isoformat(), "refuses_sms": "on"}
    return [
        ("stop/", {}),
        ("require/", {**later, "seen": seen}),
        ("require/", {"when": "now", "seen": seen}),
    ]


def is_refused(browser: Client, people: People, words: str) -> bool:
    """Whether each of them is, when it is asked about and when it is done; nothing changes."""
    before = policy_of(people.account)
    for page, sent in loosenings(people):
        shown = text_of(browser.get(security_of(people, page), sent, follow=True))
        done = text_of(browser.post(security_of(people, page), sent, follow=True))
        if words not in shown or words not in done:
            return False
    people.account.refresh_from_db()
    has_stayed = policy_of(people.account) == before
    return has_stayed and not mail_count() and not events(Action.TWO_FACTOR_REQUIREMENT_CHANGED)


def test_an_exempt_manager_with_a_password_alone_loosens_nothing(
    people: People, manager: User
) -> None:
    """Security 24: who knows the password of one who is exempt would open it to all others."""
    set_rule(manager, people.account, Rule.EXEMPT)
    require_it(people.account, refuses_sms=True)
    words = "First turn on two-factor authentication for yourself."
    assert is_refused(signed_in(manager), people, words)


def test_the_owner_loosens_nothing_with_a_password_alone_before_the_day(people: People) -> None:
    require_it(people.account, starts=timezone.now() + timedelta(days=9), refuses_sms=True)
    words = "First turn on two-factor authentication for yourself."
    assert is_refused(signed_in(people.alice), people, words)
    two_factor_on(people.alice)
    # The session has shown none.
    words = "sign in with a code of your authenticator app."
    assert is_refused(signed_in(people.alice), people, words)


def test_what_the_rule_does_not_accept_does_not_loosen_it(people: People, manager: User) -> None:
    set_rule(manager, people.account, Rule.EXEMPT)
    require_it(people.account, refuses_sms=True)
    phone = two_factor_on_by_phone(manager)
    by_phone = signed_in_with(manager, phone)
    assert is_refused(by_phone, people, "First set up an authenticator app for yourself.")
    app = add_app(manager)
    words = "sign in with a code of your authenticator app."
    assert is_refused(by_phone, people, words)
    signed_in_with(manager, app).post(security_of(people, "stop/"))
    assert starts(people) is None


def test_the_owner_is_told_when_somebody_else_loosens_it(people: People, manager: User) -> None:
    browser = protected(manager)
    for number in range(3):
        require_it(people.account, refuses_sms=True)
        page, sent = loosenings(people)[number]
        browser.post(security_of(people, page), sent)
    told_so = mails("two_factor_loosened")
    assert {mail.recipient_address for mail in told_so} == {people.alice.email}
    assert len(told_so) == 3
    for words in ("stopped requiring", "put off", "allowed codes by text message"):
        (mail,) = [mail for mail in told_so if words in mail.text_body]
        assert "Mona Reed (mona@hartwell.example)" in mail.text_body
        assert words in mail.html_body


def test_nobody_is_told_of_their_own_loosening_nor_of_more_strictness(
    people: People, manager: User
) -> None:
    two_factor_on(people.alice)
    ask_for(protected(manager), people, when="day", day=tomorrow(people, days=30).isoformat())
    ask_for(protected(manager), people, when="now", refuses_sms="on")
    assert starts(people) is not None
    protected(people.alice).post(security_of(people, "stop/"))
    assert starts(people) is None
    assert not mails("two_factor_loosened")


# --- What people are told -----------------------------------------------------------------------


def test_everybody_who_would_be_stopped_is_told_in_their_own_words(people: People) -> None:
    User.objects.filter(pk=people.dora.pk).update(timezone="America/New_York")
    two_factor_on_by_phone(people.bob)
    Account.objects.filter(pk=people.account.pk).update(timezone="Europe/Berlin")
    people.account.refresh_from_db()
    day = tomorrow(people, days=30)
    asked: dict[str, Any] = {"when": "day", "day": day.isoformat(), "refuses_sms": "on"}
    ask_for(protected(people.alice), people, **asked)
    bob, dora = mails(MAIL)
    assert (bob.recipient_address, dora.recipient_address) == (
        "bob@hartwell.example",
        "dora@hartwell.example",
    )
    assert "by text message" in bob.text_body
    assert "You have not turned it on yet" in dora.text_body
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/Berlin"))
    there = midnight.astimezone(ZoneInfo("America/New_York"))
    assert (
        f"{there:%B} {there.day}" in dora.text_body or f"{there.day} {there:%B}" in dora.text_body
    )
    assert there.strftime("%Z") in dora.text_body
    assert f"/profile/two-factor/?for=1&next=%2Fa%2F{people.account.number}%2F" in dora.text_body
    assert dora.account_id == people.account.pk


@pytest.mark.parametrize("days", [1, 3])
def test_who_is_told_within_the_last_week_is_not_reminded_of_it_at_once(
    people: People, days: int
) -> None:
    day = tomorrow(people, days=days).isoformat()
    ask_for(protected(people.alice), people, when="day", day=day)
    remind_members()
    assert told(MAIL) == ["bob@hartwell.example", "dora@hartwell.example"]


def test_who_joins_after_the_day_was_set_is_told_by_the_reminder(people: People) -> None:
    day = tomorrow(people, days=3).isoformat()
    ask_for(protected(people.alice), people, when="day", day=day)
    add_member(people.account, make_user("late@hartwell.example"))
    remind_members()
    assert "late@hartwell.example" in told(MAIL)


def test_a_disabled_user_id_is_neither_listed_nor_told(people: People) -> None:
    User.objects.filter(pk=people.dora.pk).update(is_active=False)
    ask_for(protected(people.alice), people, when="now")
    assert told(MAIL) == ["bob@hartwell.example"]


# --- The overview and the list of users ---------------------------------------------------------


def test_the_overview_tells_the_reader_what_is_missing(people: People) -> None:
    require_it(people.account, starts=datetime(2099, 1, 2, 12, tzinfo=UTC))
    said = text_of(signed_in(people.dora).get(overview_of(people)))
    assert (
        "From 2 January 2099 this account requires two-factor authentication."
        " You have not set it up." in said
    )
    assert "this account needs" not in text_of(protected(people.bob).get(overview_of(people)))


def test_the_overview_counts_for_those_who_may_require_it(people: People) -> None:
    counted = "2 users have no two-factor authentication yet. It is required from 2 January 2099."
    require_it(people.account, starts=datetime(2099, 1, 2, 12, tzinfo=UTC))
    alice = protected(people.alice)
    assert counted in text_of(alice.get(overview_of(people)))
    assert counted not in text_of(protected(people.bob).get(overview_of(people)))
    require_it(people.account)
    assert "1 user is stopped" in text_of(alice.get(overview_of(people)))


def test_the_list_of_users_says_who_has_it(people: People) -> None:
    two_factor_on_by_phone(people.bob)
    set_rule(people.dora, people.account, Rule.EXEMPT)
    require_it(people.account, refuses_sms=True)
    page = text_of(protected(people.alice).get(f"/a/{people.account.number}/settings/users/"))
    alice, bob, dora = (
        page[page.rindex(name) : page.index("</tr>", page.rindex(name))]
        for name in ("Alice Hartwell", "Bob Ferris", "Dora Lind")
    )
    assert '"Two-factor">On</td>' in alice
    assert "On, by text message only" in bob
    assert "(stopped)" in bob
    assert "Off" in dora
    assert "(Exempt)" in dora
    assert "(stopped)" not in dora


def test_no_other_account_is_told(people: People) -> None:
    make_account(owner=people.alice, name="Another")
    ask_for(protected(people.alice), people, when="now")
    assert {mail.account_id for mail in mails(MAIL)} == {people.account.pk}
