"""Decision 0081: the owner closes an account, having seen what is to come; it stays readable."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Contact, Invitation, OwnershipChange
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from invoices.models import Delivery
from mail.models import OutgoingEmail
from tests.factories import set_billing_contact
from tests.people import People, signed_in
from tests.scenes import a_charge, a_seller, an_issued_invoice, bill, documents_of
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(people: People) -> str:
    return reverse("settings:close", args=[people.account.number])


@pytest.fixture
def browser(people: People) -> Client:
    return signed_in(people.alice)


def close(browser: Client, page: str, people: People, **changes: str) -> Any:
    sent = {"number": str(people.account.number), **changes}
    return browser.post(page, sent, follow=True)


def account_of(people: People) -> Account:
    return Account.objects.get(pk=people.account.pk)


def closed_mails() -> list[OutgoingEmail]:
    with all_accounts_scope("test"):
        kind = OutgoingEmail.objects.filter(kind="account_closed")
        return list(kind.order_by("recipient_address"))


def closings() -> int:
    with all_accounts_scope("test"):
        return AuditEvent.objects.filter(action=Action.ACCOUNT_CLOSED).count()


def nothing_happened(people: People) -> bool:
    account = account_of(people)
    return (account.status, account.closed_at, closed_mails(), closings()) == (
        "active",
        None,
        [],
        0,
    )


def test_the_owner_closes_it_and_everybody_concerned_is_told(
    people: People, browser: Client, page: str
) -> None:
    set_billing_contact(people.account, email="pay@hartwell.example")
    with account_scope(people.account):
        Contact.objects.create(
            account=people.account, kind=Contact.Kind.ADMIN, email="head@hartwell.example"
        )
    answer = close(browser, page, people)
    assert "The account is closed." in answer.content.decode()
    account = account_of(people)
    assert (account.status, account.closed_at is not None) == ("closed", True)
    assert [mail.recipient_address for mail in closed_mails()] == [
        "alice@hartwell.example",
        "head@hartwell.example",
        "pay@hartwell.example",
    ]
    assert closings() == 1


def test_a_wrong_number_closes_nothing(people: People, browser: Client, page: str) -> None:
    answer = close(browser, page, people, number="100000")
    assert list(answer.context["form"].errors) == ["number"]
    assert nothing_happened(people)


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("dora", 403), ("charlie", 404)])
def test_nobody_but_the_owner_can_close_it(
    people: People, page: str, who: str, status: int
) -> None:
    browser = signed_in(getattr(people, who))
    assert browser.get(page).status_code == status
    assert close(browser, page, people).status_code == status
    assert nothing_happened(people)


def test_a_second_click_changes_nothing_and_says_so(
    people: People, browser: Client, page: str
) -> None:
    close(browser, page, people)
    when = account_of(people).closed_at
    answer = close(browser, page, people)
    assert "This account is closed already. Nothing was changed." in answer.content.decode()
    assert (account_of(people).closed_at, closings(), len(closed_mails())) == (when, 1, 1)


def test_looking_at_the_page_closes_nothing(people: People, browser: Client, page: str) -> None:
    assert browser.get(page).status_code == 200
    assert nothing_happened(people)


def test_it_says_first_what_is_unpaid_and_what_is_still_to_be_billed(
    people: People, browser: Client, page: str
) -> None:
    seller = a_seller()
    an_issued_invoice(people.account, seller)
    a_charge(people.account, seller)
    said = " ".join(browser.get(page).context["closing"].consequences)
    assert "1 invoice is not paid yet: £9.18." in said
    assert "1 charge is not billed yet: about £7.65 before tax." in said
    assert "Only our support team can open the account again." in said


def test_charges_that_could_never_be_billed_stand_in_the_way(
    people: People, browser: Client, page: str
) -> None:
    Account.objects.filter(pk=people.account.pk).update(order_number_required=True)
    a_charge(people.account, a_seller())
    assert "1 charge waits for an order number." in browser.get(page).content.decode()
    close(browser, page, people)
    assert nothing_happened(people)


def test_pending_invitations_and_changes_of_owner_end_with_it(
    people: People, browser: Client, page: str
) -> None:
    now = timezone.now()
    Invitation.objects.create(
        account=people.account,
        email="new@hartwell.example",
        invited_by=people.alice,
        sent_at=now,
        expires_at=now + timedelta(days=10),
    )
    with account_scope(people.account):
        OwnershipChange.objects.create(
            account=people.account,
            kind=OwnershipChange.Kind.OFFER,
            from_user=people.alice,
            to_user=people.bob,
            started_by=people.alice,
            due_at=now + timedelta(days=10),
        )
    close(browser, page, people)
    assert Invitation.objects.get().state == Invitation.State.DELETED
    with all_accounts_scope("test"):
        [deleted] = AuditEvent.objects.filter(action=Action.INVITATION_DELETED)
    assert deleted.subject == "invitation new@hartwell.example"
    assert deleted.details == {"reason": "the account was closed"}
    with account_scope(people.account):
        assert OwnershipChange.objects.get().state == OwnershipChange.State.STOPPED


def test_a_name_that_leads_elsewhere_is_not_mailed_to_contacts(
    browser: Client, page: str, people: People
) -> None:
    Account.objects.filter(pk=people.account.pk).update(name="Win at prizes.example")
    close(browser, page, people)
    [mail] = closed_mails()
    assert "prizes" not in mail.subject + mail.text_body + mail.html_body
    assert f"closed account {people.account.number}." in mail.text_body


def test_invoices_stay_open_to_read_and_nothing_can_be_changed(
    people: People, browser: Client, page: str
) -> None:
    invoice = an_issued_invoice(people.account, a_seller())
    close(browser, page, people)
    number = people.account.number
    for who in (people.alice, people.bob):
        read = signed_in(who).get(reverse("invoices:page", args=[number, invoice.number]))
        assert read.status_code == 200
    for name in ("details", "billing_contact", "admin_contact", "references"):
        there = reverse(f"settings:{name}", args=[number])
        assert browser.get(there).status_code == 200
        assert browser.post(there, {"company": "Late Ltd"}).status_code == 409


def test_a_closed_account_still_gets_its_final_invoice_and_the_same_people_receive_it(
    people: People, browser: Client, page: str
) -> None:
    people.dora.memberships.update(receives_invoices=True)
    seller = a_seller()
    a_charge(people.account, seller)
    close(browser, page, people)
    bill()
    [final] = documents_of(people.account)
    assert final.state == "issued"
    with account_scope(people.account):
        readers = Delivery.objects.filter(invoice=final).order_by("pk")
        assert [each.address for each in readers] == [
            "alice@hartwell.example",
            "dora@hartwell.example",
        ]


def test_staff_open_it_again_and_the_log_has_it(
    people: People, browser: Client, page: str, staff: User
) -> None:
    close(browser, page, people)
    admin = signed_in(staff)
    there = reverse("admin:accounts_account_change", args=[people.account.pk])
    form = admin.get(there).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in values.items() if value not in (None, False)}
    assert admin.post(there, sent | {"status": "active"}).status_code == 302
    account = account_of(people)
    assert (account.status, account.closed_at) == ("active", None)
    with account_scope(people.account):
        event = AuditEvent.objects.get(action=Action.ACCOUNT_CHANGED)
    assert (event.actor_label, event.details["status"]) == (
        staff.email,
        {"old": "closed", "new": "active"},
    )
