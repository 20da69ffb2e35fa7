"""Where invoices cannot be delivered: whose they are learns of it, and can do something."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.bouncing import TRIES_A_DAY, returned_addresses
from accounts.models import Account, InvoiceAddress
from accounts.permissions import Flag
from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from mail.addresses import Mailbox
from mail.bounces import Report, take_report
from mail.models import MailReport, OutgoingEmail, SuppressedAddress
from mail.outbox import enqueue
from mail.suppressing import suppress
from tests.factories import OPERATOR, add_member, make_account, make_user, set_billing_contact
from tests.mail.messages import new_email
from tests.people import Answer, People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db

ADDRESS = "books@hartwell.example"
Kind = SuppressedAddress.Kind


@pytest.fixture
def account(people: People) -> Account:
    """Its invoices go to an address of its billing contact's."""
    set_billing_contact(people.account, email=ADDRESS)
    return people.account


def comes_back(address: str = ADDRESS, *, of: Account | None = None, **told: Any) -> None:
    """A message to the address, of an account or of none, is returned for good."""
    with all_accounts_scope("a test sends mail"):
        pk = enqueue(
            new_email(
                dedup_key=f"test:{uuid4()}",
                recipient=Mailbox(address),
                account_id=of.pk if of else None,
            )
        )
        OutgoingEmail.objects.filter(pk=pk).update(state="sent", sent_at=timezone.now())
    given: dict[str, Any] = {
        "source": "test",
        "event_id": str(pk),
        "kind": MailReport.Kind.RETURNED,
        "email_id": pk,
        "status": "5.2.2",
        "words": "552 5.2.2 over quota",
    }
    take_report(Report(**given | told))


def notices() -> list[OutgoingEmail]:
    with all_accounts_scope("a test reads mail"):
        found = OutgoingEmail.objects.filter(kind="billing_address_bounces")
        return list(found.order_by("recipient_address"))


def told() -> list[str]:
    return [notice.recipient_address for notice in notices()]


def recorded(account: Account) -> list[tuple[str, str]]:
    with account_scope(account):
        events = AuditEvent.objects.filter(account_id=account.pk, action__startswith="address:")
        return list(events.values_list("action", F("subject")))


def press(user: User | None, account: Account, address: str = ADDRESS) -> Answer:
    browser = signed_in(user) if user else Client()
    there = reverse("settings:try_address_again", args=[account.number])
    return browser.post(there, {"address": address}, follow=bool(user))


def page(user: User, account: Account, url_name: str = "settings:contacts") -> str:
    there = reverse(url_name, args=[account.number])
    return signed_in(user).get(there).content.decode()


# --- The notice ----------------------------------------------------------------------------------


def test_owner_is_told_once_when_the_billing_address_comes_back(account: Account) -> None:
    """D3: in words, not in codes."""
    comes_back()
    comes_back()
    (notice,) = notices()
    assert notice.recipient_address == "alice@hartwell.example"
    assert notice.account_id == account.pk
    assert ADDRESS in notice.subject
    assert "The mailbox is full." in notice.text_body
    assert "5.2.2" not in notice.text_body
    assert f"/a/{account.number}/settings/contacts/" in notice.html_body


def test_owner_is_told_in_their_language(people: People, account: Account) -> None:
    people.alice.language = "de"
    people.alice.save(update_fields=["language"])
    comes_back()
    assert notices()[0].html_body.startswith('<!DOCTYPE html>\n<html lang="de"')


def test_owner_is_told_anew_when_it_was_tried_again_and_came_back(
    people: People, account: Account
) -> None:
    comes_back(of=account)
    press(people.alice, account)
    comes_back(of=account)
    assert told() == ["alice@hartwell.example"] * 2


@pytest.mark.parametrize("kind", ["designated", "extra"])
def test_owner_is_told_of_other_recipients_too(kind: str, people: People, account: Account) -> None:
    if kind == "designated":
        people.bob.memberships.update(receives_invoices=True)
        address = people.bob.email
    else:
        address = "tax@advisers.example"
        add_extra(people, address, is_confirmed=True)
    comes_back(address)
    assert told() == ["alice@hartwell.example"]


def add_extra(people: People, address: str, *, is_confirmed: bool) -> None:
    now = timezone.now()
    with account_scope(people.account):
        InvoiceAddress.objects.create(
            account=people.account,
            email=address,
            added_by=people.alice,
            sent_at=now,
            expires_at=now + timedelta(days=10),
            confirmed_at=now if is_confirmed else None,
        )


