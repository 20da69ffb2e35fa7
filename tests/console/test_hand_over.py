"""Rows U9, Z5 and Z6, decision 0082: what staff do to an account's owner, with a check."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Account, AccountOffer, Membership, OwnershipChange
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from mail.models import OutgoingEmail
from tests.factories import PASSWORD, make_user
from tests.invitations import text_of
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db

State = OwnershipChange.State


def hand_over_page(people: People) -> str:
    return f"/console/accounts/{people.account.number}/hand-over/"


def customer_page(people: People) -> str:
    return f"/console/accounts/{people.account.number}/"


def form(**changed: str) -> dict[str, str]:
    given = {
        "new_owner": "charlie@elsewhere.example",
        "reason": "The firm was sold",
        "check": "Called back on the number on file",
        "keeps_access": "on",
        **changed,
    }
    return {key: value for key, value in given.items() if value}


def changes() -> list[OwnershipChange]:
    with all_accounts_scope("a test"):
        return list(OwnershipChange.objects.select_related("to_user").order_by("created_at"))


def mails() -> list[OutgoingEmail]:
    with all_accounts_scope("a test"):
        return list(OutgoingEmail.objects.all())


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test"):
        return list(AuditEvent.objects.filter(action=action))


def test_staff_start_a_hand_over_with_a_reason_and_a_check(people: People, staff: User) -> None:
    browser = signed_in(staff)
    assert "72 hours" in browser.get(hand_over_page(people)).content.decode()
    answer = browser.post(hand_over_page(people), form(), follow=True)
    assert answer.redirect_chain[0][0] == customer_page(people)
    shown = answer.content.decode()
    assert "This account is being handed over" in shown
    assert "The firm was sold" in shown
    (change,) = changes()
    assert (change.kind, change.to_user, change.started_by) == ("hand_over", people.charlie, staff)
    assert change.former_owner_keeps_access
    (event,) = events(Action.OWNERSHIP_HAND_OVER_STARTED)
    assert event.actor_label == staff.email
    assert event.details["check"] == "Called back on the number on file"
    assert {mail.kind for mail in mails()} == {"hand_over_started"}
    owner = Membership.objects.get(account=people.account, is_owner=True)
    assert owner.user == people.alice


def test_a_second_click_starts_no_second_one(people: People, staff: User) -> None:
    browser = signed_in(staff)
    browser.post(hand_over_page(people), form())
    answer = browser.post(hand_over_page(people), form(), follow=True)
    assert "on its way to another owner already" in answer.content.decode()
    assert len(changes()) == 1
    assert len(mails()) == 2


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"reason": ""}, "Enter why the account is handed over."),
        ({"reason": "   "}, "Enter why the account is handed over."),
        ({"check": ""}, "Enter how you made sure that whoever asked may ask."),
        ({"new_owner": ""}, "Enter the email address of a user ID."),
        ({"new_owner": "nobody@nowhere.example"}, "No verified user ID has this address."),
        ({"new_owner": "new@hartwell.example"}, "No verified user ID has this address."),
        ({"new_owner": "old@hartwell.example"}, "No verified user ID has this address."),
        ({"new_owner": "alice@hartwell.example"}, "owns the account already"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_starts(
    people: People, staff: User, changed: dict[str, str], complaint: str
) -> None:
    make_user("new@hartwell.example", email_verified_at=None)
    make_user("old@hartwell.example", is_active=False)
    answer = signed_in(staff).post(hand_over_page(people), form(**changed))
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert complaint in shown
    if "reason" not in changed:
        assert "The firm was sold" in shown
    assert changes() == []
    assert mails() == []


def test_staff_stop_it_too(people: People, staff: User) -> None:
    browser = signed_in(staff)
    browser.post(hand_over_page(people), form())
    answer = browser.post(f"{hand_over_page(people)}stop/", follow=True)
    assert "Stopped." in answer.content.decode()
    assert [change.state for change in changes()] == [State.STOPPED]
    again = browser.post(f"{hand_over_page(people)}stop/", follow=True)
    assert "This change of owner is over" in again.content.decode()
    assert len(events(Action.OWNERSHIP_CHANGE_STOPPED)) == 1


def test_an_offer_that_stands_in_the_way_can_be_stopped_by_staff(
    people: People, staff: User
) -> None:
    signed_in(people.alice).post(
        f"/a/{people.account.number}/settings/ownership/offer/",
        {"to": people.bob.pk, "password": PASSWORD},
    )
    browser = signed_in(staff)
    assert "Stop the offer" in browser.get(customer_page(people)).content.decode()
    browser.post(f"{hand_over_page(people)}stop/")
    browser.post(hand_over_page(people), form())
    assert [change.state for change in changes()] == [State.STOPPED, State.PENDING]


def test_a_closed_account_is_handed_to_nobody(people: People, staff: User) -> None:
    Account.objects.filter(pk=people.account.pk).update(status=Account.Status.CLOSED)
    answer = signed_in(staff).post(hand_over_page(people), form())
    assert "This account is closed." in answer.content.decode()
    assert changes() == []


@pytest.mark.parametrize("who", ["alice", "bob", "dora", "charlie", "nobody"])
def test_nobody_but_staff_starts_or_stops_one(people: People, staff: User, who: str) -> None:
    signed_in(staff).post(hand_over_page(people), form())
    before = len(mails())
    browser = Client() if who == "nobody" else signed_in(getattr(people, who))
    for path in (hand_over_page(people), f"{hand_over_page(people)}stop/"):
        assert browser.post(path, form(new_owner="bob@hartwell.example")).status_code in (302, 403)
    assert [change.state for change in changes()] == [State.PENDING]
    assert len(mails()) == before


def test_nobody_hands_an_account_to_themselves(people: People, staff: User) -> None:
    answer = signed_in(staff).post(hand_over_page(people), form(new_owner=staff.email))
    assert answer.status_code == 200
    assert "You cannot hand an account over to yourself." in text_of(answer)
    assert changes() == []
    assert mails() == []


# --- Staff who may only read ---------------------------------------------------------------------


@pytest.fixture
def reader(db: None) -> User:
    """Staff without any of Django's permissions."""
    return make_user("reader@operator.example", is_staff=True)


