"""Decision 0153: staff take lost methods away, late enough for the person to object."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Contact, Membership
from accounts.permissions import Flag
from audit.actions import Action
from audit.recording import Actor
from common.scoping import account_scope
from mail.addresses import UnusableAddress
from mail.links import LinkEnded
from tests.factories import OPERATOR, add_member, make_account, make_staff, make_user
from tests.people import People, signed_in
from tests.two_factor import two_factor_on
from tests.twofactor.resets import State, age, events, method_count, started, state_of, told
from tests.users.mailing import link_in, mails
from twofactor import resetting
from twofactor.methods import is_enabled
from twofactor.models import RecoveryCode, RecoveryCodes, SmsCode, SmsPhone, TwoFactorReset
from twofactor.periodic import complete_due_resets, remind_of_resets
from twofactor.reset_refusals import (
    NothingToReset,
    NotYoursToConfirm,
    ResetConfirmed,
    ResetOfOneself,
    ResetOfSuperuser,
    ResetOver,
    ResetPending,
)
from twofactor.resetting import CONFIRMED_WAITS, confirm_reset, start_reset, stop_reset
from twofactor.tasks import look_after_two_factor_resets
from users.closing import close_user
from users.locked_people import PersonUnusable
from users.models import EmailAddressChange, User, UserSession
from users.session_store import SessionStore

pytestmark = pytest.mark.django_db


def start(user: User, *, by: User) -> TwoFactorReset:
    return start_reset(user, by=by, reason="Lost it", check="Called back", actor=OPERATOR)


def confirm(reset: TwoFactorReset, *, by: User, people: People) -> TwoFactorReset:
    with account_scope(people.account):
        return confirm_reset(reset.pk, by=by, account_id=people.account.pk, actor=OPERATOR)


def require_two_factor(people: People) -> None:
    people.account.two_factor_required_from = timezone.now() - timedelta(days=1)
    people.account.save(update_fields=["two_factor_required_from"])


def add_contact(people: People, kind: str, email: str) -> None:
    with account_scope(people.account):
        Contact.objects.update_or_create(
            account=people.account, kind=kind, defaults={"email": email}
        )


# --- Starting ------------------------------------------------------------------------------------


def test_it_waits_three_days_and_changes_nothing_until_then(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    assert reset.due_at - reset.started_at == timedelta(hours=72)
    assert complete_due_resets() == 0
    age(reset, hours=71.9)
    assert complete_due_resets() == 0
    assert is_enabled(people.bob)
    assert state_of(reset) == State.PENDING
    (event,) = events(Action.TWO_FACTOR_RESET_STARTED)
    assert event.subject == "user bob@hartwell.example"
    assert (event.details["reason"], event.details["check"]) == (
        "Lost the phone",
        "Called back on file",
    )


def test_the_operator_sets_how_long(people: People, staff: User, settings: Settings) -> None:
    settings.TWO_FACTOR_RESET_DELAY = timedelta(hours=100)
    reset = started(people.bob, by=staff)
    assert reset.due_at - reset.started_at == timedelta(hours=100)


def test_nobody_starts_one_for_themselves(people: People, staff: User) -> None:
    two_factor_on(staff)
    with pytest.raises(ResetOfOneself):
        start(staff, by=staff)
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []


def test_only_a_superuser_resets_a_superuser(people: People, staff: User) -> None:
    """0153: who may help customers takes nobody’s protection away who may do everything."""
    clerk = make_user("clerk@operator.example", is_staff=True)
    two_factor_on(staff)
    with pytest.raises(ResetOfSuperuser):
        start(staff, by=clerk)
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []
    start(staff, by=make_staff("chief@operator.example"))
    two_factor_on(people.bob)
    start(people.bob, by=clerk)
    assert TwoFactorReset.objects.count() == 2


def test_there_must_be_something_to_reset(people: People, staff: User) -> None:
    with pytest.raises(NothingToReset):
        start(people.bob, by=staff)
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []


@pytest.mark.parametrize("field", ["is_active", "email_verified_at"])
def test_a_user_id_that_nobody_uses_is_not_reset(people: People, staff: User, field: str) -> None:
    two_factor_on(people.bob)
    User.objects.filter(pk=people.bob.pk).update(**{field: False if field == "is_active" else None})
    with pytest.raises(PersonUnusable):
        start(people.bob, by=staff)
    assert mails() == []


def test_one_at_a_time(people: People, staff: User) -> None:
    started(people.bob, by=staff)
    sent = len(mails())
    with pytest.raises(ResetPending):
        start(people.bob, by=make_staff("other@operator.example"))
    assert TwoFactorReset.objects.count() == 1
    assert len(mails()) == sent


def test_one_that_nobody_could_be_told_of_is_not_started(people: People, staff: User) -> None:
    two_factor_on(people.bob)
    User.objects.filter(pk=people.bob.pk).update(email="bob@hart_well..example")
    with pytest.raises(UnusableAddress), transaction.atomic():
        start(people.bob, by=staff)
    assert TwoFactorReset.objects.count() == 0
    assert mails() == []


# --- Who is told ---------------------------------------------------------------------------------


def test_superusers_are_told_when_staff_are_reset(people: People, staff: User) -> None:
    """Also whoever started it: it may have been done in their open browser."""
    chief = make_staff("chief@operator.example")
    User.objects.filter(pk=make_staff("gone@operator.example").pk).update(is_active=False)
    clerk = make_user("clerk@operator.example", is_staff=True)
    started(clerk, by=staff)
    assert told("two_factor_reset_of_staff") == [chief.email, staff.email]
    mail = mails("two_factor_reset_of_staff")[0]
    assert "staff@operator.example has started a reset" in mail.text_body
    assert "of clerk@operator.example, who can open the console" in mail.text_body
    assert "Reason: Lost the phone" in mail.text_body
    started(chief, by=staff)
    assert told("two_factor_reset_of_staff") == [chief.email, staff.email, staff.email]
    started(people.bob, by=staff)
    assert len(mails("two_factor_reset_of_staff")) == 3


def test_the_person_is_told_at_once_in_their_language_with_a_link(
    people: People, staff: User
) -> None:
    User.objects.filter(pk=people.bob.pk).update(language="en", timezone="America/New_York")
    people.bob.refresh_from_db()
    reset = started(people.bob, by=staff)
    (mail,) = mails("two_factor_reset_coming")
    assert mail.recipient_address == people.bob.email
    assert "Lost the phone" in mail.text_body
    assert "EST" in mail.text_body or "EDT" in mail.text_body
    assert reset.nonce not in mail.text_body + mail.html_body
    assert link_in(mail).startswith(f"/two-factor-reset/stop/link/{reset.pk}/")


def test_an_account_that_requires_nothing_hears_nothing(people: People, staff: User) -> None:
    add_contact(people, "admin", "office@hartwell.example")
    started(people.bob, by=staff)
    assert told("two_factor_reset_told") == []


def test_an_account_that_requires_it_is_told_owner_managers_and_contacts(
    people: People, staff: User
) -> None:
    require_two_factor(people)
    add_contact(people, "admin", "office@hartwell.example")
    add_contact(people, "billing", "Alice@hartwell.example")
    manager = make_user("manager@hartwell.example")
    add_member(people.account, manager, Flag.USER_MANAGEMENT)
    started(people.bob, by=staff)
    # Alice is owner and contact: once. Dora manages nobody, Bob has a mail of his own.
    assert told("two_factor_reset_told") == [
        "alice@hartwell.example",
        "manager@hartwell.example",
        "office@hartwell.example",
    ]
    membership = Membership.objects.get(account=people.account, user=people.bob)
    page = f"/a/{people.account.number}/settings/users/{membership.public_id}/two-factor-reset/"
    by_address = {mail.recipient_address: mail for mail in mails("two_factor_reset_told")}
    assert page in by_address["manager@hartwell.example"].text_body
    assert page in by_address["alice@hartwell.example"].text_body
    assert page not in by_address["office@hartwell.example"].text_body
    assert str(people.account.number) in by_address["office@hartwell.example"].text_body


def test_an_exempt_member_is_no_business_of_the_account(people: People, staff: User) -> None:
    require_two_factor(people)
    Membership.objects.filter(account=people.account, user=people.bob).update(
        two_factor_rule="exempt", two_factor_rule_reason="No phone"
    )
    started(people.bob, by=staff)
    assert told("two_factor_reset_told") == []


def test_both_contacts_of_an_account_that_they_own_are_told(people: People, staff: User) -> None:
    add_contact(people, "admin", "office@hartwell.example")
    add_contact(people, "billing", "bills@hartwell.example")
    started(people.alice, by=staff)
    assert told("two_factor_reset_told") == ["bills@hartwell.example", "office@hartwell.example"]


def test_whoever_answers_for_two_accounts_is_told_once(people: People, staff: User) -> None:
    require_two_factor(people)
    second = make_account(owner=people.alice, name="Hartwell Catering")
    second.two_factor_required_from = timezone.now()
    second.save(update_fields=["two_factor_required_from"])
    add_member(second, people.bob)
    started(people.bob, by=staff)
    (mail,) = mails("two_factor_reset_told")
    assert mail.recipient_address == people.alice.email
    assert str(people.account.number) in mail.text_body
    assert str(second.number) in mail.text_body


def test_a_former_address_that_can_take_the_user_id_back_can_stop_it_too(
    people: People, staff: User
) -> None:
    """Whoever moved somebody's user ID to their own address may be who asks."""
    now = timezone.now()
    EmailAddressChange.objects.create(
        user=people.bob,
        old_email="old-bob@hartwell.example",
        new_email=people.bob.email,
        expires_at=now,
        confirmed_at=now,
        undo_until=now + timedelta(days=7),
    )
    started(people.bob, by=staff)
    assert told("two_factor_reset_coming") == [people.bob.email, "old-bob@hartwell.example"]


