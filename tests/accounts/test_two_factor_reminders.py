"""Decision 0152: members are reminded a week and a day before, each once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.memberships import remove_member
from accounts.models import Account, Membership
from accounts.tasks import remind_of_two_factor
from accounts.two_factor.overrides import Override, change_override
from accounts.two_factor.policy import start_of_day
from accounts.two_factor.reminders import remind_members
from common.exceptions import DomainError
from config import celery_settings
from tests.factories import OPERATOR, make_account, make_user
from tests.invitations import access_for, mail_count, mails, told
from tests.people import People
from tests.required_two_factor import Rule, require_it, set_rule
from tests.two_factor import two_factor_on, two_factor_on_by_phone
from tests.twofactor.signing_in import at_once
from twofactor.models import TwoFactor
from users.models import User

pytestmark = pytest.mark.django_db

MAIL = "two_factor_required"
ALL = ["alice@hartwell.example", "bob@hartwell.example", "dora@hartwell.example"]
BEGINS = datetime(2027, 3, 14, 11, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    return Clock(monkeypatch)


class Clock:
    """What the time is said to be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def set(self, moment: datetime) -> None:
        self._monkeypatch.setattr(timezone, "now", lambda: moment)


def look(clock: Clock, moment: datetime, *, times: int = 2) -> list[str]:
    """Who has been told in all, after a look at ``moment`` and one more."""
    clock.set(moment)
    for _ in range(times):
        remind_members()
    return told(MAIL)


def test_each_is_reminded_a_week_and_a_day_before_and_never_twice(
    people: People, clock: Clock
) -> None:
    require_it(people.account, starts=BEGINS)
    assert look(clock, BEGINS - timedelta(days=7, seconds=1)) == []
    assert look(clock, BEGINS - timedelta(days=7)) == ALL
    assert look(clock, BEGINS - timedelta(days=1, seconds=1)) == ALL
    assert look(clock, BEGINS - timedelta(days=1)) == sorted(ALL * 2)
    assert look(clock, BEGINS - timedelta(seconds=1)) == sorted(ALL * 2)
    assert look(clock, BEGINS) == sorted(ALL * 2)


def test_a_look_that_was_missed_is_made_up_for_while_it_helps(people: People, clock: Clock) -> None:
    require_it(people.account, starts=BEGINS)
    assert look(clock, BEGINS - timedelta(hours=2)) == ALL


def test_who_has_set_it_up_or_is_exempt_hears_nothing(people: People, clock: Clock) -> None:
    require_it(people.account, starts=BEGINS)
    two_factor_on(people.alice)
    set_rule(people.bob, people.account, Rule.EXEMPT)
    User.objects.filter(pk=people.dora.pk).update(is_active=False)
    assert look(clock, BEGINS - timedelta(hours=2)) == []


def test_who_set_it_up_between_is_not_reminded_again(people: People, clock: Clock) -> None:
    require_it(people.account, starts=BEGINS)
    look(clock, BEGINS - timedelta(days=5))
    two_factor_on(people.bob)
    assert look(clock, BEGINS - timedelta(hours=5)).count("bob@hartwell.example") == 1


def test_who_turned_it_off_again_is_reminded(people: People, clock: Clock) -> None:
    require_it(people.account, starts=BEGINS)
    two_factor_on(people.bob)
    look(clock, BEGINS - timedelta(days=5))
    TwoFactor.objects.filter(user=people.bob).delete()
    assert "bob@hartwell.example" in look(clock, BEGINS - timedelta(days=4))


def test_text_messages_are_enough_unless_they_are_refused(people: People, clock: Clock) -> None:
    two_factor_on_by_phone(people.bob)
    require_it(people.account, starts=BEGINS)
    assert "bob@hartwell.example" not in look(clock, BEGINS - timedelta(days=5))
    require_it(people.account, starts=BEGINS, refuses_sms=True)
    assert "bob@hartwell.example" in look(clock, BEGINS - timedelta(days=4))


def test_another_day_is_another_reminder(people: People, clock: Clock) -> None:
    require_it(people.account, starts=BEGINS)
    look(clock, BEGINS - timedelta(days=5))
    require_it(people.account, starts=BEGINS + timedelta(days=1))
    assert look(clock, BEGINS - timedelta(days=5)) == sorted(ALL * 2)


