"""Extra invoice addresses: nobody but their reader makes them recipients, and may stop it alone."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.invoice_addresses import CONFIRM, STOP, confirm_link, stop_link
from accounts.models import Account, InvoiceAddress
from accounts.recipients import Reason
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from invoices.models import Delivery
from mail import links
from mail.models import OutgoingEmail
from tests.factories import add_member, make_invoice, make_seller, make_user, store_pdf
from tests.people import People, signed_in

pytestmark = pytest.mark.django_db

ADDRESS = "books@accountants.example"


@pytest.fixture
def browser(people: People) -> Client:
    return signed_in(people.bob)


@pytest.fixture
def reader() -> Client:
    """Somebody without a user ID, with the mail open."""
    return Client()


def page(name: str, people: People, *arguments: Any) -> str:
    return reverse(f"settings:{name}", args=[people.account.number, *arguments])


def addresses(account: Account) -> list[InvoiceAddress]:
    with account_scope(account):
        return list(InvoiceAddress.objects.filter(account=account).order_by("created_at"))


def mails(kind: str) -> list[OutgoingEmail]:
    with all_accounts_scope("test"):
        return list(OutgoingEmail.objects.filter(kind=kind).order_by("created_at"))


def read(email: OutgoingEmail) -> str:
    """The text as it leaves, with its link."""
    links.put_in(email)
    return email.text_body


def link_in(email: OutgoingEmail) -> str:
    [found] = set(re.findall(r"http://testserver(/invoice-address/\S+)", read(email)))
    return str(found)


def actions() -> list[str]:
    with all_accounts_scope("test"):
        events = AuditEvent.objects.filter(action__startswith="invoice_address:")
        return sorted(events.values_list("action", flat=True))


def add(browser: Client, people: People, email: str = ADDRESS) -> Any:
    return browser.post(page("add_invoice_address", people), {"email": email})


def added(browser: Client, people: People, email: str = ADDRESS) -> InvoiceAddress:
    assert add(browser, people, email).status_code == 302
    return addresses(people.account)[-1]


def confirmed(browser: Client, people: People, email: str = ADDRESS) -> InvoiceAddress:
    address = added(browser, people, email)
    with account_scope(people.account):
        InvoiceAddress.objects.filter(pk=address.pk).update(confirmed_at=timezone.now())
    return address


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.SITE_URL = "http://testserver"


def follow(reader: Client, link: str) -> Any:
    """Open the link and press the button."""
    answer = reader.get(link)
    return reader.post(answer["Location"], follow=True)


def error(answer: Any) -> str:
    return str(answer.context["form"].errors["email"][0])


# --- Adding -------------------------------------------------------------------------------------


def test_an_address_that_nobody_confirmed_gets_nothing(people: People, browser: Client) -> None:
    added(browser, people)
    invoice = make_invoice(people.account, seller=make_seller())
    with account_scope(people.account):
        assert ADDRESS not in Delivery.objects.filter(invoice=invoice).values_list(
            "address", flat=True
        )
    [mail] = mails("confirm_invoice_address")
    assert mail.recipient_address == ADDRESS
    text = read(mail)
    assert "bob@hartwell.example asks us to send you new invoices" in text
    assert "Bob" not in text
    assert f"customer account {people.account.number}" in text
    assert actions() == [Action.INVOICE_ADDRESS_ADDED]


def test_an_address_is_kept_in_its_normalised_form(people: People, browser: Client) -> None:
    assert added(browser, people, " Books@Accountants.EXAMPLE").email == ADDRESS


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter the address that is to get invoices."),
        ("not an address", "Enter an email address, such as"),
        ("a@b.example\r\nBcc: c@d.example", "Enter an email address, such as"),
        ("a@b.example, c@d.example", "Enter an email address, such as"),
        ("alice@hartwell.example", "gets every invoice already (Account owner"),
        ("dora@hartwell.example", "gets every invoice already (Designated recipient)"),
        (f"{'x' * 10_000}@b.example", "Enter an email address, such as"),
    ],
)
def test_what_cannot_be_added_is_refused_with_the_reason(
    people: People, browser: Client, typed: str, said: str
) -> None:
    people.dora.memberships.update(receives_invoices=True)
    answer = add(browser, people, typed)
    assert said in error(answer)
    assert (addresses(people.account), mails("confirm_invoice_address"), actions()) == ([], [], [])


def test_the_same_address_is_not_added_twice(people: People, browser: Client) -> None:
    added(browser, people)
    assert "is on the list already" in error(add(browser, people, ADDRESS.upper()))
    assert len(mails("confirm_invoice_address")) == 1


def test_an_account_has_at_most_five(people: People, browser: Client) -> None:
    for number in range(5):
        added(browser, people, f"a{number}@b.example")
    assert "can have 5 extra addresses" in error(add(browser, people))
    assert len(addresses(people.account)) == 5


def test_nobodys_mailbox_is_flooded_by_adding_and_removing(people: People, browser: Client) -> None:
    for _ in range(5):
        address = added(browser, people)
        browser.post(page("remove_invoice_address", people, address.pk))
    assert "Try again tomorrow" in error(add(browser, people))
    assert len(mails("confirm_invoice_address")) == 5


def test_only_those_who_may_change_the_billing_contact_add_or_remove(
    people: People, browser: Client
) -> None:
    address = added(browser, people)
    for who, status in ((people.dora, 403), (people.charlie, 404)):
        other = signed_in(who)
        assert add(other, people, "x@y.example").status_code == status
        for name in ("send_invoice_address_again", "remove_invoice_address"):
            assert other.post(page(name, people, address.pk)).status_code == status
    Account.objects.filter(pk=people.account.pk).update(billing_reserved_to_owner=True)
    assert add(browser, people, "x@y.example").status_code == 403
    assert [each.email for each in addresses(people.account)] == [ADDRESS]
    assert len(mails("confirm_invoice_address")) == 1


def test_another_accounts_address_cannot_be_touched(people: People, browser: Client) -> None:
    address = added(browser, people)
    charlie = signed_in(people.charlie)
    for name in ("send_invoice_address_again", "remove_invoice_address"):
        there = reverse(f"settings:{name}", args=[people.charlies_account.number, address.pk])
        charlie.post(there)
    assert [each.pk for each in addresses(people.account)] == [address.pk]
    assert actions() == [Action.INVOICE_ADDRESS_ADDED]


# --- Confirming ---------------------------------------------------------------------------------


def test_the_reader_confirms_without_a_user_id(
    people: People, browser: Client, reader: Client
) -> None:
    added(browser, people)
    answer = follow(reader, link_in(mails("confirm_invoice_address")[0]))
    assert f"are sent to <strong>{ADDRESS}</strong>" in answer.content.decode()
    invoice = make_invoice(people.account, seller=make_seller())
    with account_scope(people.account):
        delivery = Delivery.objects.get(invoice=invoice, address=ADDRESS)
    assert (delivery.reasons, delivery.may_view) == ([Reason.EXTRA_ADDRESS], False)
    assert actions() == [Action.INVOICE_ADDRESS_ADDED, Action.INVOICE_ADDRESS_CONFIRMED]


def test_looking_at_the_link_consumes_nothing_and_leaves_no_token(
    people: People, browser: Client, reader: Client
) -> None:
    added(browser, people)
    link = link_in(mails("confirm_invoice_address")[0])
    for _ in range(3):
        answer = Client().get(link)
        assert answer["Location"] == "/invoice-address/confirm/"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert Client().head(link).status_code == 302
    reader.get(link)
    assert reader.get("/invoice-address/confirm/").status_code == 200
    assert addresses(people.account)[0].confirmed_at is None


def test_confirming_twice_is_harmless(people: People, browser: Client, reader: Client) -> None:
    added(browser, people)
    link = link_in(mails("confirm_invoice_address")[0])
    follow(reader, link)
    when = addresses(people.account)[0].confirmed_at
    assert follow(reader, link).status_code == 200
    assert addresses(people.account)[0].confirmed_at == when
    assert actions().count(Action.INVOICE_ADDRESS_CONFIRMED) == 1


def test_a_link_that_was_opened_too_late_says_when_it_ended_and_whom_to_ask(
    people: People, browser: Client, reader: Client
) -> None:
    address = added(browser, people)
    link = link_in(mails("confirm_invoice_address")[0])
    with account_scope(people.account):
        InvoiceAddress.objects.filter(pk=address.pk).update(
            expires_at=timezone.now() - timedelta(seconds=1)
        )
    answer = follow(reader, link)
    assert answer.status_code == 410
    assert "Ask bob@hartwell.example to send it again." in answer.content.decode()
    assert addresses(people.account)[0].confirmed_at is None
    # Its mail, had it not left yet, would fail unsent.
    assert confirm_link(address.pk) is None


def test_sending_again_renews_the_time_and_ends_the_former_link(
    people: People, browser: Client, reader: Client
) -> None:
    address = added(browser, people)
    former = link_in(mails("confirm_invoice_address")[0])
    browser.post(page("send_invoice_address_again", people, address.pk))
    renewed = addresses(people.account)[0]
    assert renewed.expires_at > address.expires_at
    assert len(mails("confirm_invoice_address")) == 2
    answer = follow(reader, former)
    assert answer.status_code == 410
    assert people.account.name not in answer.content.decode()
    assert addresses(people.account)[0].confirmed_at is None
    follow(reader, link_in(mails("confirm_invoice_address")[1]))
    assert addresses(people.account)[0].confirmed_at is not None
    said = browser.post(page("send_invoice_address_again", people, address.pk), follow=True)
    assert "is confirmed already" in said.content.decode()


@pytest.mark.parametrize("change", ["token", "row", "purpose"])
def test_an_altered_link_does_nothing_and_reveals_nothing(
    people: People, browser: Client, reader: Client, change: str
) -> None:
    address = added(browser, people)
    link = link_in(mails("confirm_invoice_address")[0])
    if change == "token":
        link = f"{link[:-5]}AAAA/"
    elif change == "row":
        link = link.replace(str(address.pk), str(people.dora.memberships.get().public_id))
    else:
        link = link.replace("/confirm/", "/stop/")
    answer = reader.get(link)
    answer = reader.post(answer["Location"])
    assert answer.status_code == 410
    for secret in (people.account.name, str(people.account.number), ADDRESS, people.bob.email):
        assert secret not in answer.content.decode()
    assert addresses(people.account)[0].confirmed_at is None


def test_a_removed_address_ends_its_link(people: People, browser: Client, reader: Client) -> None:
    address = added(browser, people)
    link = link_in(mails("confirm_invoice_address")[0])
    browser.post(page("remove_invoice_address", people, address.pk))
    again = browser.post(page("remove_invoice_address", people, address.pk), follow=True)
    assert "was removed before" in again.content.decode()
    assert follow(reader, link).status_code == 410
    assert addresses(people.account) == []
    assert actions() == [Action.INVOICE_ADDRESS_ADDED, Action.INVOICE_ADDRESS_REMOVED]


# --- Stopping -----------------------------------------------------------------------------------


def invoice_mails(people: People) -> dict[str, OutgoingEmail]:
    store_pdf(make_invoice(people.account, seller=make_seller()))
    return {email.recipient_address: email for email in mails("new_invoice")}


def test_each_mail_to_an_extra_address_can_stop_them_all_without_a_user_id(
    people: People, browser: Client, reader: Client
) -> None:
    confirmed(browser, people)
    sent = invoice_mails(people)
    link = link_in(sent[ADDRESS])
    assert "Stop sending me these" in sent[ADDRESS].text_body
    assert sent[ADDRESS].html_body.count(link) == 1
    assert sent["alice@hartwell.example"].link_purpose == ""
    assert "Stop sending" not in sent["alice@hartwell.example"].text_body
    answer = follow(reader, link)
    assert "Stopped" in answer.content.decode()
    assert addresses(people.account) == []
    [told] = mails("invoice_address_stopped")
    assert told.recipient_address == "alice@hartwell.example"
    assert ADDRESS in told.text_body
    assert actions()[-1] == Action.INVOICE_ADDRESS_STOPPED
    assert follow(reader, link).status_code == 410
    assert len(mails("invoice_address_stopped")) == 1


def test_a_mail_that_has_not_left_does_not_leave_once_its_reader_has_stopped(
    people: People, browser: Client, reader: Client
) -> None:
    address = confirmed(browser, people)
    sent = invoice_mails(people)
    assert stop_link(address.pk) is not None
    follow(reader, link_in(sent[ADDRESS]))
    [email] = [each for each in mails("new_invoice") if each.recipient_address == ADDRESS]
    with pytest.raises(links.LinkEnded):
        links.put_in(email)


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Pacific/Kiritimati"])
def test_the_mail_names_the_day_of_its_readers(people: People, browser: Client, zone: str) -> None:
    """Hawaii and Kiritimati never have the same day."""
    Account.objects.filter(pk=people.account.pk).update(timezone=zone)
    address = added(browser, people)
    [email] = mails("confirm_invoice_address")
    there = address.expires_at.astimezone(ZoneInfo(zone))
    assert f"confirm by {there.day} {there:%B %Y}" in email.text_body
    assert f"confirm by {there.day} {there:%B %Y}" in email.html_body


def test_a_document_made_after_the_reader_stopped_is_not_sent_there(
    people: People, browser: Client
) -> None:
    address = confirmed(browser, people)
    invoice = make_invoice(people.account, seller=make_seller())
    browser.post(page("remove_invoice_address", people, address.pk))
    store_pdf(invoice)
    [email] = [each for each in mails("new_invoice") if each.recipient_address == ADDRESS]
    with pytest.raises(links.LinkEnded):
        links.put_in(email)


def test_who_gets_invoices_for_another_reason_too_is_offered_no_link_that_would_not_help(
    people: People, browser: Client
) -> None:
    ann = make_user(ADDRESS)
    confirmed(browser, people)
    add_member(people.account, ann, receives_invoices=True)
    assert invoice_mails(people)[ADDRESS].link_purpose == ""


def test_no_token_is_stored(people: People, browser: Client) -> None:
    address = added(browser, people)
    [mail] = mails("confirm_invoice_address")
    token = link_in(mails("confirm_invoice_address")[0]).split("/")[-2]
    assert token not in mail.text_body + mail.html_body + address.nonce
    assert (mail.link_purpose, mail.link_row) == (CONFIRM, address.pk)
    assert STOP != CONFIRM


def test_an_accounts_name_that_leads_elsewhere_is_not_mailed_to_strangers(
    people: People, browser: Client
) -> None:
    Account.objects.filter(pk=people.account.pk).update(name="Win at prizes.example")
    add(browser, people)
    [mail] = mails("confirm_invoice_address")
    assert "prizes" not in mail.subject + mail.text_body + mail.html_body
    words = f"asks us to send you new invoices of account {people.account.number}."
    assert words in mail.text_body
    assert words in mail.html_body
