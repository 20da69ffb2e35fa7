"""What staff may enter about accounts and contacts."""

import pytest
from django.conf import settings
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Contact
from accounts.permissions import Flag
from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import account_scope, all_accounts_scope
from mail.models import OutgoingEmail
from tests.admin_pages import form_of, refused
from tests.factories import set_billing_contact
from tests.people import People, signed_in
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff: User) -> Client:
    return signed_in(staff)


@pytest.fixture
def account(people: People) -> Account:
    return people.account


@pytest.fixture
def page(account: Account) -> str:
    return reverse("admin:accounts_account_change", args=[account.pk])


def set_tax_number(account: Account, number: str, status: str) -> None:
    Account.objects.filter(pk=account.pk).update(tax_number=number, tax_number_status=status)


def tax_number(account: Account) -> tuple[str, str]:
    account.refresh_from_db()
    return account.tax_number, account.tax_number_status


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("country", "UK", "“UK” is not a country code of ISO 3166-1 such as GB."),
        ("country", "gb", "“gb” is not a country code"),
        ("timezone", "Mars/Olympus", "“Mars/Olympus” is not a time zone such as Europe/Berlin."),
        ("locale", "klingon", "“klingon” is not a language that documents are written in: en,"),
        ("name", "\u3164", "Enter a name that can be read."),
        ("company", "\u200b", "Enter a name that can be read."),
    ],
)
def test_a_mistyped_code_is_refused_at_its_field(
    browser: Client, page: str, field: str, value: str, said: str
) -> None:
    complaints = refused(browser, page, **{field: value})
    assert list(complaints) == [field]
    assert complaints[field].startswith(said)


def test_a_contacts_country_may_be_empty_but_not_mistyped(browser: Client, people: People) -> None:
    contact = set_billing_contact(people.account, email="ap@hartwell.example")
    page = reverse("admin:accounts_contact_change", args=[contact.pk])
    assert refused(browser, page, name="Ann Price") == {}
    assert list(refused(browser, page, country="UK")) == ["country"]
    assert list(refused(browser, page, email="ap@hartwell..example")) == ["email"]


def test_a_contact_without_an_account_is_refused_in_words(browser: Client) -> None:
    page = reverse("admin:accounts_contact_add")
    sent = {"kind": "billing", "tax_number": "823847609", "tax_number_status": "unchecked"}
    answer = browser.post(page, sent)
    assert list(answer.context["adminform"].form.errors) == ["account"]


def test_the_database_takes_no_other_country_of_a_contact(account: Account) -> None:
    with pytest.raises(IntegrityError, match="contact_country_is_a_code"), account_scope(account):
        Contact.objects.create(account=account, kind=Contact.Kind.ADMIN, country="uk")


# --- Tax numbers ----------------------------------------------------------------------------------


def test_a_new_tax_number_is_unchecked_whatever_the_old_one_was(
    browser: Client, account: Account, page: str
) -> None:
    set_tax_number(account, "GB980780684", "valid")
    assert refused(browser, page, tax_number="GB 823 8476 09") == {}
    assert tax_number(account) == ("GB823847609", "unchecked")
    with all_accounts_scope("a test reads the audit log"):
        event = AuditEvent.objects.get(action=Action.ACCOUNT_CHANGED)
    assert event.details == {
        "tax_number": {"old": "GB980780684", "new": "GB823847609"},
        "tax_number_status": {"old": "valid", "new": "unchecked"},
    }


def test_its_status_may_be_set_in_the_same_form(
    browser: Client, account: Account, page: str
) -> None:
    sent = {"tax_number": "823847609", "tax_number_status": "valid"}
    assert refused(browser, page, **sent) == {}
    assert tax_number(account) == ("GB823847609", "valid")


def test_another_change_leaves_number_and_status_alone(
    browser: Client, account: Account, page: str
) -> None:
    set_tax_number(account, "as we got it", "valid")
    assert refused(browser, page, name="Hartwell & Daughters") == {}
    assert tax_number(account) == ("as we got it", "valid")


def test_a_mistyped_tax_number_is_refused_unless_it_is_called_invalid(
    browser: Client, account: Account, page: str
) -> None:
    complaints = refused(browser, page, tax_number="GB823847608")
    assert complaints["tax_number"].startswith("This is no tax number of GB")
    assert refused(browser, page, tax_number="GB823847608", tax_number_status="invalid") == {}
    assert tax_number(account) == ("GB823847608", "invalid")


def test_a_number_that_is_taken_away_is_not_valid_any_more(
    browser: Client, account: Account, page: str
) -> None:
    set_tax_number(account, "GB823847609", "valid")
    assert refused(browser, page, tax_number="") == {}
    assert tax_number(account) == ("", "unchecked")


def test_a_contact_without_an_address_has_a_number_of_the_accounts_country(
    browser: Client, people: People
) -> None:
    contact = set_billing_contact(people.account, email="ap@hartwell.example")
    page = reverse("admin:accounts_contact_change", args=[contact.pk])
    assert "country" not in {name for name, value in form_of(browser, page).items() if value}
    assert refused(browser, page, company="Hartwell AP", tax_number="823847609") == {}
    with account_scope(people.account):
        assert Contact.objects.get(pk=contact.pk).tax_number == "GB823847609"


def test_whoever_is_given_other_access_by_staff_is_told_and_so_is_the_owner(
    people: People, browser: Client
) -> None:
    bobs = people.account.memberships.get(user=people.bob)
    page = reverse("admin:accounts_membership_change", args=[bobs.pk])
    assert refused(browser, page, flags=[Flag.SUPPORT]) == {}
    with all_accounts_scope("a test reads mail"):
        sent = {email.recipient_address: email for email in OutgoingEmail.objects.all()}
    assert sent.keys() == {people.bob.email, people.alice.email}
    for email in sent.values():
        assert "Support tickets" in email.text_body
        assert settings.OPERATOR_NAME in email.text_body
        assert "staff@" not in email.text_body