def test_the_end_of_an_exemption_is_told_in_time(people: People, clock: Clock) -> None:
    require_it(people.account, starts=datetime(2027, 1, 1, tzinfo=UTC))
    two_factor_on(people.alice)
    two_factor_on(people.dora)
    Account.objects.filter(pk=people.account.pk).update(timezone="Pacific/Auckland")
    people.account.refresh_from_db()
    last_day = BEGINS.date()
    set_rule(people.bob, people.account, Rule.EXEMPT, two_factor_exempt_until=last_day)
    ends = start_of_day(people.account, last_day + timedelta(days=1))
    assert look(clock, ends - timedelta(days=7, minutes=1)) == []
    assert look(clock, ends - timedelta(days=7)) == ["bob@hartwell.example"]
    assert look(clock, ends - timedelta(hours=20)) == ["bob@hartwell.example"] * 2


def test_each_reads_it_in_their_language_and_time_zone(people: People, clock: Clock) -> None:
    User.objects.filter(pk=people.bob.pk).update(language="de", timezone="Pacific/Auckland")
    User.objects.filter(pk=people.dora.pk).update(timezone="America/Los_Angeles")
    require_it(people.account, starts=BEGINS)
    look(clock, BEGINS - timedelta(days=2))
    _, bob, dora = mails(MAIL)
    assert "15. März 2027" in bob.subject
    assert "(NZDT)" in bob.text_body
    assert "March 14, 2027" in dora.subject or "14 March 2027" in dora.subject
    assert "(PDT)" in dora.text_body


def test_a_closed_account_reminds_nobody(people: People, clock: Clock) -> None:
    require_it(people.account, starts=BEGINS)
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    assert look(clock, BEGINS - timedelta(hours=2)) == []


def test_one_account_that_fails_keeps_no_other_waiting(
    people: People, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_it(people.account, starts=BEGINS)
    other = make_account(owner=make_user("zoe@other.example"), name="Other")
    require_it(other, starts=BEGINS)
    asked: list[int] = []

    def standings(account: Account, *_: object) -> list[object]:
        asked.append(account.pk)
        raise RuntimeError("broken")

    monkeypatch.setattr("accounts.two_factor.reminders.standings", standings)
    clock.set(BEGINS - timedelta(hours=2))
    remind_members()
    assert sorted(asked) == sorted([people.account.pk, other.pk])


def test_beat_asks_for_it(people: People) -> None:
    scheduled = {entry["task"] for entry in celery_settings.beat_schedule.values()}
    assert remind_of_two_factor.name in scheduled
    remind_of_two_factor()
    assert mail_count() == 0


# --- At the same moment -------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_looks_at_the_same_moment_tell_each_once(people: People) -> None:
    require_it(people.account, starts=timezone.now() + timedelta(hours=5))
    _, refusals = at_once([remind_members] * 4)
    assert not refusals
    assert told(MAIL) == ALL


@pytest.mark.django_db(transaction=True)
def test_exempting_somebody_against_removing_them(people: People) -> None:
    """Whichever comes first: no error but the one that says that they are gone."""
    bob = Membership.objects.get(user=people.bob, account=people.account)
    access = access_for(people.alice, people.account)

    def exempt() -> None:
        change_override(
            access,
            bob.public_id,
            override=Override(Rule.EXEMPT, "A reason"),
            seen=Override(Rule.ACCOUNT).fingerprint,
            shown=None,
            actor=OPERATOR,
        )

    def remove() -> None:

        remove_member(access, bob.public_id, actor=OPERATOR)

    _, refusals = at_once([exempt, remove])
    assert all(isinstance(refusal, DomainError) for refusal in refusals)
    assert not Membership.objects.filter(pk=bob.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_two_overrides_at_the_same_moment_do_not_overwrite_each_other(people: People) -> None:
    bob = Membership.objects.get(user=people.bob, account=people.account)
    access = access_for(people.alice, people.account)

    def make(rule: str) -> None:
        change_override(
            access,
            bob.public_id,
            override=Override(rule, "A reason"),
            seen=Override(Rule.ACCOUNT).fingerprint,
            shown=None,
            actor=OPERATOR,
        )

    given, refusals = at_once([lambda: make(Rule.EXEMPT), lambda: make(Rule.REQUIRED)])
    assert len(given) == len(refusals) == 1
    assert isinstance(refusals[0], DomainError)
