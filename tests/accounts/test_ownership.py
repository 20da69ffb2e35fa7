"""Rows U9 and Z5, decision 0082: an account passes to another owner, and never without one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from accounts.access import AccountClosed
from accounts.models import Account, Contact, Membership, OwnershipChange
from accounts.ownership import (
    HAND_OVER_WAITS,
    OFFER_VALID_FOR,
    OFFERS,
    NewOwnerUnusable,
    OwnerAlready,
    OwnershipChangePending,
    end_due_change,
    start_hand_over,
)
from accounts.periodic import end_due_changes
from accounts.permissions import Flag
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.factories import OPERATOR, add_member, make_user, set_billing_contact
from tests.invitations import invited
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db

State = OwnershipChange.State


def address(people: People, rest: str = "") -> str:
    return f"/a/{people.account.number}/settings/ownership/{rest}"


def owner_of(account: Account) -> User:
    return Membership.objects.select_related("user").get(account=account, is_owner=True).user


def the_change() -> OwnershipChange:
    with all_accounts_scope("a test"):
        return OwnershipChange.objects.select_related("from_user", "to_user").get()


def changes() -> int:
    with all_accounts_scope("a test"):
        return OwnershipChange.objects.count()


def mails(kind: str = "") -> list[OutgoingEmail]:
    with all_accounts_scope("a test"):
        found = OutgoingEmail.objects.filter(**({"kind": kind} if kind else {}))
        return list(found.order_by("recipient_address"))


def told(kind: str) -> list[str]:
    return [mail.recipient_address for mail in mails(kind)]


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test"):
        return list(AuditEvent.objects.filter(action=action))


def make_due(change: OwnershipChange) -> None:
    """As if its time had come a second ago."""
    with all_accounts_scope("a test"):
        OwnershipChange.objects.filter(pk=change.pk).update(
            due_at=change.created_at - timedelta(seconds=1)
        )


def offer(people: People, **changed: object) -> Client:
    """Alice offers the account to Bob in the browser that is returned."""
    browser = signed_in(people.alice)
    sent = {"to": people.bob.pk, "keeps_access": "on", **changed}
    answer = browser.post(
        address(people, "offer/"), {key: value for key, value in sent.items() if value}
    )
    assert answer.status_code == 302, answer.content.decode()
    return browser


def hand_over(people: People, staff: User, **changed: object) -> OwnershipChange:
    given: dict[str, object] = {
        "to": people.charlie,
        "reason": "The firm was sold",
        "check": "Called back on the number on file",
        "keeps_access": True,
        **changed,
    }
    return start_hand_over(people.account, by=staff, actor=OPERATOR, **given)  # type: ignore[arg-type]


# --- Offered by the owner ------------------------------------------------------------------------


def test_an_offer_changes_nothing_but_tells_both(people: People) -> None:
    offer(people)
    change = the_change()
    assert (change.from_user, change.to_user, change.state) == (
        people.alice,
        people.bob,
        State.PENDING,
    )
    assert change.due_at - change.created_at == OFFER_VALID_FOR
    assert owner_of(people.account) == people.alice
    assert told("ownership_offered") == [people.alice.email, people.bob.email]
    assert [event.subject for event in events(Action.OWNERSHIP_OFFERED)] == [
        f"user {people.bob.email}"
    ]


def test_whoever_accepts_is_the_owner_and_the_former_one_keeps_access(people: People) -> None:
    offer(people)
    browser = signed_in(people.bob)
    shown = browser.get(address(people, "accept/")).content.decode()
    assert "responsible for paying" in shown
    assert "keeps full access and user management" in shown
    answer = browser.post(address(people, "accept/"), follow=True)
    assert "You are now the owner of this account." in answer.content.decode()
    assert owner_of(people.account) == people.bob
    former = Membership.objects.get(account=people.account, user=people.alice)
    assert set(former.flags) == {Flag.FULL_ACCESS, Flag.USER_MANAGEMENT}
    assert the_change().state == State.COMPLETED
    assert told("ownership_changed") == [people.alice.email, people.bob.email]
    (event,) = events(Action.OWNERSHIP_CHANGED)
    assert event.actor_label == people.bob.email
    assert (event.details["from"], event.details["to"]) == (people.alice.email, people.bob.email)


def test_a_former_owner_who_keeps_nothing_leaves_the_account(people: People) -> None:
    invitation = invited(people.account, by=people.alice)
    offer(people, keeps_access="")
    browser = signed_in(people.bob)
    assert "leaves the account" in browser.get(address(people, "accept/")).content.decode()
    browser.post(address(people, "accept/"))
    assert owner_of(people.account) == people.bob
    assert not Membership.objects.filter(account=people.account, user=people.alice).exists()
    assert signed_in(people.alice).get(f"/a/{people.account.number}/").status_code == 404
    invitation.refresh_from_db()
    assert invitation.state == "deleted"
    (mail,) = (m for m in mails("ownership_changed") if m.recipient_address == people.alice.email)
    assert "You have no access to it any more." in mail.text_body


def test_a_second_click_on_accept_is_harmless_and_says_so(people: People) -> None:
    offer(people)
    browser = signed_in(people.bob)
    browser.post(address(people, "accept/"))
    answer = browser.post(address(people, "accept/"), follow=True)
    assert "You are the owner of this account already." in answer.content.decode()
    assert len(events(Action.OWNERSHIP_CHANGED)) == 1
    assert len(mails("ownership_changed")) == 2


def test_a_declined_offer_leaves_the_owner_who_is_told(people: People) -> None:
    offer(people)
    browser = signed_in(people.bob)
    answer = browser.post(address(people, "decline/"), follow=True)
    assert "You have declined." in answer.content.decode()
    assert the_change().state == State.DECLINED
    assert owner_of(people.account) == people.alice
    assert told("ownership_offer_declined") == [people.alice.email]
    again = browser.post(address(people, "decline/"), follow=True)
    assert "This change of owner is over" in again.content.decode()
    assert len(mails("ownership_offer_declined")) == 1


def test_the_owner_stops_an_offer_and_may_make_another(people: People) -> None:
    browser = offer(people)
    answer = browser.post(address(people, "stop/"), follow=True)
    assert "You stay the owner" in answer.content.decode()
    assert the_change().state == State.STOPPED
    assert told("ownership_offer_stopped") == [people.alice.email, people.bob.email]
    again = browser.post(address(people, "stop/"), follow=True)
    assert "This change of owner is over" in again.content.decode()
    offer(people, to=people.dora.pk)
    assert changes() == 2


def test_a_stopped_offer_cannot_be_accepted(people: People) -> None:
    offer(people).post(address(people, "stop/"))
    signed_in(people.bob).post(address(people, "accept/"))
    assert owner_of(people.account) == people.alice


def test_only_one_change_at_a_time(people: People) -> None:
    browser = offer(people)
    answer = browser.post(address(people, "offer/"), {"to": people.dora.pk}, follow=True)
    assert "on its way to another owner already" in answer.content.decode()
    assert changes() == 1
    with pytest.raises(OwnershipChangePending):
        hand_over(people, people.dora)


def test_an_expired_offer_cannot_be_accepted_and_stands_in_no_ones_way(people: People) -> None:
    offer(people)
    make_due(the_change())
    browser = signed_in(people.bob)
    answer = browser.post(address(people, "accept/"), follow=True)
    assert "This change of owner is over" in answer.content.decode()
    assert owner_of(people.account) == people.alice
    assert "is offered to you" not in browser.get(address(people)).content.decode()
    offer(people, to=people.dora.pk)
    with all_accounts_scope("a test"):
        states = set(OwnershipChange.objects.values_list("to_user__email", "state"))
    assert states == {(people.bob.email, "expired"), (people.dora.email, "pending")}


def test_the_periodic_look_ends_expired_offers_and_tells_the_owner(people: People) -> None:
    offer(people)
    assert end_due_changes() == 0
    make_due(the_change())
    assert end_due_changes() == 1
    assert end_due_changes() == 0
    assert the_change().state == State.EXPIRED
    assert told("ownership_offer_expired") == [people.alice.email]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"to": ""}, "Choose who is to become the owner."),
        ({"to": "charlie"}, "This person cannot become the owner."),
        ({"to": "alice"}, "This person cannot become the owner."),
        ({"to": "unverified"}, "This person cannot become the owner."),
        ({"to": "disabled"}, "This person cannot become the owner."),
    ],
)
def test_an_offer_needs_somebody_who_can_own(
    people: People, changed: dict[str, str], complaint: str
) -> None:
    unverified = make_user("new@hartwell.example", email_verified_at=None)
    disabled = make_user("old@hartwell.example", is_active=False)
    for user in (unverified, disabled):
        add_member(people.account, user)
    known = {
        "charlie": people.charlie.pk,
        "alice": people.alice.pk,
        "unverified": unverified.pk,
        "disabled": disabled.pk,
    }
    sent = {"to": str(people.bob.pk), "keeps_access": "on", **changed}
    sent["to"] = str(known.get(sent["to"], sent["to"]))
    answer = signed_in(people.alice).post(address(people, "offer/"), sent)
    assert complaint in answer.content.decode()
    assert changes() == 0
    assert mails() == []


def test_an_account_is_not_offered_again_and_again(people: People) -> None:
    """Each offer is an email to somebody."""
    browser = signed_in(people.alice)
    for _ in range(OFFERS.most):
        offer(people)
        browser.post(address(people, "stop/"))
    before = len(mails())
    answer = browser.post(address(people, "offer/"), {"to": people.bob.pk, "keeps_access": "on"})
    assert "offered many times today" in answer.content.decode()
    assert changes() == OFFERS.most
    assert len(mails()) == before


@pytest.mark.parametrize("who", ["bob", "dora", "manager"])
@pytest.mark.parametrize("page", ["offer/", "stop/"])
def test_nobody_but_the_owner_offers_or_stops(people: People, who: str, page: str) -> None:
    manager = make_user("mona@hartwell.example")
    add_member(people.account, manager, Flag.FULL_ACCESS, Flag.USER_MANAGEMENT)
    offer(people)
    before = (changes(), len(mails()))
    user = manager if who == "manager" else getattr(people, who)
    answer = signed_in(user).post(address(people, page), {"to": people.dora.pk})
    assert answer.status_code == 403
    assert (changes(), len(mails())) == before
    assert the_change().state == State.PENDING


@pytest.mark.parametrize("page", ["accept/", "decline/"])
def test_an_offer_to_somebody_else_cannot_be_answered(people: People, page: str) -> None:
    offer(people)
    before = len(mails())
    assert signed_in(people.dora).post(address(people, page)).status_code == 404
    assert signed_in(people.charlie).post(address(people, page)).status_code == 404
    assert the_change().state == State.PENDING
    assert owner_of(people.account) == people.alice
    assert len(mails()) == before


def test_a_member_who_was_removed_cannot_accept(people: People) -> None:
    offer(people)
    Membership.objects.get(account=people.account, user=people.bob).delete()
    assert signed_in(people.bob).post(address(people, "accept/")).status_code == 404
    assert owner_of(people.account) == people.alice


def test_others_see_who_owns_the_account_and_nothing_of_the_offer(people: People) -> None:
    offer(people)
    shown = signed_in(people.dora).get(address(people)).content.decode()
    assert people.alice.email in shown
    assert people.bob.email not in shown
    assert "is offered to you" in signed_in(people.bob).get(address(people)).content.decode()
    own = signed_in(people.alice).get(address(people)).content.decode()
    assert people.bob.email in own and "Stop the offer" in own


def test_a_closed_account_passes_to_nobody(people: People, staff: User) -> None:
    offer(people)
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    signed_in(people.bob).post(address(people, "accept/"))
    assert owner_of(people.account) == people.alice
    owner = signed_in(people.alice)
    owner.post(address(people, "stop/"))
    assert the_change().state == State.STOPPED
    assert owner.get(address(people, "offer/")).status_code == 409
    people.account.refresh_from_db()
    with pytest.raises(AccountClosed):
        hand_over(people, staff)
    assert changes() == 1


# --- Handed over by staff ------------------------------------------------------------------------


def add_contacts(people: People) -> None:
    set_billing_contact(people.account, email="billing@hartwell.example", name="Accounts desk")
    with all_accounts_scope("a test"):
        Contact.objects.create(
            account=people.account, kind=Contact.Kind.ADMIN, email=people.alice.email.upper()
        )


def test_a_hand_over_waits_three_days_and_everybody_is_told_at_once(
    people: People, staff: User
) -> None:
    add_contacts(people)
    change = hand_over(people, staff)
    assert change.due_at - change.created_at == HAND_OVER_WAITS == timedelta(hours=72)
    assert owner_of(people.account) == people.alice
    # The admin contact is Alice, who is told once.
    assert told("hand_over_started") == [
        "alice@hartwell.example",
        "billing@hartwell.example",
        "charlie@elsewhere.example",
    ]
    (event,) = events(Action.OWNERSHIP_HAND_OVER_STARTED)
    assert event.details["reason"] == "The firm was sold"
    assert event.details["check"] == "Called back on the number on file"
    assert end_due_changes() == 0


def test_then_the_periodic_look_completes_it_and_tells_everybody(
    people: People, staff: User
) -> None:
    add_contacts(people)
    make_due(hand_over(people, staff))
    assert end_due_changes() == 1
    assert end_due_changes() == 0
    assert owner_of(people.account) == people.charlie
    former = Membership.objects.get(account=people.account, user=people.alice)
    assert set(former.flags) == {Flag.FULL_ACCESS, Flag.USER_MANAGEMENT}
    assert the_change().state == State.COMPLETED
    assert len(told("ownership_changed")) == 3
    (event,) = events(Action.OWNERSHIP_CHANGED)
    assert event.actor_label == "ownership"


def test_it_makes_a_member_who_was_one_the_owner(people: People, staff: User) -> None:
    make_due(hand_over(people, staff, to=people.bob))
    end_due_changes()
    assert owner_of(people.account) == people.bob
    assert Membership.objects.get(account=people.account, user=people.bob).flags == []


def test_the_owner_stops_a_hand_over_with_one_click(people: People, staff: User) -> None:
    add_contacts(people)
    hand_over(people, staff)
    browser = signed_in(people.alice)
    shown = browser.get(address(people)).content.decode()
    assert "The firm was sold" in shown and "Stop the hand-over" in shown
    assert "Called back" not in shown
    browser.post(address(people, "stop/"))
    assert the_change().state == State.STOPPED
    assert len(told("hand_over_stopped")) == 3
    make_due(the_change())
    assert end_due_changes() == 0
    assert owner_of(people.account) == people.alice


def test_a_hand_over_that_became_impossible_is_stopped_and_told(
    people: People, staff: User
) -> None:
    make_due(hand_over(people, staff))
    User.objects.filter(pk=people.charlie.pk).update(is_active=False)
    assert end_due_changes() == 1
    assert the_change().state == State.STOPPED
    assert owner_of(people.account) == people.alice
    (event,) = events(Action.OWNERSHIP_CHANGE_STOPPED)
    assert people.charlie.email in event.details["reason"]
    assert people.alice.email in told("hand_over_stopped")


def test_an_owner_whose_address_no_server_takes_keeps_no_account(
    people: People, staff: User
) -> None:
    add_contacts(people)
    User.objects.filter(pk=people.alice.pk).update(email="alice(at)hartwell")
    people.alice.refresh_from_db()
    make_due(hand_over(people, staff))
    assert end_due_changes() == 1
    assert the_change().state == State.COMPLETED
    assert owner_of(people.account) == people.charlie
    assert people.charlie.email in told("ownership_changed")


def test_a_refusal_half_way_leaves_the_owner_who_was(
    people: People, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_due(hand_over(people, staff))

    def refuse(change: OwnershipChange) -> None:
        raise NewOwnerUnusable("too late")

    monkeypatch.setattr("accounts.ownership_notices.tell_of_new_owner", refuse)
    assert end_due_changes() == 1
    assert the_change().state == State.STOPPED
    assert owner_of(people.account) == people.alice
    assert events(Action.OWNERSHIP_CHANGED) == []


def test_one_that_cannot_be_ended_keeps_no_other_waiting(
    people: People, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hand_over(people, staff)
    second = start_hand_over(
        people.charlies_account,
        to=people.bob,
        by=staff,
        reason="r",
        check="c",
        keeps_access=True,
        actor=OPERATOR,
    )
    make_due(first)
    make_due(second)
    monkeypatch.setattr("accounts.periodic.end_due_change", failing_for(first))
    assert end_due_changes() == 1
    assert owner_of(people.charlies_account) == people.bob
    assert owner_of(people.account) == people.alice


def failing_for(change: OwnershipChange) -> Callable[..., bool]:
    def end(change_pk: object, **given: object) -> bool:
        if change_pk == change.pk:
            raise RuntimeError("killed half-way")
        return end_due_change(change_pk, **given)  # type: ignore[arg-type]

    return end


def test_nothing_of_a_hand_over_stays_when_it_dies_half_way(
    people: People, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_due(hand_over(people, staff))

    def die(change: OwnershipChange) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt), transaction.atomic():
        patch.setattr("accounts.ownership_notices.tell_of_new_owner", die)
        end_due_changes()
    assert owner_of(people.account) == people.alice
    assert the_change().state == State.PENDING
    assert end_due_changes() == 1
    assert owner_of(people.account) == people.charlie


def test_it_needs_a_verified_user_who_is_not_the_owner(people: People, staff: User) -> None:
    unverified = make_user("new@hartwell.example", email_verified_at=None)
    with pytest.raises(NewOwnerUnusable):
        hand_over(people, staff, to=unverified)
    with pytest.raises(OwnerAlready):
        hand_over(people, staff, to=people.alice)
    assert changes() == 0
    assert mails() == []


# --- What people read ----------------------------------------------------------------------------


def test_mail_speaks_each_readers_language_and_time(people: People, staff: User) -> None:
    User.objects.filter(pk=people.alice.pk).update(timezone="Asia/Tokyo")
    people.alice.refresh_from_db()
    change = hand_over(people, staff)
    (mail,) = (m for m in mails("hand_over_started") if "alice" in m.recipient_address)
    assert "(JST)" in mail.text_body
    assert "You keep full access and user management" in mail.text_body
    assert f"/a/{people.account.number}/settings/ownership/" in mail.text_body
    assert "Hartwell & Sons" in mail.text_body
    assert "Hartwell &amp; Sons" in mail.html_body
    # The owner has to judge it; it is nobody else's business.
    assert change.reason in mail.text_body
    others = [m for m in mails("hand_over_started") if m != mail]
    assert others
    assert all(change.reason not in m.text_body + m.html_body for m in others)


def test_a_name_is_one_line_and_cut_in_what_they_read(people: People, staff: User) -> None:
    Account.objects.filter(pk=people.account.pk).update(name="Hartwell\r\n" + "x" * 200)
    people.account.refresh_from_db()
    hand_over(people, staff)
    text = mails("hand_over_started")[0].text_body
    assert "Hartwell xxx" in text
    assert "x" * 120 not in text
