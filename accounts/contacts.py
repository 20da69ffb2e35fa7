"""Whose details an invoice carries: the billing contact's, block by block, else the account's.

The blocks are the person's name; company with its tax number; postal address; phone; email. A
company or an address is taken whole or not at all, so that one company never stands with another's
tax number, nor a street of one place with the city of another (docs/decisions/0017).
"""

from dataclasses import dataclass

from accounts.models import Account, Contact, Membership
from common.exceptions import DomainError


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