def test_nobody_is_told_of_addresses_that_get_no_invoices(people: People, account: Account) -> None:
    """A member's, an unconfirmed one, the owner's beside a billing contact's, a stranger's."""
    add_extra(people, "waits@advisers.example", is_confirmed=False)
    for address in (people.bob.email, "waits@advisers.example", people.alice.email, "x@y.example"):
        comes_back(address)
    assert told() == []
    assert SuppressedAddress.objects.count() == 4


def test_owner_is_not_told_at_the_address_that_came_back(people: People) -> None:
    comes_back(people.alice.email)
    assert told() == []


def test_owner_of_each_account_is_told_about_an_address_that_they_share(
    people: People, account: Account
) -> None:
    set_billing_contact(people.charlies_account, email=ADDRESS)
    comes_back()
    assert told() == ["alice@hartwell.example", "charlie@elsewhere.example"]
    charlies = notices()[1]
    assert charlies.account_id == people.charlies_account.pk
    assert "Hartwell & Sons" not in charlies.text_body


def test_complaint_sends_the_owner_to_our_support(account: Account) -> None:
    comes_back(kind=MailReport.Kind.COMPLAINT)
    assert "marked our mail as spam" in notices()[0].text_body
    assert "support@operator.example" in notices()[0].text_body


def test_delay_is_not_told(account: Account) -> None:
    comes_back(kind=MailReport.Kind.DELAYED)
    assert told() == []


# --- On the pages --------------------------------------------------------------------------------


def test_overview_and_contacts_say_what_is_wrong_and_what_to_do(
    people: People, account: Account
) -> None:
    assert "are not sent to" not in page(people.alice, account)
    comes_back(of=account)
    for user in (people.alice, people.bob):
        overview = page(user, account, "account:overview")
        assert f"invoices are not sent to {ADDRESS}. The mailbox is full." in overview
        contacts = page(user, account)
        assert f"invoices are not sent to {ADDRESS}." in contacts
        assert "The mailbox is full." in contacts
        assert "Try this address again" in contacts
    assert "are not sent to" not in page(people.dora, account, "account:overview")


@pytest.mark.parametrize("kind", [Kind.COMPLAINT, Kind.STAFF])
def test_what_only_staff_start_again_has_no_button(
    kind: str, people: People, account: Account
) -> None:
    SuppressedAddress.objects.create(address=ADDRESS, kind=kind, reason="x")
    contacts = page(people.alice, account)
    assert f"invoices are not sent to {ADDRESS}." in contacts
    assert "Try this address again" not in contacts
    assert "support@operator.example" in contacts


def test_page_asks_the_database_as_often_however_many_there_are(
    people: People, account: Account, django_assert_num_queries: Any
) -> None:
    people.bob.memberships.update(receives_invoices=True)
    for address in (ADDRESS, people.bob.email, people.alice.email):
        suppress(address, reason="x", actor=OPERATOR)
    with account_scope(account), django_assert_num_queries(4):
        assert [each.address for each in returned_addresses(account)] == [
            people.bob.email,
            ADDRESS,
        ]


def test_owner_stands_in_for_a_billing_contact_without_an_address(people: People) -> None:
    suppress(people.alice.email, reason="x", actor=OPERATOR)
    with account_scope(people.account):
        assert [each.address for each in returned_addresses(people.account)] == [people.alice.email]


def test_an_address_is_known_in_whatever_way_it_is_written(people: People) -> None:
    """As the contact has it: by people, in capitals."""
    set_billing_contact(people.account, email="Books@Hartwell.example")
    suppress(ADDRESS, reason="x", actor=OPERATOR)
    with account_scope(people.account):
        assert [each.address for each in returned_addresses(people.account)] == [ADDRESS]


# --- Trying again --------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_address_is_tried_again_by_who_looks_after_invoices(
    who: str, people: People, account: Account
) -> None:
    comes_back(of=account)
    answer = press(getattr(people, who), account, ADDRESS.upper())
    assert b"The next invoice is sent to books@hartwell.example again." in answer.content
    assert not SuppressedAddress.objects.exists()
    assert recorded(account) == [("address:tried_again", f"address {ADDRESS}")]


def test_second_click_is_harmless_and_says_so(people: People, account: Account) -> None:
    comes_back(of=account)
    press(people.alice, account)
    answer = press(people.alice, account)
    assert b"Mail to books@hartwell.example is not stopped. Nothing was changed." in answer.content
    assert len(recorded(account)) == 1


def test_others_try_nothing_again(people: People, account: Account) -> None:
    """A stranger, a member without a flag, whoever is not signed in."""
    comes_back(of=account)
    assert press(people.charlie, account).status_code == 404
    assert press(people.dora, account).status_code == 403
    assert press(None, account).status_code == 302
    assert SuppressedAddress.objects.count() == 1
    assert recorded(account) == []


