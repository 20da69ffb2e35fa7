"""Whose details an invoice carries: the billing contact's, block by block, else the account's.

The blocks are the person's name; company with its tax number; postal address; phone; email. A
company or an address is taken whole or not at all, so that one company never stands with another's
tax number, nor a street of one place with the city of another (docs/decisions/0017).
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django_countries import countries

from accounts.addresses import city_lines, country_name
from accounts.models import Account, Contact, Membership
from common.exceptions import DomainError
from users.models import User


class NoBillingAddress(DomainError):
    """Neither the billing contact nor the owner has an email address to send an invoice to."""


@dataclass(frozen=True, slots=True)
class BillingDetails:
    """What is printed about the customer, and where the invoice goes."""

    name: str
    company: str
    tax_number: str
    tax_number_status: str
    address_lines: tuple[str, ...]
    postcode: str
    city: str
    subdivision: str
    country: str
    phone: str
    email: str
    # False when the address is the owner's, for want of one on the billing contact.
    email_is_billing_contacts: bool


def read_billing_details(account: Account) -> BillingDetails:
    """The billing details of this moment, in two statements. Needs the account's scope.

    Raises NoBillingAddress.
    """
    contact = Contact.objects.filter(account=account, kind=Contact.Kind.BILLING).first()
    owner = Membership.objects.filter(account=account, is_owner=True).select_related("user").first()
    return billing_details(
        account, billing_contact=contact, owner_email=owner.user.email if owner else ""
    )


def billing_details(
    account: Account, *, billing_contact: Contact | None, owner_email: str
) -> BillingDetails:
    """The details that a new invoice of ``account`` freezes. Pure: reads no table.

    Raises NoBillingAddress when there is nowhere to send it.
    """
    contact = billing_contact or Contact(account=account, kind=Contact.Kind.BILLING)
    email = contact.email or owner_email
    if not email:
        raise NoBillingAddress(f"Account {account.number} has no email address for invoices.")
    company_source: Account | Contact = contact if contact.company else account
    address: Account | Contact = contact if _has_address(contact) else account
    company = company_source.company or (
        account.name if account.kind == Account.Kind.ORGANISATION else ""
    )
    return BillingDetails(
        name=contact.name or ("" if company else account.name),
        company=company,
        # The number of the company that is printed, or none: never that of another one.
        tax_number=company_source.tax_number,
        tax_number_status=company_source.tax_number_status,
        address_lines=tuple(
            line
            for line in (address.address_line_1, address.address_line_2, address.address_line_3)
            if line
        ),
        postcode=address.postcode,
        city=address.city,
        subdivision=address.subdivision,
        country=address.country or account.country,
        phone=contact.phone or account.phone,
        email=email,
        email_is_billing_contacts=bool(contact.email),
    )


def _has_address(contact: Contact) -> bool:
    return bool(contact.address_line_1 or contact.city or contact.postcode)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a contact: what it says itself, or what stands in for it, and whose that is."""

    label: str
    lines: tuple[str, ...]
    is_own: bool
    # Whose details stand in; empty when the block is the contact's own.
    stands_in: str = ""


def contact_blocks(contact: Contact, *, account: Account, owner: User) -> list[Block]:
    """The contact as a page shows it: each block its own, or what it falls back to."""
    of_account = _("from the account’s details")
    of_owner = _("from the owner’s profile")
    company = _company_lines(account.company or _own_name(account), account.tax_number)
    name = owner.get_full_name() if contact.kind == Contact.Kind.ADMIN else ""
    return [
        _block(_("Name"), (contact.name,), (name,), of_owner),
        _block(
            _("Company and tax number"),
            _company_lines(contact.company, contact.tax_number),
            company,
            of_account,
        ),
        _block(
            _("Address"),
            _postal_lines(contact) if _has_address(contact) else (),
            _postal_lines(account),
            of_account,
        ),
        _block(_("Phone"), (contact.phone,), (account.phone,), of_account),
        _block(_("Email address"), (contact.email,), (owner.email,), of_owner),
    ]


def overridden_by(contact: Contact) -> list[str]:
    """Which of the account's details the billing contact's own replace on invoices, in words."""
    found = (
        (bool(contact.company), _("company and tax number")),
        (_has_address(contact), _("address")),
        (bool(contact.phone), _("phone")),
        (bool(contact.email), _("email address")),
    )
    return [words for is_replaced, words in found if is_replaced]


def printed_name_and_address(details: BillingDetails, *, locale: str) -> tuple[str, ...]:
    """The customer's block of an invoice in ``locale``, line by line, in its country's order."""
    person = details.name if details.company else ""
    below = city_lines(
        details.country,
        postcode=details.postcode,
        city=details.city,
        subdivision=details.subdivision,
    )
    country = country_name(details.country, locale=locale)
    lines = (details.company or details.name, person, *details.address_lines, *below, country)
    return tuple(filter(None, lines))


def _block(label: str, own: tuple[str, ...], fallback: tuple[str, ...], whose: str) -> Block:
    lines = tuple(filter(None, own))
    if lines:
        return Block(label, lines, is_own=True)
    stand_in = tuple(filter(None, fallback))
    return Block(label, stand_in, is_own=False, stands_in=whose if stand_in else "")


def _company_lines(company: str, tax_number: str) -> tuple[str, ...]:
    number = _("Tax number %(number)s") % {"number": tax_number} if tax_number else ""
    return (company, number) if company else (number,)


def _own_name(account: Account) -> str:
    return account.name if account.kind == Account.Kind.ORGANISATION else ""


def _postal_lines(row: Account | Contact) -> tuple[str, ...]:
    below = city_lines(
        row.country, postcode=row.postcode, city=row.city, subdivision=row.subdivision
    )
    country = str(countries.name(row.country)) if row.country else ""
    return (row.address_line_1, row.address_line_2, row.address_line_3, *below, country)
