"""What the overview says has to be seen to, and to whom."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Invitation, InvoiceAddress, OwnershipChange
from accounts.permissions import Flag
from common.scoping import account_scope
from invoices.crediting import credit_invoice
from invoices.models import Delivery
from mail import links
from mail.models import OutgoingEmail
from tests.factories import OPERATOR, make_account, make_invoice, make_seller, store_pdf
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


def overview(user: User, people: People) -> str:
    return signed_in(user).get(f"/a/{people.account.number}/").content.decode()


def invite(people: People, email: str, *, days: int) -> None:
    now = timezone.now()
    Invitation.objects.create(
        account=people.account,
        email=email,
        flags=[Flag.BILLING],
        invited_by=people.alice,
        sent_at=now + timedelta(days=days - 10),
        expires_at=now + timedelta(days=days),
    )


def change_owner(people: People, kind: str) -> None:
    with account_scope(people.account):
        OwnershipChange.objects.create(
            account=people.account,
            kind=kind,
            from_user=people.alice,
            to_user=people.bob,
            started_by=people.alice,
            reason="asked for",
            due_at=timezone.now() + timedelta(days=3),
        )


def test_nothing_to_see_to_takes_no_room(people: People) -> None:
    assert "Needs attention" not in overview(people.alice, people)


def test_an_overdue_invoice_is_told_to_those_who_may_see_invoices(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_invoice(people.account, seller=make_seller())
    monkeypatch.setattr(timezone, "localdate", lambda: date(2099, 1, 1))
    assert "1 invoice is overdue." in overview(people.alice, people)
    assert "1 invoice is overdue." in overview(people.bob, people)
    assert "overdue" not in overview(people.dora, people)


def test_an_expired_invitation_is_told_to_those_who_manage_users(people: People) -> None:
    """Row Z3."""
    invite(people, "late@hartwell.example", days=-1)
    invite(people, "soon@hartwell.example", days=1)
    page = overview(people.alice, people)
    assert "The invitation to late@hartwell.example has expired." in page
    assert "soon@hartwell.example" not in page
    assert "late@hartwell.example" not in overview(people.bob, people)


def test_many_expired_invitations_are_counted(people: People) -> None:
    for serial in range(5):
        invite(people, f"late-{serial}@hartwell.example", days=-1)
    page = overview(people.alice, people)
    assert page.count("has expired.") == 3
    assert "2 more invitations have expired." in page


def test_an_order_number_that_is_required_and_missing_is_asked_for(people: People) -> None:
    Account.objects.filter(pk=people.account.pk).update(order_number_required=True)
    assert "An order number is required" in overview(people.bob, people)
    Account.objects.filter(pk=people.account.pk).update(order_number="PO-7")
    assert "An order number is required" not in overview(people.bob, people)


def test_an_invoice_address_that_nobody_confirmed_is_named(people: People) -> None:
    now = timezone.now()
    with account_scope(people.account):
        InvoiceAddress.objects.create(
            account=people.account,
            email="books@hartwell.example",
            added_by=people.alice,
            sent_at=now,
            expires_at=now + timedelta(days=10),
        )
    assert "books@hartwell.example gets no invoices until" in overview(people.alice, people)


def test_an_offer_of_ownership_is_told_to_both_and_to_nobody_else(people: People) -> None:
    change_owner(people, OwnershipChange.Kind.OFFER)
    assert "Alice Hartwell offers you the ownership" in overview(people.bob, people)
    assert "You offered this account to Bob Ferris." in overview(people.alice, people)
    assert "ownership" not in overview(people.dora, people).partition("<main")[2]


def test_a_hand_over_is_told_to_the_owner(people: People) -> None:
    change_owner(people, OwnershipChange.Kind.HAND_OVER)
    page = overview(people.alice, people)
    assert "This account is being handed over to Bob Ferris." in page


def test_an_invoice_that_could_not_be_delivered_is_named(people: People) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    store_pdf(invoice)
    with account_scope(people.account):
        delivery = Delivery.objects.filter(account=people.account, invoice=invoice).first()
        assert delivery is not None
        assert delivery.email_id is not None
        OutgoingEmail.objects.filter(pk=delivery.email_id).update(state="failed")
    page = overview(people.bob, people)
    assert f"Invoice {invoice.number} could not be delivered to {delivery.address}." in page


def test_a_credit_note_that_could_not_be_delivered_is_called_one(people: People) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    note = credit_invoice(invoice, actor=OPERATOR)
    store_pdf(note)
    with account_scope(people.account):
        delivery = Delivery.objects.filter(account=people.account, invoice=note).first()
        assert delivery is not None
        assert delivery.email_id is not None
        OutgoingEmail.objects.filter(pk=delivery.email_id).update(state="failed")
    page = overview(people.bob, people)
    assert f"Credit note {note.number} could not be delivered to {delivery.address}." in page
    assert "See the credit note" in page


def test_an_invoice_for_an_address_that_was_taken_off_the_list_is_no_matter(
    people: People,
) -> None:
    invoice = make_invoice(people.account, seller=make_seller())
    store_pdf(invoice)
    with account_scope(people.account):
        email = OutgoingEmail.objects.get(invoice_delivery__invoice=invoice)
        email.link_purpose, email.link_row, email.link_marker = "a purpose", uuid4(), "marker"
        links.provide("a purpose", lambda row: None)
        with pytest.raises(links.LinkEnded) as ended:
            links.put_in(email)
        links.withdraw("a purpose")
        OutgoingEmail.objects.filter(pk=email.pk).update(
            state="failed", server_response=str(ended.value)
        )
    assert "could not be delivered" not in overview(people.bob, people)


def test_the_balance_is_what_is_open_by_currency(people: People) -> None:
    seller = make_seller()
    for _ in range(2):
        make_invoice(people.account, seller=seller)
    page = overview(people.bob, people)
    assert "on 2 open invoices" in page
    other = make_account(owner=people.alice, name="Avenue Ltd")
    page = signed_in(people.alice).get(f"/a/{other.number}/").content.decode()
    assert "There is no open invoice." in page


def test_the_overview_asks_the_database_as_often_for_much_as_for_little(
    people: People, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    seller = make_seller()
    make_invoice(people.account, seller=seller)
    invite(people, "late@hartwell.example", days=-1)
    browser = signed_in(people.alice)
    address = f"/a/{people.account.number}/"
    browser.get(address)
    with CaptureQueriesContext(connection) as few:
        browser.get(address)
    for serial in range(6):
        make_invoice(people.account, seller=seller)
        invite(people, f"late-{serial}@hartwell.example", days=-1)
    with django_assert_num_queries(len(few)):
        browser.get(address)
