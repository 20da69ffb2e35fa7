"""docs/security.md: what a request knew when it began is looked at again under the lock."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.access import AccountClosed
from accounts.answering import NotOpen, SentToSomebodyElse, accept
from accounts.changing_contacts import contact_of
from accounts.details import lock_account
from accounts.invitations import link_token
from accounts.invoice_addresses import add_address, remove_address, send_again
from accounts.models import Account, Contact, Invitation, InvoiceAddress, OwnershipChange
from accounts.new_accounts import open_own_account
from accounts.ownership import NewOwnerUnusable, offer_ownership, start_hand_over
from audit.models import AuditEvent
from common.exceptions import DomainError
from common.scoping import account_scope, all_accounts_scope
from common.tokens import hash_of_token
from mail.models import OutgoingEmail
from tests.factories import OPERATOR
from tests.invitations import flags_of, invited, mail_count
from tests.people import People
from users.locked_people import PersonUnusable
from users.models import User

pytestmark = pytest.mark.django_db

CLOSED = {"is_active": False, "email": "closed-1@closed.invalid"}
DISABLED = {"is_active": False}
UNVERIFIED = {"email_verified_at": None}
MOVED = {"email": "charlie@moved.example"}


def change_behind(user: User, values: dict[str, Any]) -> None:
    """As another request does: ``user`` goes on saying what was so before."""
    User.objects.filter(pk=user.pk).update(**values)


def close_behind(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(status=Account.Status.CLOSED)


def event_count() -> int:
    with all_accounts_scope("a test"):
        return AuditEvent.objects.count()


# --- People --------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [CLOSED, DISABLED, UNVERIFIED])
def test_a_user_id_that_was_closed_meanwhile_opens_no_account(
    people: People, values: dict[str, Any]
) -> None:
    before, events = Account.objects.count(), event_count()
    change_behind(people.bob, values)
    with pytest.raises(PersonUnusable):
        open_own_account(
            people.bob,
            kind=Account.Kind.ORGANISATION,
            name="Hartwell Catering",
            country="GB",
            time_zone="Europe/London",
            actor=OPERATOR,
        )
    assert Account.objects.count() == before
    assert User.objects.filter(email=people.bob.email).count() == (0 if "email" in values else 1)
    assert event_count() == events


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        (CLOSED, SentToSomebodyElse),
        (MOVED, SentToSomebodyElse),
        (UNVERIFIED, SentToSomebodyElse),
        (DISABLED, NotOpen),
    ],
)
def test_nor_does_it_accept_an_invitation(
    people: People, values: dict[str, Any], refusal: type[DomainError]
) -> None:
    invitation = invited(people.account, by=people.alice, email=people.charlie.email)
    mails, events = mail_count(), event_count()
    change_behind(people.charlie, values)
    token = hash_of_token(link_token(invitation))
    with pytest.raises(refusal):
        accept(invitation.pk, token, user=people.charlie, actor=OPERATOR)
    invitation.refresh_from_db()
    assert invitation.state == Invitation.State.PENDING
    assert flags_of(people.charlie, people.account) is None
    assert (mail_count(), event_count()) == (mails, events)


@pytest.mark.parametrize("values", [CLOSED, DISABLED, UNVERIFIED])
def test_nor_is_it_offered_one_or_handed_one_over(
    people: People, staff: User, values: dict[str, Any]
) -> None:
    change_behind(people.bob, values)
    with pytest.raises(NewOwnerUnusable):
        offer_ownership(
            people.account, to=people.bob, by=people.alice, keeps_access=True, actor=OPERATOR
        )
    with pytest.raises(NewOwnerUnusable):
        start_hand_over(
            people.account,
            to=people.bob,
            by=staff,
            reason="r",
            check="c",
            keeps_access=True,
            actor=OPERATOR,
        )
    with all_accounts_scope("a test"):
        assert OwnershipChange.objects.count() == 0
    assert mail_count() == 0


# --- Accounts ------------------------------------------------------------------------------------


def add(people: People) -> InvoiceAddress:
    return add_address(
        people.account, email="books@accountants.example", added_by=people.bob, actor=OPERATOR
    )


def change_billing_contact(people: People, address: InvoiceAddress) -> None:
    contact_of(lock_account(people.account), Contact.Kind.BILLING)


def add_another(people: People, address: InvoiceAddress) -> None:
    add_address(people.account, email="new@nowhere.example", added_by=people.bob, actor=OPERATOR)


def ask_again(people: People, address: InvoiceAddress) -> None:
    send_again(address, sent_by=people.bob, actor=OPERATOR)


def remove(people: People, address: InvoiceAddress) -> None:
    remove_address(address, actor=OPERATOR)


@pytest.mark.parametrize("work", [change_billing_contact, add_another, ask_again, remove])
def test_an_account_that_was_closed_meanwhile_is_written_to_by_nobody(
    people: People, work: Callable[[People, InvoiceAddress], None]
) -> None:
    """Decision 0081: the request had passed the page's own check."""
    with account_scope(people.account):
        address = add(people)
        mails, events = mail_count_of(people), AuditEvent.objects.count()
        close_behind(people.account)
        with pytest.raises(AccountClosed):
            work(people, address)
        assert [each.email for each in InvoiceAddress.objects.all()] == [address.email]
        assert InvoiceAddress.objects.get().sent_count == 1
        assert (mail_count_of(people), AuditEvent.objects.count()) == (mails, events)


def mail_count_of(people: People) -> int:
    return OutgoingEmail.objects.filter(account_id=people.account.pk).count()
