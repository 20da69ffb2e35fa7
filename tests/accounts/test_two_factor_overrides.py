"""Decision 0150: a rule of one member's own, its reason and end, and who may make it."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.memberships import remove_member
from accounts.models import Account, Membership
from accounts.permissions import Flag
from accounts.two_factor.overrides import override_of
from audit.actions import Action
from tests.factories import OPERATOR, add_member, make_user
from tests.invitations import access_for, events, mail_count, mails, text_of
from tests.people import Answer, People, signed_in
from tests.required_two_factor import (
    Rule,
    overview_of,
    protected,
    require_it,
    security_of,
    set_rule,
)
from users.confirming import CONFIRMED_AT
from users.models import User

pytestmark = pytest.mark.django_db

MAIL = "two_factor_required"
TODAY = date(2027, 3, 14)


@pytest.fixture
def manager(people: People) -> User:
    user = make_user("mona@hartwell.example", first_name="Mona", last_name="Reed")
    add_member(people.account, user, Flag.USER_MANAGEMENT)
    return user


def member(people: People, user: User) -> Membership:
    return Membership.objects.select_related("account").get(user=user, account=people.account)


def page_of(people: People, user: User, rest: str = "two-factor/") -> str:
    public_id = member(people, user).public_id
    return f"/a/{people.account.number}/settings/users/{public_id}/{rest}"


def save(browser: Client, people: People, user: User, **sent: str) -> Answer:
    now = override_of(member(people, user))
    answer: Answer = browser.post(page_of(people, user), {"seen": now.fingerprint, **sent})
    return answer


def unchanged(people: People, user: User) -> bool:
    is_as_it_was = member(people, user).two_factor_rule == Rule.ACCOUNT
    return is_as_it_was and mail_count() == 0 and not events(Action.TWO_FACTOR_RULE_CHANGED)


# --- Who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mona", "alice"])
def test_nobody_exempts_themselves(people: People, manager: User, name: str) -> None:
    """Security 24."""
    require_it(people.account)
    user = manager if name == "mona" else people.alice
    browser = protected(user)
    said = "You cannot change whether two-factor authentication is required of you"
    assert said in text_of(browser.get(page_of(people, user)))
    answer = save(browser, people, user, rule="exempt", reason="Because")
    assert answer.status_code == 403
    assert unchanged(people, user)


def test_nobody_exempts_the_owner(people: People, manager: User) -> None:
    require_it(people.account)
    answer = save(protected(manager), people, people.alice, rule="exempt", reason="Because")
    assert answer.status_code == 403
    assert unchanged(people, people.alice)


@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("charlie", 404)])
def test_only_who_may_require_it_makes_an_override(people: People, name: str, status: int) -> None:
    browser = protected(getattr(people, name))
    assert browser.get(page_of(people, people.dora)).status_code == status
    answer = save(browser, people, people.dora, rule="required", reason="Because")
    assert answer.status_code == status
    assert unchanged(people, people.dora)


def test_a_member_of_another_account_is_not_there(people: People) -> None:
    theirs = Membership.objects.get(user=people.charlie)
    address = f"/a/{people.account.number}/settings/users/{theirs.public_id}/two-factor/"
    browser = protected(people.alice)
    assert browser.get(address).status_code == 404
    sent = {"rule": "exempt", "reason": "Because", "seen": override_of(theirs).fingerprint}
    assert browser.post(address, sent).status_code == 404
    theirs.refresh_from_db()
    assert theirs.two_factor_rule == Rule.ACCOUNT


def test_it_is_confirmed_who_does_it(people: People) -> None:
    """Security 25."""
    browser = protected(people.alice)
    session = browser.session
    session[CONFIRMED_AT] = (timezone.now() - timedelta(minutes=16)).isoformat()
    session.save()
    answer = save(browser, people, people.bob, rule="exempt", reason="Because")
    assert "confirm-" in text_of(answer)
    assert unchanged(people, people.bob)


def test_a_closed_account_is_not_changed(people: People) -> None:
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    answer = save(protected(people.alice), people, people.bob, rule="exempt", reason="Because")
    assert answer.status_code == 409
    assert unchanged(people, people.bob)


def test_an_exempt_manager_with_a_password_alone_exempts_nobody(
    people: People, manager: User
) -> None:
    """Security 24: nor lifts what is required of one member alone."""
    set_rule(manager, people.account, Rule.EXEMPT)
    require_it(people.account)
    browser = signed_in(manager)
    answer = save(browser, people, people.bob, rule="exempt", reason="Because")
    assert "First turn on two-factor authentication for yourself." in text_of(answer)
    assert "Because" in text_of(answer)
    assert unchanged(people, people.bob)
    require_it(people.account, starts=timezone.now() + timedelta(days=9))
    save(browser, people, people.bob, rule="exempt", reason="Because")
    assert unchanged(people, people.bob)
    Account.objects.filter(pk=people.account.pk).update(two_factor_required_from=None)
    set_rule(people.dora, people.account, Rule.REQUIRED)
    assert "First turn on" in text_of(save(browser, people, people.dora, rule="account"))
    assert member(people, people.dora).two_factor_rule == Rule.REQUIRED
    assert mail_count() == 0


def test_a_later_end_of_an_exemption_is_a_looser_rule_and_an_earlier_one_is_not(
    people: People, manager: User
) -> None:
    set_rule(manager, people.account, Rule.EXEMPT)
    require_it(people.account)
    soon = timezone.localdate() + timedelta(days=9)
    set_rule(people.bob, people.account, Rule.EXEMPT, two_factor_exempt_until=soon)
    browser = signed_in(manager)
    for until in ((soon + timedelta(days=1)).isoformat(), ""):
        save(browser, people, people.bob, rule="exempt", reason="More", until=until)
        assert member(people, people.bob).two_factor_exempt_until == soon
    earlier = soon - timedelta(days=1)
    save(browser, people, people.bob, rule="exempt", reason="Less", until=earlier.isoformat())
    assert member(people, people.bob).two_factor_exempt_until == earlier
    save(browser, people, people.bob, rule="required", reason="None")
    assert member(people, people.bob).two_factor_rule == Rule.REQUIRED
    assert not mails("two_factor_loosened")


def test_the_owner_is_told_of_an_exemption_that_somebody_else_made(
    people: People, manager: User
) -> None:
    require_it(people.account)
    save(protected(manager), people, people.bob, rule="exempt", reason="Because")
    (mail,) = mails("two_factor_loosened")
    assert mail.recipient_address == people.alice.email
    assert "Mona Reed (mona@hartwell.example) has exempted Bob Ferris" in mail.text_body
    Account.objects.filter(pk=people.account.pk).update(two_factor_required_from=None)
    set_rule(people.dora, people.account, Rule.REQUIRED)
    save(protected(manager), people, people.dora, rule="account")
    told_so = [mail.text_body for mail in mails("two_factor_loosened")]
    assert len([words for words in told_so if "no longer requires" in words]) == 1
    save(protected(people.alice), people, people.bob, rule="account")
    require_it(people.account)
    save(protected(people.alice), people, people.bob, rule="exempt", reason="Because")
    assert len(mails("two_factor_loosened")) == 2


# --- Making, changing and lifting one -----------------------------------------------------------


def test_an_exemption_opens_the_account_at_once_and_is_in_the_log(people: People) -> None:
    require_it(people.account)
    bob = signed_in(people.bob)
    assert bob.get(overview_of(people)).status_code == 403
    alice = protected(people.alice)
    until = (timezone.localdate() + timedelta(days=30)).isoformat()
    answer = save(alice, people, people.bob, rule="exempt", reason=" Lost  phone ", until=until)
    assert answer["Location"] == page_of(people, people.bob, "")
    assert bob.get(overview_of(people)).status_code == 200
    (event,) = events(Action.TWO_FACTOR_RULE_CHANGED)
    assert event.account_id == people.account.pk
    assert event.subject == "user bob@hartwell.example"
    assert event.details["from"]["two_factor_rule"] == "account"
    assert event.details["to"] == {
        "two_factor_rule": "exempt",
        "two_factor_rule_reason": "Lost phone",
        "two_factor_exempt_until": until,
    }
    log = text_of(alice.get(f"/a/{people.account.number}/settings/activity/"))
    assert "Lost phone" in log
    assert "As the account requires" in log
    assert not mails(MAIL)


def test_required_by_name_stops_at_once_and_is_told(people: People) -> None:
    bob = signed_in(people.bob)
    save(protected(people.alice), people, people.bob, rule="required", reason="Sees invoices")
    assert bob.get(overview_of(people)).status_code == 403
    (mail,) = mails(MAIL)
    assert mail.recipient_address == people.bob.email
    assert mail.subject == "Hartwell & Sons now requires two-factor authentication"
    assert "Sees invoices" not in mail.text_body


def test_who_has_two_factor_is_not_told_that_they_lack_it(people: People) -> None:
    protected(people.bob)
    save(protected(people.alice), people, people.bob, rule="required", reason="Sees invoices")
    assert not mails(MAIL)


def test_lifting_an_exemption_stops_and_is_told(people: People) -> None:
    require_it(people.account)
    set_rule(people.bob, people.account, Rule.EXEMPT)
    bob = signed_in(people.bob)
    assert bob.get(overview_of(people)).status_code == 200
    save(protected(people.alice), people, people.bob, rule="account", reason="Not kept")
    assert bob.get(overview_of(people)).status_code == 403
    assert member(people, people.bob).two_factor_rule_reason == ""
    assert len(mails(MAIL)) == 1


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({}, "Choose what holds for this person."),
        ({"rule": "never", "reason": "r"}, "Select a valid choice"),
        ({"rule": "exempt"}, "Enter a reason."),
        ({"rule": "exempt", "reason": "  "}, "Enter a reason."),
        ({"rule": "required", "reason": ""}, "Enter a reason."),
        ({"rule": "required", "reason": "r", "until": "2099-01-01"}, "Only an exemption has"),
        ({"rule": "account", "until": "2099-01-01"}, "Only an exemption has"),
        ({"rule": "exempt", "reason": "r", "until": "2001-01-01"}, "Enter today or a later day"),
        ({"rule": "exempt", "reason": "r", "until": "9999-12-31"}, "within ten years"),
        ({"rule": "exempt", "reason": "r", "until": "soon"}, "Enter a date"),
        ({"rule": "exempt", "reason": "r" * 301}, "at most 300 characters"),
    ],
)
def test_what_cannot_be_saved_is_said_and_stays(
    people: People, sent: dict[str, str], error: str
) -> None:
    answer = save(protected(people.alice), people, people.bob, **sent)
    assert answer.status_code == 200
    assert error in text_of(answer)
    assert unchanged(people, people.bob)


def test_an_exemption_may_end_today(people: People) -> None:
    today = timezone.localdate().isoformat()
    save(protected(people.alice), people, people.bob, rule="exempt", reason="r", until=today)
    assert member(people, people.bob).two_factor_exempt_until == timezone.localdate()


def test_a_second_click_changes_nothing_and_says_so(people: People) -> None:
    browser = protected(people.alice)
    sent = {
        "rule": "exempt",
        "reason": "r",
        "seen": override_of(member(people, people.bob)).fingerprint,
    }
    for _ in range(2):
        browser.post(page_of(people, people.bob), sent)
    assert "That was so already" in text_of(browser.get(security_of(people)))
    assert len(events(Action.TWO_FACTOR_RULE_CHANGED)) == 1


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(people: People) -> None:
    browser = protected(people.alice)
    seen = override_of(member(people, people.bob)).fingerprint
    set_rule(people.bob, people.account, Rule.REQUIRED)
    sent = {"rule": "exempt", "reason": "Typed", "seen": seen}
    answer = browser.post(page_of(people, people.bob), sent)
    said = text_of(answer)
    assert "Somebody else has changed this" in said
    assert "Typed" in said
    assert member(people, people.bob).two_factor_rule == Rule.REQUIRED
    save(browser, people, people.bob, rule="exempt", reason="Typed")
    assert member(people, people.bob).two_factor_rule == Rule.EXEMPT


def test_a_member_who_was_removed_meanwhile_is_said_to_be_gone(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = protected(people.alice)
    bob = member(people, people.bob)
    found = Membership.objects.select_related("user").get(pk=bob.pk)
    monkeypatch.setattr("accounts.views.two_factor_rule.get_object_or_404", lambda *_, **__: found)
    address, seen = page_of(people, people.bob), override_of(bob).fingerprint
    remove_member(access_for(people.alice, people.account), bob.public_id, actor=OPERATOR)
    answer = browser.post(address, {"rule": "exempt", "reason": "r", "seen": seen})
    assert answer["Location"] == f"/a/{people.account.number}/settings/users/"
    assert not events(Action.TWO_FACTOR_RULE_CHANGED)


def test_who_is_added_again_has_no_rule_of_their_own(people: People) -> None:
    bob = set_rule(people.bob, people.account, Rule.EXEMPT)
    remove_member(access_for(people.alice, people.account), bob.public_id, actor=OPERATOR)
    assert add_member(people.account, people.bob).two_factor_rule == Rule.ACCOUNT


# --- Where they are seen ------------------------------------------------------------------------


def test_exemptions_are_listed_with_reason_end_and_who_made_them(
    people: People, manager: User
) -> None:
    until = timezone.localdate() + timedelta(days=40)
    save(
        protected(people.alice), people, people.bob, rule="exempt", reason="First", until=str(until)
    )
    save(
        protected(manager), people, people.bob, rule="exempt", reason="Lost phone", until=str(until)
    )
    save(protected(people.alice), people, people.dora, rule="required", reason="Test desk")
    page = text_of(protected(people.alice).get(security_of(people)))
    table = page[page.index('id="overrides"') :]
    for words in ("Lost phone", "Exempt", f"{until.day} {until:%b %Y}", manager.email, "Test desk"):
        assert words in table
    assert "First" not in table


def test_an_exemption_that_has_ended_is_said_to_have(people: People) -> None:
    yesterday = timezone.localdate() - timedelta(days=2)
    set_rule(people.bob, people.account, Rule.EXEMPT, two_factor_exempt_until=yesterday)
    assert "(ended)" in text_of(protected(people.alice).get(security_of(people)))


def test_the_edit_screen_says_what_holds_and_leads_there(people: People, manager: User) -> None:
    set_rule(people.bob, people.account, Rule.EXEMPT)
    said = text_of(signed_in(manager).get(page_of(people, people.bob, "")))
    assert "Exempt" in said
    assert "A reason" in said
    assert page_of(people, people.bob) in said