# --- A reminder ----------------------------------------------------------------------------------


def test_the_person_is_reminded_once_a_day_before(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    assert remind_of_resets() == 0
    age(reset, hours=47.9)
    assert remind_of_resets() == 0
    age(reset, hours=0.2)
    remind_of_resets()
    remind_of_resets()
    first, second = mails("two_factor_reset_coming")
    assert first.subject != second.subject
    assert link_in(second) == link_in(first)


def test_whoever_was_told_of_that_very_day_is_not_reminded(
    people: People, staff: User, settings: Settings
) -> None:
    settings.TWO_FACTOR_RESET_DELAY = timedelta(hours=24)
    started(people.bob, by=staff)
    assert remind_of_resets() == 0
    assert len(mails("two_factor_reset_coming")) == 1


# --- A second user manager -----------------------------------------------------------------------


def test_a_confirmation_makes_it_a_day_from_the_start(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    age(reset, hours=3)
    confirmed = confirm(reset, by=people.alice, people=people)
    assert confirmed.due_at - confirmed.started_at == CONFIRMED_WAITS
    assert confirmed.confirmed_by == people.alice
    (event,) = events(Action.TWO_FACTOR_RESET_CONFIRMED)
    assert event.account_id == people.account.pk
    assert len(mails("two_factor_reset_coming", to=people.bob.email)) == 2
    assert remind_of_resets() == 0


def test_after_a_day_a_confirmation_makes_it_due_and_never_later(
    people: People, staff: User
) -> None:
    reset = started(people.bob, by=staff)
    age(reset, hours=30)
    confirmed = confirm(reset, by=people.alice, people=people)
    assert confirmed.due_at == confirmed.confirmed_at
    assert complete_due_resets() == 1


def test_a_confirmation_never_makes_it_later(
    people: People, staff: User, settings: Settings
) -> None:
    settings.TWO_FACTOR_RESET_DELAY = timedelta(hours=24)
    reset = started(people.bob, by=staff)
    before = reset.due_at
    assert confirm(reset, by=people.alice, people=people).due_at == before


@pytest.mark.parametrize("who", ["bob", "staff"])
def test_neither_the_person_nor_who_started_it_confirms_it(
    people: People, staff: User, who: str
) -> None:
    reset = started(people.bob, by=staff)
    sent = len(mails())
    with pytest.raises(NotYoursToConfirm):
        confirm(reset, by=people.bob if who == "bob" else staff, people=people)
    reset.refresh_from_db()
    assert reset.confirmed_at is None
    assert len(mails()) == sent


def test_a_second_confirmation_changes_nothing(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    first = confirm(reset, by=people.alice, people=people)
    with pytest.raises(ResetConfirmed):
        confirm(reset, by=people.dora, people=people)
    reset.refresh_from_db()
    assert (reset.confirmed_by, reset.due_at) == (people.alice, first.due_at)


# --- Stopping ------------------------------------------------------------------------------------


def test_stopped_it_never_happens_and_everybody_hears_so(people: People, staff: User) -> None:
    require_two_factor(people)
    reset = started(people.bob, by=staff)
    (mail,) = mails("two_factor_reset_coming")
    stop_reset(reset.pk, actor=OPERATOR)
    assert told("two_factor_reset_stopped") == [people.alice.email, people.bob.email]
    assert len(events(Action.TWO_FACTOR_RESET_STOPPED)) == 1
    age(reset, days=4)
    assert complete_due_resets() == 0
    assert is_enabled(people.bob)
    with pytest.raises(ResetOver):
        stop_reset(reset.pk, actor=OPERATOR)
    with pytest.raises(ResetOver):
        confirm(reset, by=people.alice, people=people)
    # A mail that has not left yet would carry a link to nothing.
    with pytest.raises(LinkEnded):
        link_in(mail)


def test_another_one_can_be_started_afterwards(people: People, staff: User) -> None:
    stop_reset(started(people.bob, by=staff).pk, actor=OPERATOR)
    again = start(people.bob, by=staff)
    assert again.state == State.PENDING
    assert len(mails("two_factor_reset_coming", to=people.bob.email)) == 2


# --- Happening -----------------------------------------------------------------------------------


def test_it_takes_every_method_and_session_and_leaves_the_password(
    people: People, staff: User
) -> None:
    two_factor_on(people.bob)
    phone = SmsPhone.objects.create(user=people.bob, name="p", number="+441632960001")
    SmsCode.objects.create(
        phone=phone, bound_to="sign-in", code_hash="0", expires_at=timezone.now()
    )
    codes = RecoveryCodes.objects.create(user=people.bob, name="codes")
    RecoveryCode.objects.create(codes=codes, selector="ab", code_hash="0")
    password = User.objects.get(pk=people.bob.pk).password
    browser, others = signed_in(people.bob), signed_in(people.alice)
    reset = started(people.bob, by=staff)
    age(reset, hours=72.1)
    assert complete_due_resets() == 1
    assert state_of(reset) == State.COMPLETED
    assert method_count(people.bob) == 0
    assert not UserSession.objects.filter(user=people.bob).exists()
    assert User.objects.get(pk=people.bob.pk).password == password
    assert browser.get("/profile/").status_code == 302
    assert others.get("/profile/").status_code == 200
    assert told("two_factor_reset_done") == [people.bob.email]
    assert len(events(Action.TWO_FACTOR_RESET_COMPLETED)) == 1
    assert method_count(staff) == 0
    assert complete_due_resets() == 0
    assert len(mails("two_factor_reset_done")) == 1


def test_methods_of_others_stay(people: People, staff: User) -> None:
    two_factor_on(people.alice)
    age(started(people.bob, by=staff), hours=73)
    complete_due_resets()
    assert is_enabled(people.alice)
    assert method_count(people.alice) == 2


def test_accounts_that_were_told_hear_when_it_has_happened(people: People, staff: User) -> None:
    require_two_factor(people)
    age(started(people.bob, by=staff), hours=73)
    complete_due_resets()
    assert told("two_factor_reset_done") == [people.alice.email, people.bob.email]


def test_methods_that_were_set_up_anew_meanwhile_are_not_taken(people: People, staff: User) -> None:
    """Whoever turned two-factor off and on again has shown that they have it."""
    reset = started(people.bob, by=staff)
    age(reset, hours=73)
    people.bob.two_factor.delete()
    two_factor_on(people.bob)
    assert complete_due_resets() == 1
    assert is_enabled(people.bob)
    assert state_of(reset) == State.LAPSED
    assert told("two_factor_reset_done") == []
    assert told("two_factor_reset_stopped") == [people.bob.email]


def test_a_user_id_that_was_disabled_meanwhile_keeps_its_methods(
    people: People, staff: User
) -> None:
    reset = started(people.bob, by=staff)
    age(reset, hours=73)
    User.objects.filter(pk=people.bob.pk).update(is_active=False)
    assert complete_due_resets() == 1
    assert is_enabled(people.bob)
    assert state_of(reset) == State.LAPSED


def test_what_the_scheduler_asks_for_completes_and_reminds(people: People, staff: User) -> None:
    due, soon = started(people.bob, by=staff), started(people.dora, by=staff)
    age(due, hours=73)
    age(soon, hours=49)
    look_after_two_factor_resets()
    assert [state_of(due), state_of(soon)] == [State.COMPLETED, State.PENDING]
    assert len(mails("two_factor_reset_coming", to=people.dora.email)) == 2
    assert len(mails("two_factor_reset_coming", to=people.bob.email)) == 1


def test_names_that_lead_elsewhere_are_left_out_of_mail_to_others(
    people: People, staff: User
) -> None:
    """Security 32: anybody names an account as they like, and has us mail its contacts."""
    require_two_factor(people)
    people.account.name = "Win a prize at www.evil.example <b>now</b>"
    people.account.save(update_fields=["name"])
    started(people.bob, by=staff)
    (mail,) = mails("two_factor_reset_told")
    assert "evil" not in mail.text_body + mail.html_body
    assert str(people.account.number) in mail.text_body


def test_what_staff_write_is_text_in_the_mail(people: People, staff: User) -> None:
    two_factor_on(people.bob)
    reason = "<b>Lost</b>\r\nBcc: all@example.com"
    start_reset(people.bob, by=staff, reason=reason, check="c", actor=OPERATOR)
    (mail,) = mails("two_factor_reset_coming")
    assert "<b>Lost</b>" not in mail.html_body
    assert "&lt;b&gt;Lost&lt;/b&gt; Bcc: all@example.com" in mail.html_body


def test_one_that_fails_keeps_no_other_waiting(
    people: People, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = started(people.bob, by=staff), started(people.dora, by=staff)
    age(first, hours=80)
    age(second, hours=73)

    def fail_for_bob(person: User, *, actor: Actor) -> None:
        if person == people.bob:
            raise RuntimeError("killed half-way")
        take_away(person, actor=actor)

    take_away = resetting._take_away
    monkeypatch.setattr(resetting, "_take_away", fail_for_bob)
    assert complete_due_resets() == 1
    assert state_of(first) == State.PENDING
    assert state_of(second) == State.COMPLETED
    monkeypatch.undo()
    # Found again, whole: nothing of it was done.
    assert method_count(people.bob) == 2
    assert complete_due_resets() == 1
    assert method_count(people.bob) == 0


def test_closing_the_user_id_ends_it(people: People, staff: User) -> None:
    reset = started(people.bob, by=staff)
    request = RequestFactory().post("/profile/close/")
    request.user, request.session = people.bob, SessionStore()
    close_user(request, people.bob)
    assert state_of(reset) == State.LAPSED
    age(reset, hours=73)
    assert complete_due_resets() == 0
    assert told("two_factor_reset_done") == []
