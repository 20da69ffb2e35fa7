"""One customer as staff see it, read in one go within the account's scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import (
    Account,
    Contact,
    Invitation,
    InvoiceAddress,
    Membership,
    OwnershipChange,
)
from accounts.ownership import pending_change
from accounts.permissions import access_in_words, flags_in_words
from audit.models import AuditEvent
from audit.wording import sentence_for
from invoices.models import Invoice

# The latest of what goes on growing; the operator's tables have the rest.
LATEST = 10
_EVENTS = 20
# People of an account; one with more shows how many there are.
MEMBERS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Member:
    membership: Membership
    access: str


@dataclass(frozen=True, slots=True)
class Invited:
    invitation: Invitation
    access: str


@dataclass(frozen=True, slots=True)
class Event:
    happened_at: datetime
    who: str
    what: str
    address: str


@dataclass(frozen=True, slots=True)
class Customer:
    """What the page of one account shows. ``members`` begin with the owner."""

    account: Account
    members: Sequence[Member]
    member_count: int
    contacts: Sequence[Contact]
    invoice_addresses: Sequence[InvoiceAddress]
    invited: Sequence[Invited]
    pending_change: OwnershipChange | None
    changes: Sequence[OwnershipChange]
    invoices: Sequence[Invoice]
    events: Sequence[Event]

    @property
    def owner(self) -> Membership:
        return self.members[0].membership


def read_customer(account: Account) -> Customer:
    """Needs the account's scope."""
    memberships = Membership.objects.filter(account=account)
    members = memberships.select_related("user").order_by("-is_owner", "user__email")
    invitations = Invitation.objects.filter(account=account, state=Invitation.State.PENDING)
    changes = OwnershipChange.objects.filter(account=account).order_by("-created_at")
    people = changes.select_related("from_user", "to_user", "started_by")
    return Customer(
        account=account,
        members=[_member(membership) for membership in members[:MEMBERS_SHOWN]],
        member_count=memberships.count(),
        contacts=list(Contact.objects.filter(account=account).order_by("kind")),
        invoice_addresses=list(InvoiceAddress.objects.filter(account=account).order_by("email")),
        invited=[
            Invited(invitation, flags_in_words(invitation.flags))
            for invitation in invitations.select_related("invited_by").order_by("email")
        ],
        pending_change=pending_change(account),
        changes=list(people[:LATEST]),
        invoices=list(_invoices(account)),
        events=[_event(event) for event in _events(account)],
    )


def _invoices(account: Account) -> Sequence[Invoice]:
    numbered = Invoice.objects.filter(account=account).exclude(state=Invoice.State.DRAFT)
    return list(numbered.order_by("-issue_date", "-pk")[:LATEST])


def _events(account: Account) -> Sequence[AuditEvent]:
    events = AuditEvent.objects.filter(account_id=account.pk)
    return list(events.order_by("-happened_at", "-id")[:_EVENTS])


def _member(membership: Membership) -> Member:
    words = access_in_words(is_owner=membership.is_owner, flags=membership.flags)
    return Member(membership, words)


def _event(event: AuditEvent) -> Event:
    return Event(
        happened_at=event.happened_at,
        who=event.actor_label or event.actor_kind,
        what=sentence_for(event.action, event.subject, details=event.details),
        address=str(event.remote_address or ""),
    )