def test_owner_alone_while_billing_settings_are_reserved(people: People, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(billing_reserved_to_owner=True)
    comes_back(of=account)
    assert press(people.bob, account).status_code == 403
    assert press(people.alice, account).status_code == 200
    assert not SuppressedAddress.objects.exists()


def test_address_of_another_account_is_not_found_whether_stopped_or_not(
    people: People, account: Account
) -> None:
    """Else the page would tell of anybody's address whether mail to it comes back."""
    comes_back()
    add_member(people.charlies_account, make_user("x@elsewhere.example"), Flag.BILLING)
    stopped = press(people.charlie, people.charlies_account, ADDRESS)
    unknown = press(people.charlie, people.charlies_account, "nobody@nowhere.example")
    assert (stopped.status_code, unknown.status_code) == (404, 404)
    assert press(people.charlie, people.charlies_account, "").status_code == 404
    assert SuppressedAddress.objects.count() == 1


@pytest.mark.parametrize("kind", [Kind.COMPLAINT, Kind.STAFF])
def test_what_staff_or_a_reader_stopped_is_not_tried_again(
    kind: str, people: People, account: Account
) -> None:
    SuppressedAddress.objects.create(address=ADDRESS, kind=kind, reason="x")
    answer = press(people.alice, account)
    assert b"Only our support team can start mail to this address again." in answer.content
    assert SuppressedAddress.objects.count() == 1


def test_address_that_returned_mail_of_others_alone_is_not_tried_again(
    people: People, account: Account
) -> None:
    """Whoever enters somebody else's address, which nobody confirms, would lift it for all."""
    set_billing_contact(people.charlies_account, email=ADDRESS)
    comes_back(of=account)
    comes_back("another@elsewhere.example", of=people.charlies_account)
    theirs = page(people.charlie, people.charlies_account)
    assert f"invoices are not sent to {ADDRESS}." in theirs
    assert "Try this address again" not in theirs
    assert "support@operator.example" in theirs
    answer = press(people.charlie, people.charlies_account)
    assert b"Only our support team can start mail to this address again." in answer.content
    assert SuppressedAddress.objects.filter(address=ADDRESS).exists()
    assert recorded(people.charlies_account) == []
    to_alice, to_charlie = notices()
    assert "then try it again" in to_alice.text_body
    assert "write to support@operator.example" in to_charlie.text_body
    assert "Try this address again" in page(people.alice, account)


def test_address_that_was_delayed_or_refused_elsewhere_is_not_tried_again(
    people: People, account: Account
) -> None:
    comes_back(of=account, kind=MailReport.Kind.DELAYED)
    comes_back()
    press(people.alice, account)
    assert SuppressedAddress.objects.count() == 1


@pytest.mark.parametrize("on_file", ["books@münchen.example", "books@xn--mnchen-3ya.example"])
@pytest.mark.parametrize("returned", ["books@münchen.example", "Books@XN--MNCHEN-3YA.example"])
def test_address_is_one_however_its_domain_is_spelled(
    on_file: str, returned: str, people: People
) -> None:
    set_billing_contact(people.account, email=on_file)
    comes_back(returned, of=people.account)
    (notice,) = notices()
    assert on_file in notice.subject
    contacts = page(people.alice, people.account)
    assert f"invoices are not sent to {on_file}." in contacts
    # In the list of who gets the next invoice too.
    assert contacts.count("The mailbox is full.") == 2
    answer = press(people.alice, people.account, on_file)
    assert f"The next invoice is sent to {on_file} again." in answer.content.decode()
    assert not SuppressedAddress.objects.exists()


def test_address_is_tried_so_often_a_day_whosever_account_it_is(
    people: People, account: Account
) -> None:
    set_billing_contact(people.charlies_account, email=ADDRESS)
    comes_back(of=people.charlies_account)
    for _ in range(TRIES_A_DAY):
        comes_back(of=account)
        press(people.alice, account)
    comes_back(of=account)
    for user, its in ((people.alice, account), (people.charlie, people.charlies_account)):
        assert f"was tried {TRIES_A_DAY} times within a day".encode() in press(user, its).content
    assert SuppressedAddress.objects.count() == 1


def test_closed_account_tries_nothing_again(people: People, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(status=Account.Status.CLOSED)
    comes_back(of=account)
    press(people.alice, account)
    assert SuppressedAddress.objects.count() == 1


def test_address_is_not_named_in_a_url(account: Account) -> None:
    """It would stand in logs."""
    assert "@" not in reverse("settings:try_address_again", args=[account.number])


def test_account_without_an_address_for_invoices_stands_in_nobodys_way(people: People) -> None:
    make_account(owner=people.bob)
    comes_back("somebody@else.example")
    assert told() == []
