"""Changing the admin and the billing contact, and what invoices quote (row M8)."""

from collections.abc import Mapping
from typing import Any

from accounts.addressing import read_addressing
from accounts.contact_mail import tell_of_new_billing_email
from accounts.contacts import read_billing_details
from accounts.details import apply_changes
from accounts.models import Account, Contact, Membership
from audit.actions import Action
from audit.recording import Actor, record
from users.models import User

CONTACT_COLUMNS = (
    "name",
    "company",
    "tax_number",
    "address_line_1",
    "address_line_2",
    "address_line_3",
    "postcode",
    "city",
    "subdivision",
    "country",
    "phone",
    "email",
)


def contact_of(account: Account, kind: Contact.Kind) -> Contact:
    """The contact, or an empty one that has not been saved. Needs the account's scope."""
    found = Contact.objects.filter(account=account, kind=kind).first()
    return found or Contact(account=account, kind=kind)


def change_contact(
    contact: Contact, *, values: Mapping[str, Any], changed_by: User, actor: Actor
) -> bool:
    """Store ``values`` by column; False when nothing differs. The caller has locked the account.

    When invoices go to another address from now on, the former one and the owner are told.
    """
    account = contact.account
    is_billing = contact.kind == Contact.Kind.BILLING
    before = read_billing_details(account).email if is_billing else ""
    if contact._state.adding:
        contact, _is_new = Contact.objects.get_or_create(account=account, kind=contact.kind)
    wanted = dict(values)
    if any(
        wanted.get(name, getattr(contact, name)) != getattr(contact, name)
        for name in ("tax_number", "country", "company")
    ):
        wanted["tax_number_status"] = Account.TaxNumberStatus.UNCHECKED
    changes = apply_changes(contact, wanted)
    if not changes:
        return False
    record(
        Action.CONTACT_CHANGED,
        actor=actor,
        account_id=account.pk,
        subject=f"{contact.kind} contact",
        details=changes,
    )
    if is_billing:
        after = read_billing_details(account).email
        if after != before:
            tell_of_new_billing_email(account, before=before, after=after, changed_by=changed_by)
    return True


def owner_who_would_lose_invoices(account: Account, *, billing_email: str) -> User | None:
    """The owner, where invoices reach them now and would not with this billing contact."""
    now = read_addressing(account)
    owner = next(member for member in now.memberships if member.is_owner).user
    gets_them = {recipient.address for recipient in now.recipients}
    others = {member.user.email for member in now.memberships if member.receives_invoices}
    others |= {extra.email for extra in now.invoice_addresses if extra.confirmed_at}
    keeps_them = {billing_email or owner.email} | others
    return owner if owner.email in gets_them - keeps_them else None


def keep_invoices_for_owner(account: Account, *, actor: Actor) -> None:
    """Tick *Send new invoices via email* for the owner."""
    membership = Membership.objects.select_related("user").get(account=account, is_owner=True)
    if membership.receives_invoices:
        return
    membership.receives_invoices = True
    membership.save(update_fields=["receives_invoices"])
    record(
        Action.MEMBERSHIP_CHANGED,
        actor=actor,
        account_id=account.pk,
        subject=f"user {membership.user.email}",
        details={"receives_invoices": {"old": False, "new": True}},
    )
