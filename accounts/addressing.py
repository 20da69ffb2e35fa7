"""How the next invoice of an account will be addressed: whose details, and who gets it."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.contacts import BillingDetails, billing_details
from accounts.models import Account, Contact, InvoiceAddress, Membership
from accounts.recipients import Recipient, resolve_recipients


@dataclass(frozen=True, slots=True)
class Addressing:
    """The answer at one moment, with the rows that it follows from."""

    details: BillingDetails
    recipients: tuple[Recipient, ...]
    memberships: Sequence[Membership]
    invoice_addresses: Sequence[InvoiceAddress]


def read_addressing(account: Account) -> Addressing:
    """In three statements; what issuing freezes, and what the panel shows before. Needs the scope.

    Raises accounts.contacts.NoBillingAddress.
    """
    billing_contact = Contact.objects.filter(account=account, kind=Contact.Kind.BILLING).first()
    memberships = list(
        Membership.objects.filter(account=account).select_related("user").order_by("pk")
    )
    extra = list(InvoiceAddress.objects.filter(account=account).order_by("created_at", "pk"))
    owner_email = next((member.user.email for member in memberships if member.is_owner), "")
    details = billing_details(account, billing_contact=billing_contact, owner_email=owner_email)
    recipients = resolve_recipients(details, memberships=memberships, invoice_addresses=extra)
    return Addressing(details, recipients, memberships, extra)
