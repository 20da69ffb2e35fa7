"""Row M8: an account that bills nothing without an order number, and a real billing run."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from billing.models import BillingEntry, BillingRun, BillingRunItem
from common.scoping import account_scope, all_accounts_scope
from mail.models import OutgoingEmail
from tests.factories import set_billing_contact
from tests.people import People, signed_in
from tests.scenes import A_DAY, a_charge, a_seller, an_account, bill, documents_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return an_account("Careful Ltd", order_number_required=True)


def mails() -> list[OutgoingEmail]:
    with all_accounts_scope("test"):
        return list(OutgoingEmail.objects.filter(kind="order_number_missing"))


def free_charges(account: Account) -> int:
    with account_scope(account):
        return BillingEntry.objects.filter(account=account, invoice_line=None).count()


def item_of(run: BillingRun, account: Account) -> BillingRunItem:
    with account_scope(account):
        return run.items.get(account=account)


def test_charges_without_an_order_number_stay_due_and_both_sides_are_told(
    account: Account,
) -> None:
    set_billing_contact(account, email="pay@careful.example")
    seller = a_seller()
    a_charge(account, seller)
    a_charge(account, seller)
    run = bill()
    assert (documents_of(account), free_charges(account)) == ([], 2)
    assert run.state == BillingRun.State.FINISHED
    item = item_of(run, account)
    assert (item.state, item.last_error) == (
        BillingRunItem.State.ISSUED,
        "2 charges wait for an order number, which the account requires.",
    )
    [mail] = mails()
    assert mail.recipient_address == "pay@careful.example"
    assert mail.subject == f"Order number needed for account {account.number}"
    assert "2 charges of customer account" in mail.text_body
    assert reverse("settings:references", args=[account.number]) in mail.text_body


def test_charges_that_have_one_are_billed_without_waiting_for_the_others(account: Account) -> None:
    seller = a_seller()
    a_charge(account, seller)
    a_charge(account, seller, order_number="PO-7")
    bill()
    [document] = documents_of(account)
    assert document.order_number == "PO-7"
    assert free_charges(account) == 1


def test_the_accounts_own_number_lets_everything_go(account: Account) -> None:
    seller = a_seller()
    a_charge(account, seller)
    bill()
    Account.objects.filter(pk=account.pk).update(order_number="PO-2026")
    bill()
    [document] = documents_of(account)
    assert (document.order_number, free_charges(account)) == ("PO-2026", 0)
    assert len(mails()) == 1


def test_the_owner_is_asked_where_there_is_no_billing_contact_and_once_for_each_run(
    account: Account,
) -> None:
    seller = a_seller()
    a_charge(account, seller)
    bill()
    bill()
    owner = account.memberships.get(is_owner=True).user
    assert [mail.recipient_address for mail in mails()] == [owner.email] * 2


def test_who_does_not_require_one_is_billed_as_ever() -> None:
    account, seller = an_account(), a_seller()
    a_charge(account, seller)
    bill()
    assert len(documents_of(account)) == 1
    assert mails() == []


def test_a_dry_run_says_what_would_wait(account: Account) -> None:
    a_charge(account, a_seller())
    said = StringIO()
    call_command("bill", as_of=A_DAY, dry_run=True, stdout=said)
    assert "1 charge waits for an order number" in said.getvalue()
    assert mails() == []


def test_the_billing_person_sets_it_in_the_panel(people: People) -> None:
    page = reverse("settings:references", args=[people.account.number])
    browser: Client = signed_in(people.bob)
    seen = browser.get(page).context["form"]["seen"].value()
    browser.post(page, {"order_number_required": "on", "seen": seen})
    seller = a_seller()
    a_charge(people.account, seller)
    bill()
    assert documents_of(people.account) == []
    overview = signed_in(people.alice).get(
        reverse("account:overview", args=[people.account.number])
    )
    assert "order number is required" in overview.content.decode()
    seen = browser.get(page).context["form"]["seen"].value()
    browser.post(page, {"order_number_required": "on", "order_number": "PO-9", "seen": seen})
    bill()
    [document] = documents_of(people.account)
    assert document.order_number == "PO-9"