def permit(user: User) -> None:
    user.user_permissions.add(
        Permission.objects.get(codename="change_account", content_type__app_label="accounts")
    )


def test_staff_without_the_permission_change_nothing(
    people: People, staff: User, reader: User
) -> None:
    signed_in(staff).post(hand_over_page(people), form())
    signed_in(staff).post(NEW, offer_form())
    offer = AccountOffer.objects.get()
    sent = len(mails())
    browser = signed_in(reader)
    for path, given in (
        (hand_over_page(people), form(new_owner=reader.email)),
        (f"{hand_over_page(people)}stop/", {}),
        (NEW, offer_form(name="Another")),
        (f"/console/account-offers/{offer.pk}/withdraw/", {}),
    ):
        answer = browser.post(path, given)
        assert answer.status_code == 403
        assert "You may not open this page" in text_of(answer)
    assert browser.get(hand_over_page(people)).status_code == 403
    assert browser.get(NEW).status_code == 403
    assert [change.state for change in changes()] == [State.PENDING]
    assert [each.state for each in AccountOffer.objects.all()] == [AccountOffer.State.PENDING]
    assert len(mails()) == sent


def test_they_read_and_find_no_button_that_refuses_them(
    people: People, staff: User, reader: User
) -> None:
    signed_in(staff).post(hand_over_page(people), form())
    for path in (customer_page(people), "/console/customers/"):
        answer = signed_in(reader).get(path)
        assert answer.status_code == 200
        shown = text_of(answer)
        for way in ("/hand-over/", "/console/accounts/new/", "/admin/accounts/account/"):
            assert way not in shown


def test_the_permission_is_enough(people: People, reader: User) -> None:
    permit(reader)
    browser = signed_in(reader)
    browser.post(hand_over_page(people), form())
    browser.post(NEW, offer_form())
    assert [change.started_by for change in changes()] == [reader]
    assert [offer.offered_by for offer in AccountOffer.objects.all()] == [reader]
    assert "/hand-over/stop/" in text_of(browser.get(customer_page(people)))


# --- Another account for somebody ----------------------------------------------------------------


def offer_form(**changed: str) -> dict[str, str]:
    return {
        "to": "bob@hartwell.example",
        "kind": "organisation",
        "name": "Hartwell Catering",
        "country": "GB",
        "timezone": "Europe/London",
        **changed,
    }


NEW = "/console/accounts/new/"


def test_staff_offer_another_account_to_an_existing_user(people: People, staff: User) -> None:
    """Row Z6: it begins when the person accepts, by mail."""
    before = Account.objects.count()
    browser = signed_in(staff)
    answer = browser.post(NEW, offer_form(), follow=True)
    shown = answer.content.decode()
    assert "has been sent an email" in shown
    assert "Not answered yet" in shown and "Hartwell Catering" in shown
    assert Account.objects.count() == before
    offer = AccountOffer.objects.get()
    assert (offer.to_user, offer.offered_by, offer.currency) == (people.bob, staff, "GBP")
    (mail,) = mails()
    assert mail.recipient_address == people.bob.email
    assert offer.nonce not in mail.text_body + mail.html_body
    (event,) = events(Action.ACCOUNT_OFFERED)
    assert event.details["name"] == "Hartwell Catering"


def test_the_same_one_is_not_offered_twice(people: People, staff: User) -> None:
    browser = signed_in(staff)
    browser.post(NEW, offer_form())
    answer = browser.post(NEW, offer_form())
    assert "is offered to this person already" in answer.content.decode()
    assert AccountOffer.objects.count() == 1
    assert len(mails()) == 1


def test_it_can_be_withdrawn(people: People, staff: User) -> None:
    browser = signed_in(staff)
    browser.post(NEW, offer_form())
    path = f"/console/account-offers/{AccountOffer.objects.get().pk}/withdraw/"
    assert signed_in(people.bob).post(path).status_code == 403
    assert AccountOffer.objects.get().state == AccountOffer.State.PENDING
    assert "Withdrawn" in browser.post(path, follow=True).content.decode()
    assert "This offer is over." in browser.post(path, follow=True).content.decode()
    assert AccountOffer.objects.get().state == AccountOffer.State.WITHDRAWN


def test_nobody_but_staff_offers_one(people: People) -> None:
    assert signed_in(people.alice).post(NEW, offer_form()).status_code == 403
    assert Client().post(NEW, offer_form()).status_code == 302
    assert AccountOffer.objects.count() == 0
    assert mails() == []


def test_an_address_that_no_user_has_is_told(people: People, staff: User) -> None:
    answer = signed_in(staff).post(NEW, offer_form(to="nobody@nowhere.example"))
    assert "No verified user ID has this address." in answer.content.decode()
    assert 'value="Hartwell Catering"' in answer.content.decode()
    assert AccountOffer.objects.count() == 0
