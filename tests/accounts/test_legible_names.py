"""Z6: a customer cannot stop their own billing with a name that nobody can see (BR-07)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.forms.contacts import ContactForm
from accounts.forms.details import DetailsForm
from accounts.forms.invitations import NewInvitedUserForm
from accounts.forms.invoice_addresses import InvoiceAddressForm
from accounts.forms.new_account import NewAccountForm
from accounts.forms.signup import SignUpForm
from accounts.models import Account, Contact
from invoices.customer_forms import AnotherAddressForm
from tests.common.test_visible import INVISIBLE
from tests.people import People, signed_in
from users.forms import NewEmailForm, SignInForm

SAID = "Enter a name that can be read."


def complaints(form: Any, field: str) -> list[str]:
    return list(form.errors.get(field, []))


def forms(value: str) -> Iterator[tuple[Any, str]]:
    """Every form of a customer's that takes names, with its fields that do."""
    account = Account(country="GB", timezone="UTC", locale="en")
    for field in ("first_name", "last_name", "organisation"):
        yield SignUpForm({field: value, "kind": "organisation"}, email="a@b.example"), field
    for field in ("first_name", "last_name"):
        yield NewInvitedUserForm({field: value}, email="a@b.example"), field
    yield NewAccountForm({"name": value}), "name"
    for field in ("name", "company"):
        yield ContactForm({field: value}, contact=Contact(account=account)), field


@pytest.mark.parametrize("name", INVISIBLE[2:], ids=ascii)
def test_no_form_takes_a_name_that_cannot_be_seen(name: str) -> None:
    for form, field in forms(name):
        if name == "\x07" and field not in ("company", "name"):
            assert complaints(form, field)
        else:
            assert SAID in complaints(form, field), (form, field)


def test_a_name_in_any_script_is_taken() -> None:
    for form, field in forms("Łódź 株式会社"):
        assert complaints(form, field) == []


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["name", "company", "first_name"])
def test_account_details_keep_the_name_that_was(people: People, field: str) -> None:
    page = reverse("settings:details", args=[people.account.number])
    browser = signed_in(people.alice)
    answer = browser.post(page, {**shown(browser, page), field: "\u3164"})
    assert complaints(answer.context["form"], field) == [SAID]
    assert isinstance(answer.context["form"], DetailsForm)
    assert Account.objects.get(pk=people.account.pk).name == people.account.name


def shown(browser: Client, page: str) -> dict[str, Any]:
    sent = {field.html_name: field.value() for field in browser.get(page).context["form"]}
    return {name: value for name, value in sent.items() if value not in (None, False)}


# --- Addresses ----------------------------------------------------------------------------------


def address_forms(address: str) -> Iterator[Any]:
    account = Account(country="GB", timezone="UTC", locale="en")
    yield ContactForm({"email": address}, contact=Contact(account=account))
    yield InvoiceAddressForm({"email": address})
    yield AnotherAddressForm({"email": address})
    yield NewEmailForm({"email": address})


def test_an_address_without_a_dot_is_refused_with_the_reason() -> None:
    for form in address_forms("a@localhost"):
        [said] = complaints(form, "email")
        assert "with a dot after the @" in said
    for form in address_forms("nobody"):
        assert len(complaints(form, "email")) == 1
    for form in address_forms("a@example.com"):
        assert complaints(form, "email") == []


def test_whoever_has_such_an_address_signs_in_with_it() -> None:
    form = SignInForm({"email": "root@localhost", "password": "x"})
    assert form.is_valid()
