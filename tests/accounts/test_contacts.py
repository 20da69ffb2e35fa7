"""Whose details are printed: the pure fall-back of docs/decisions/0017."""

import pytest

from accounts.contacts import BillingDetails, NoBillingAddress, billing_details
from accounts.models import Account, Contact


def details(
    contact: Contact | None = None, *, owner: str = "owner@ladle.example"
) -> BillingDetails:
    account = Account(
        kind=Account.Kind.ORGANISATION,
        number=100001,
        name="Ladle & Sons",
        company="Ladle & Sons Ltd",
        tax_number="GB980780684",
        tax_number_status="valid",
        address_line_1="1 High Street",
        city="Leeds",
        postcode="LS1 1AA",
        country="GB",
        phone="0113 1",
    )
    return billing_details(account, billing_contact=contact, owner_email=owner)


def test_without_a_billing_contact_everything_is_the_accounts() -> None:
    found = details()
    assert (found.name, found.company, found.tax_number) == ("", "Ladle & Sons Ltd", "GB980780684")
    assert (found.email, found.email_is_billing_contacts) == ("owner@ladle.example", False)


def test_a_person_alone_leaves_company_and_tax_number_on_the_invoice() -> None:
    found = details(Contact(name="Ann Payer", email="ap@ladle.example"))
    assert (found.name, found.company, found.tax_number) == (
        "Ann Payer",
        "Ladle & Sons Ltd",
        "GB980780684",
    )
    assert (found.email, found.email_is_billing_contacts) == ("ap@ladle.example", True)


def test_another_company_never_stands_with_the_accounts_tax_number() -> None:
    found = details(Contact(company="Ladle Holdings plc"))
    assert (found.company, found.tax_number) == ("Ladle Holdings plc", "")


def test_an_address_is_taken_whole() -> None:
    found = details(Contact(address_line_1="9 Quay", country="IE"))
    assert (found.address_lines, found.city, found.country) == (("9 Quay",), "", "IE")
    assert found.phone == "0113 1"


def test_a_person_is_named_where_there_is_no_company() -> None:
    account = Account(kind=Account.Kind.PERSONAL, number=1, name="Ana Ruiz", country="ES")
    found = billing_details(account, billing_contact=None, owner_email="ana@x.example")
    assert (found.name, found.company) == ("Ana Ruiz", "")


def test_nowhere_to_send_it_is_a_refusal() -> None:
    with pytest.raises(NoBillingAddress, match="100001"):
        details(owner="")
