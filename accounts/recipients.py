"""Who gets a new invoice by email, and why. Each address once, with every reason it is there."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.contacts import BillingDetails
from accounts.models import InvoiceAddress, Membership
from accounts.permissions import Permission, permissions_of
from common.ids import normalise_email


class Reason(StrEnum):
    """Why an address is among the recipients; frozen with it."""

    BILLING_CONTACT = "billing_contact"
    OWNER_FALLBACK = "owner_fallback"
    DESIGNATED_RECIPIENT = "designated_recipient"
    EXTRA_ADDRESS = "extra_address"


_WORDS: dict[Reason, Promise] = {
    Reason.BILLING_CONTACT: _("Billing contact"),
    Reason.OWNER_FALLBACK: _("Account owner, as there is no billing contact’s address"),
    Reason.DESIGNATED_RECIPIENT: _("Designated recipient"),
    Reason.EXTRA_ADDRESS: _("Extra invoice address"),
}


@dataclass(frozen=True, slots=True)
class Recipient:
    address: str
    name: str
    reasons: tuple[Reason, ...]
    # Whether the reader has a user ID that may open invoices of this account in the panel.
    may_view: bool


def reasons_in_words(reasons: Iterable[str]) -> str:
    """Why an address gets the document: "Billing contact, Designated recipient"."""
    return ", ".join(str(_WORDS[Reason(reason)]) for reason in reasons)


def resolve_recipients(
    details: BillingDetails,
    *,
    memberships: Iterable[Membership],
    invoice_addresses: Iterable[InvoiceAddress] = (),
) -> tuple[Recipient, ...]:
    """The billing contact's address (or the owner's), designated recipients, extra addresses.

    A member is designated whatever their access and whatever the account's status (row U6); an
    extra address counts once its reader has confirmed it. Pure: ``memberships`` come with their
    users. The order is that of the reasons, then of membership, then of the addresses given.
    """
    memberships = sorted(memberships, key=lambda membership: membership.pk)
    viewers = {
        normalise_email(membership.user.email): _may_view(membership)
        for membership in memberships
        if membership.user.is_active
    }
    reason = Reason.BILLING_CONTACT if details.email_is_billing_contacts else Reason.OWNER_FALLBACK
    found: dict[str, Recipient] = {}
    _add(found, details.email, name=details.name or details.company, reason=reason, viewers=viewers)
    for membership in memberships:
        if membership.receives_invoices:
            _add(
                found,
                membership.user.email,
                name=membership.user.get_full_name(),
                reason=Reason.DESIGNATED_RECIPIENT,
                viewers=viewers,
            )
    for extra in invoice_addresses:
        if extra.confirmed_at is not None:
            _add(found, extra.email, name="", reason=Reason.EXTRA_ADDRESS, viewers=viewers)
    return tuple(found.values())


def _add(
    found: dict[str, Recipient],
    address: str,
    *,
    name: str,
    reason: Reason,
    viewers: dict[str, bool],
) -> None:
    key = normalise_email(address)
    if key in found:
        known = found[key]
        found[key] = replace(known, reasons=(*known.reasons, reason), name=known.name or name)
    else:
        found[key] = Recipient(key, name, (reason,), viewers.get(key, False))


def _may_view(membership: Membership) -> bool:
    held = permissions_of(
        is_owner=membership.is_owner,
        flags=membership.flags,
        # Seeing invoices is no billing setting.
        billing_reserved=False,
    )
    return Permission.INVOICES_VIEW in held
