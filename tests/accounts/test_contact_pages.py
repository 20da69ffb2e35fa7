"""Row M8 in the panel: both contacts, what they fall back to, and who gets the next invoice."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Contact
from accounts.permissions import Flag
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from invoices.documents import document_of
from invoices.rendering.composing import lay_out
from mail.models import OutgoingEmail, SuppressedAddress
from tests.factories import (
    add_member,
    make_invoice,
    make_seller,
    make_user,
    set_billing_contact,
)
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(people: People) -> Client:
    return signed_in(people.bob)


def page(name: str, people: People) -> str:
    return reverse(f"settings:{name}", args=[people.account.number])


def filled(browser: Client, address: str, **changes: str) -> dict[str, Any]:
    """What a browser would send of the form at ``address``, with ``changes``."""
    form = browser.get(address).context["form"]
    sent = {field.html_name: field.value() for field in form}
    return {name: value for name, value in sent.items() if value not in (None, False)} | changes


def hidden_in(answer: Any) -> dict[str, Any]:
    """What the question carries along."""
    form = answer.context["form"]
    values = {field.html_name: field.value() for field in form if field.name != "keep_owner"}
    return {name: value or "" for name, value in values.items()} | {"is_confirmed": "on"}


def contact(people: People, kind: Contact.Kind = Contact.Kind.BILLING) -> Contact | None:
    with account_scope(people.account):
        return Contact.objects.filter(account=people.account, kind=kind).first()


def told() -> list[OutgoingEmail]:
    with all_accounts_scope("test"):
        kind = OutgoingEmail.objects.filter(kind="contact_changed")
        return list(kind.order_by("recipient_address"))


def changes_logged() -> int:
    with all_accounts_scope("test"):
        return AuditEvent.objects.filter(action=Action.CONTACT_CHANGED).count()


def readers(browser: Client, people: People) -> dict[str, tuple[str, str]]:
    shown = browser.get(page("contacts", people)).context["readers"]
    return {reader.address: (reader.reasons, reader.withheld) for reader in shown}


# --- Who may ------------------------------------------------------------------------------------


def test_each_contact_is_changed_by_those_who_may_and_by_nobody_else(people: People) -> None:
    full = make_user("full@hartwell.example")
    add_member(people.account, full, Flag.FULL_ACCESS)
    expected = {
        people.alice: (200, 200, 200),
        full: (200, 200, 200),
        people.bob: (200, 200, 403),
        people.dora: (403, 403, 403),
        people.charlie: (404, 404, 404),
    }
    for who, statuses in expected.items():
        browser = signed_in(who)
        names = ("contacts", "billing_contact", "admin_contact")
        assert tuple(browser.get(page(name, people)).status_code for name in names) == statuses
        if statuses[1] != 200:
            browser.post(page("billing_contact", people), {"email": "x@y.example"})
    assert (contact(people), told(), changes_logged()) == (None, [], 0)


def test_the_owner_alone_changes_them_while_billing_is_reserved(
    people: People, browser: Client
) -> None:
    """Row U4."""
    Account.objects.filter(pk=people.account.pk).update(billing_reserved_to_owner=True)
    for name in ("contacts", "billing_contact", "references", "add_invoice_address"):
        assert browser.get(page(name, people)).status_code == 403
    assert browser.post(page("billing_contact", people), {"name": "X"}).status_code == 403
    assert contact(people) is None


# --- Saving -------------------------------------------------------------------------------------


def test_a_billing_contact_is_printed_on_the_next_invoice_block_by_block(
    people: People, browser: Client
) -> None:
    there = page("billing_contact", people)
    browser.post(there, filled(browser, there, name="Ann Payer", phone="+44 20 7946 0018"))
    invoice = make_invoice(people.account, seller=make_seller())
    assert invoice.buyer_party is not None
    assert invoice.buyer_party["name"] == "Hartwell & Sons"
    assert invoice.buyer_party["contact_name"] == "Ann Payer"
    assert invoice.buyer_party["phone"] == "+44 20 7946 0018"
    assert invoice.buyer_party["address"]["lines"] == ["1 High Street"]


def test_the_page_shows_what_is_printed_and_what_each_block_falls_back_to(
    people: People, browser: Client
) -> None:
    set_billing_contact(people.account, email="", name="Ann Payer")
    context = browser.get(page("contacts", people)).context
    assert context["printed"] == (
        "Hartwell & Sons",
        "Ann Payer",
        "1 High Street",
        "Ludlow",
        "SY8 1AA",
        "United Kingdom",
    )
    blocks = {str(block.label): block for block in context["billing"]}
    assert (blocks["Name"].lines, blocks["Name"].is_own) == (("Ann Payer",), True)
    assert blocks["Address"].stands_in == "from the account’s details"
    assert blocks["Email address"].lines == ("alice@hartwell.example",)
    admin = {str(block.label): block for block in context["admin"]}
    assert admin["Name"].lines == ("Alice Hartwell",)


@pytest.mark.parametrize(("country", "locale"), [("GB", "en"), ("US", "en-US"), ("TR", "de")])
def test_the_preview_is_what_the_invoice_prints(
    people: People, browser: Client, country: str, locale: str
) -> None:
    Account.objects.filter(pk=people.account.pk).update(
        country=country, locale=locale, subdivision="CA", company="Hartwell Ltd"
    )
    set_billing_contact(people.account, email="", name="Ann Payer")
    shown = browser.get(page("contacts", people)).context["printed"]
    account = Account.objects.get(pk=people.account.pk)
    invoice = make_invoice(account, seller=make_seller(registration_id="01234567"))
    with account_scope(account):
        printed = lay_out(document_of(invoice))
    contact_line = printed.buyer_address.split("\n")[0]
    assert contact_line.endswith(shown[1])
    assert (printed.buyer_name, *printed.buyer_address.split("\n")[1:]) == (shown[0], *shown[2:])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "email"),
        ({"tax_number": "GB980780684"}, "company"),
        ({"address_line_1": "9 Quay"}, "city"),
        ({"phone": "tomorrow"}, "phone"),
        ({"company": "Other Ltd", "tax_number": "GB12"}, "tax_number"),
        ({"name": "x" * 10_000}, "name"),
    ],
)
def test_a_mistake_is_named_at_its_field_and_nothing_is_saved(
    people: People, browser: Client, changes: dict[str, str], field: str
) -> None:
    there = page("billing_contact", people)
    answer = browser.post(there, filled(browser, there, **changes))
    assert field in answer.context["form"].errors
    assert (contact(people), told(), changes_logged()) == (None, [], 0)


def test_the_admin_contact_gets_no_invoices(people: People) -> None:
    browser = signed_in(people.alice)
    there = page("admin_contact", people)
    browser.post(there, filled(browser, there, name="Head", email="Head@Hartwell.example"))
    saved = contact(people, Contact.Kind.ADMIN)
    assert saved is not None
    assert (saved.name, saved.email) == ("Head", "head@hartwell.example")
    assert list(readers(browser, people)) == ["alice@hartwell.example"]
    assert told() == []


# --- Taking invoices away from the owner --------------------------------------------------------


def test_taking_invoices_from_the_owner_is_asked_about_first_with_all_that_was_typed(
    people: People, browser: Client
) -> None:
    there = page("billing_contact", people)
    typed = filled(browser, there, name="Ann “A” Payer", email="pay@hartwell.example")
    question = browser.post(there, typed)
    assert "no longer to the owner" in question.content.decode()
    assert (contact(people), told(), changes_logged()) == (None, [], 0)
    back = browser.post(there, hidden_in(question) | {"edit": "yes"})
    assert back.context["form"]["name"].value() == "Ann “A” Payer"
    assert contact(people) is None
    assert browser.post(there, hidden_in(question)).status_code == 302
    saved = contact(people)
    assert saved is not None
    assert (saved.name, saved.email) == ("Ann “A” Payer", "pay@hartwell.example")
    assert list(readers(browser, people)) == ["pay@hartwell.example"]


def test_the_owner_can_be_kept_as_a_recipient(people: People, browser: Client) -> None:
    there = page("billing_contact", people)
    question = browser.post(there, filled(browser, there, email="pay@hartwell.example"))
    browser.post(there, hidden_in(question) | {"keep_owner": "on"})
    assert readers(browser, people) == {
        "pay@hartwell.example": ("Billing contact", ""),
        "alice@hartwell.example": ("Designated recipient", ""),
    }


def test_nothing_is_asked_where_the_owner_keeps_getting_them(
    people: People, browser: Client
) -> None:
    people.alice.memberships.update(receives_invoices=True)
    there = page("billing_contact", people)
    answer = browser.post(there, filled(browser, there, email="pay@hartwell.example"))
    assert answer.status_code == 302


def test_the_former_address_and_the_owner_are_told_where_invoices_go_now(
    people: People, browser: Client
) -> None:
    set_billing_contact(people.account, email="pay@hartwell.example")
    there = page("billing_contact", people)
    browser.post(there, filled(browser, there, email="thief@elsewhere.example"))
    assert [mail.recipient_address for mail in told()] == [
        "alice@hartwell.example",
        "pay@hartwell.example",
    ]
    text = told()[1].text_body
    assert "Bob Ferris (bob@hartwell.example) changed the billing contact" in text
    assert "From now on they go to thief@elsewhere.example." in text


def test_names_that_lead_elsewhere_are_not_mailed_to_whoever_a_contact_names(
    people: People, browser: Client
) -> None:
    """Nobody has asked the reader of that address."""
    Account.objects.filter(pk=people.account.pk).update(name="Win at prizes.example")
    User.objects.filter(pk=people.bob.pk).update(first_name="www.prizes")
    set_billing_contact(people.account, email="pay@hartwell.example")
    there = page("billing_contact", people)
    browser.post(there, filled(browser, there, email="other@elsewhere.example"))
    words = f"bob@hartwell.example changed the billing contact of account {people.account.number}."
    for mail in told():
        assert "prizes" not in mail.subject + mail.text_body + mail.html_body
        assert words in mail.text_body
        assert words in mail.html_body


def test_two_people_who_edit_at_once_do_not_overwrite_each_other(
    people: People, browser: Client
) -> None:
    there = page("billing_contact", people)
    stale = filled(browser, there, name="Typed")
    set_billing_contact(people.account, email="", name="Meanwhile")
    answer = browser.post(there, stale)
    assert "Name: Meanwhile" in str(answer.context["form"].non_field_errors())
    saved = contact(people)
    assert saved is not None
    assert saved.name == "Meanwhile"


# --- Who gets the next one ----------------------------------------------------------------------


def test_the_page_says_who_gets_the_next_invoice_and_why_and_the_next_invoice_agrees(
    people: People, browser: Client
) -> None:
    set_billing_contact(people.account, email="dora@hartwell.example")
    people.dora.memberships.update(receives_invoices=True)
    SuppressedAddress.objects.create(address="bob@hartwell.example", reason="bounced")
    people.bob.memberships.update(receives_invoices=True)
    browser.post(page("add_invoice_address", people), {"email": "books@x.example"})
    found = readers(browser, people)
    assert found["dora@hartwell.example"] == ("Billing contact, Designated recipient", "")
    assert found["bob@hartwell.example"][1] == "Our support team stopped it."
    assert found["books@x.example"] == ("", "Waits to be confirmed by its reader.")
    invoice = make_invoice(people.account, seller=make_seller())
    with account_scope(people.account):
        frozen = set(invoice.deliveries.values_list("address", flat=True))
    assert frozen == set(found) - {"books@x.example"}


def test_a_disabled_reader_is_pointed_out(people: People, browser: Client) -> None:
    people.dora.memberships.update(receives_invoices=True)
    type(people.dora).objects.filter(pk=people.dora.pk).update(is_active=False)
    shown = browser.get(page("contacts", people)).context["readers"]
    [note] = [reader.note for reader in shown if reader.address == people.dora.email]
    assert "disabled" in note


def test_the_page_costs_the_same_however_many_people_there_are(
    people: People, browser: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        member = make_user(f"m{number}@hartwell.example")
        add_member(people.account, member, receives_invoices=True)
    with django_assert_max_num_queries(16):
        browser.get(page("contacts", people))
