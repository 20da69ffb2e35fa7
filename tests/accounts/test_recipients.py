"""Who gets a new invoice, and why. Pure: memberships and users here are in no database."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from accounts.contacts import BillingDetails
from accounts.models import InvoiceAddress, Membership
from accounts.permissions import Flag
from accounts.recipients import Reason, Recipient, reasons_in_words, resolve_recipients
from users.models import User

_keys = count(1)

DETAILS = BillingDetails(
    name="Ann Payer",
    company="Ladle & Sons Ltd",
    tax_number="",
    tax_number_status="unchecked",
    address_lines=("1 High Street",),
    postcode="LS1 1AA",
    city="Leeds",
    subdivision="",
    country="GB",
    phone="",
    email="ap@ladle.example",
    email_is_billing_contacts=True,
)


def a_member(
    email: str,
    *flags: Flag,
    is_owner: bool = False,
    receives: bool = True,
    is_active: bool = True,
    **names: Any,
) -> Membership:
    key = next(_keys)
    user = User(pk=key, email=email, is_active=is_active, **names)
    return Membership(
        pk=key, user=user, is_owner=is_owner, flags=list(flags), receives_invoices=receives
    )


def an_owner(email: str = "owner@ladle.example", *, receives: bool = False) -> Membership:
    return a_member(email, is_owner=True, receives=receives)


def resolve(*members: Membership, **details: Any) -> tuple[Recipient, ...]:
    return resolve_recipients(replace(DETAILS, **details), memberships=members)


def addresses(*members: Membership, **details: Any) -> list[str]:
    return [recipient.address for recipient in resolve(*members, **details)]


# --- Who ----------------------------------------------------------------------------------------


def test_the_billing_contact_alone_gets_it_where_nobody_else_was_chosen() -> None:
    [recipient] = resolve(an_owner(), a_member("bob@ladle.example", receives=False))
    assert (recipient.address, recipient.reasons) == (
        "ap@ladle.example",
        (Reason.BILLING_CONTACT,),
    )


def test_the_owner_stands_in_for_a_billing_contact_without_an_address() -> None:
    [recipient] = resolve(an_owner(), email="owner@ladle.example", email_is_billing_contacts=False)
    assert (recipient.address, recipient.reasons) == (
        "owner@ladle.example",
        (Reason.OWNER_FALLBACK,),
    )
    assert recipient.may_view


def test_designated_members_come_after_in_the_order_of_their_memberships() -> None:
    carla, bob = a_member("carla@ladle.example"), a_member("bob@ladle.example")
    assert addresses(bob, an_owner(), carla) == [
        "ap@ladle.example",
        "carla@ladle.example",
        "bob@ladle.example",
    ]


@pytest.mark.parametrize("flags", [[], [Flag.SYSTEMS], [Flag.BILLING]])
def test_a_member_is_designated_whatever_their_access(flags: list[Flag]) -> None:
    assert "bob@ladle.example" in addresses(a_member("bob@ladle.example", *flags))


def test_the_owner_gets_nothing_as_such_where_there_is_a_billing_contact() -> None:
    assert addresses(an_owner()) == ["ap@ladle.example"]
    assert addresses(an_owner(receives=True)) == ["ap@ladle.example", "owner@ladle.example"]


# --- Each address once, with every reason --------------------------------------------------------


def test_an_address_that_is_there_for_two_reasons_gets_one_mail_that_tells_both() -> None:
    [recipient] = resolve(a_member("ap@ladle.example"))
    assert recipient.reasons == (Reason.BILLING_CONTACT, Reason.DESIGNATED_RECIPIENT)


def test_the_owner_as_a_stand_in_and_by_choice_gets_one_mail() -> None:
    [recipient] = resolve(
        an_owner(receives=True), email="owner@ladle.example", email_is_billing_contacts=False
    )
    assert recipient.reasons == (Reason.OWNER_FALLBACK, Reason.DESIGNATED_RECIPIENT)


@pytest.mark.parametrize(
    "spelled", ["AP@Ladle.Example", " ap@ladle.example ", "ａｐ@ladle.example"]
)
def test_one_address_however_it_is_spelled(spelled: str) -> None:
    [recipient] = resolve(a_member("ap@ladle.example"), email=spelled)
    assert recipient.address == "ap@ladle.example"
    assert recipient.reasons == (Reason.BILLING_CONTACT, Reason.DESIGNATED_RECIPIENT)


def test_a_name_that_the_contact_lacks_is_taken_from_the_member() -> None:
    ann = a_member("ap@ladle.example", first_name="Ann", last_name="Payer")
    assert resolve(ann, name="", company="")[0].name == "Ann Payer"
    assert resolve(ann, name="", company="Ladle & Sons Ltd")[0].name == "Ladle & Sons Ltd"
    assert resolve(ann, name="Accounts Payable")[0].name == "Accounts Payable"


# --- Who may open it in the panel ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "may_view"),
    [
        (a_member("bob@ladle.example"), False),
        (a_member("bob@ladle.example", Flag.SYSTEMS), False),
        (a_member("bob@ladle.example", Flag.BILLING), True),
        (a_member("bob@ladle.example", Flag.FULL_ACCESS), True),
        (a_member("bob@ladle.example", is_owner=True), True),
        (a_member("bob@ladle.example", Flag.BILLING, is_active=False), False),
        (a_member("bob@ladle.example", is_owner=True, is_active=False), False),
    ],
)
def test_a_link_to_the_panel_is_for_whoever_may_follow_it(
    member: Membership, may_view: bool
) -> None:
    _, bob = resolve(member)
    assert (bob.address, bob.may_view) == ("bob@ladle.example", may_view)


def test_a_billing_contact_who_is_a_member_with_access_may_follow_the_link() -> None:
    """Whether they were designated or not: it is the same person at the same address."""
    ann = a_member("AP@ladle.example", Flag.BILLING, receives=False)
    [recipient] = resolve(ann)
    assert recipient.may_view
    assert recipient.reasons == (Reason.BILLING_CONTACT,)


def test_a_billing_contact_who_is_no_member_may_not() -> None:
    assert not resolve(an_owner())[0].may_view


def test_a_designated_recipient_who_can_no_longer_sign_in_still_gets_the_mail() -> None:
    """Only the owner or a manager of users takes somebody off the list."""
    gone = a_member("bob@ladle.example", Flag.BILLING, is_active=False)
    assert addresses(gone) == ["ap@ladle.example", "bob@ladle.example"]


# --- Extra addresses ----------------------------------------------------------------------------


def an_extra_address(email: str, *, confirmed: bool = True) -> InvoiceAddress:
    return InvoiceAddress(email=email, confirmed_at=datetime.now(UTC) if confirmed else None)


def test_a_confirmed_extra_address_comes_last_and_an_unconfirmed_one_not_at_all() -> None:
    found = resolve_recipients(
        DETAILS,
        memberships=[an_owner(), a_member("bob@ladle.example")],
        invoice_addresses=[
            an_extra_address("books@x.example"),
            an_extra_address("new@x.example", confirmed=False),
        ],
    )
    assert [(each.address, each.reasons) for each in found][1:] == [
        ("bob@ladle.example", (Reason.DESIGNATED_RECIPIENT,)),
        ("books@x.example", (Reason.EXTRA_ADDRESS,)),
    ]


def test_an_extra_address_of_somebody_who_gets_it_anyway_adds_a_reason_and_no_second_mail() -> None:
    [found] = resolve_recipients(
        DETAILS, memberships=[an_owner()], invoice_addresses=[an_extra_address(DETAILS.email)]
    )
    assert found.reasons == (Reason.BILLING_CONTACT, Reason.EXTRA_ADDRESS)


def test_every_reason_has_words() -> None:
    assert reasons_in_words(Reason) == (
        "Billing contact, Account owner, as there is no billing contact’s address,"
        " Designated recipient, Extra invoice address"
    )
