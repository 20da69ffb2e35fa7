"""Invitations as they stand: which can be accepted, which cannot and why, and their links.

``accounts.inviting`` sends them, ``accounts.answering`` is what the invited person does with them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.granting import may_invite
from accounts.models import Account, Invitation, Membership
from accounts.permissions import Flag
from audit.actions import Action
from audit.recording import Actor, record
from common.tokens import is_token, token_for
from users.models import User

PURPOSE = "invitation"
# Row Z3. Long enough for a holiday's end, short enough that a forgotten mailbox opens nothing.
LIFETIME = timedelta(days=10)


class State(StrEnum):
    """What can be done with an invitation at this moment."""

    OPEN = "open"
    EXPIRED = "expired"
    # Whoever sent it may no longer give what it promises.
    WITHOUT_BACKING = "without_backing"
    ACCOUNT_CLOSED = "account_closed"
    # Accepted, declined or deleted.
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Examined:
    """An invitation with its account, its inviter and its state, as they are now."""

    invitation: Invitation
    state: State

    @property
    def account(self) -> Account:
        return self.invitation.account

    @property
    def inviter(self) -> User:
        return self.invitation.invited_by


def examine(invitations: Iterable[Invitation], *, now: datetime | None = None) -> list[Examined]:
    """The state of each; they come with account and inviter. One query, however many there are."""
    invitations = list(invitations)
    now = now or timezone.now()
    inviting = Membership.objects.filter(
        account__in={each.account_id for each in invitations},
        user__in={each.invited_by_id for each in invitations},
    )
    memberships = {(each.account_id, each.user_id): each for each in inviting}
    return [
        Examined(
            each,
            _state(each, memberships.get((each.account_id, each.invited_by_id)), now=now),
        )
        for each in invitations
    ]


def find_by_link(row: UUID, token_hash: str) -> Examined | None:
    """The invitation that a genuine link leads to, in whatever state; None for any other link."""
    invitation = _with_people().filter(pk=row).first()
    if invitation is None or not is_token(PURPOSE, row, invitation.nonce, token_hash):
        return None
    return examine([invitation])[0]


def pending_for(user: User) -> list[Examined]:
    """What awaits the answer of this person, newest first: sent to their verified address."""
    if user.email_verified_at is None:
        return []
    sent = _with_people().filter(email=user.email, state=Invitation.State.PENDING)
    found = examine(sent.order_by("-sent_at", "pk"))
    return [each for each in found if each.state is State.OPEN]


def link_token(invitation: Invitation) -> str:
    return token_for(PURPOSE, invitation.pk, invitation.nonce)


def link_of(invitation: Invitation) -> str:
    """The path of the link that opens ``invitation``."""
    return reverse("accounts:invitation_link", args=[invitation.pk, link_token(invitation)])


def address_for_mail(row: UUID) -> str | None:
    """The link's absolute address as its mail leaves; None when it would open nothing any more."""
    invitation = Invitation.objects.filter(pk=row, state=Invitation.State.PENDING).first()
    return f"{settings.SITE_URL}{link_of(invitation)}" if invitation else None


def whom_to_ask(examined: Examined) -> User:
    """Who can send the invitation again: its inviter while they may manage users, or the owner."""
    account, inviter = examined.account, examined.inviter
    members = Membership.objects.select_related("user").filter(account=account)
    standing = members.filter(user=inviter, user__is_active=True).first()
    if standing and (standing.is_owner or Flag.USER_MANAGEMENT in standing.flags):
        return standing.user
    return members.get(is_owner=True).user


def verified_user_of(email: str) -> User | None:
    """The user ID of an address; one whose address was never verified counts as none."""
    return User.objects.filter(email=email, email_verified_at__isnull=False).first()


def delete_pending(
    account: Account, *, actor: Actor, reason: str, sent_by: User | None = None
) -> None:
    """End all that nobody has answered, or all of these that ``sent_by`` answers for.

    The caller holds the account's lock and its scope.
    """
    pending = Invitation.objects.select_for_update(no_key=True).filter(
        account=account, state=Invitation.State.PENDING
    )
    for invitation in pending.filter(invited_by=sent_by) if sent_by else pending:
        invitation.state, invitation.ended_at = Invitation.State.DELETED, timezone.now()
        invitation.save(update_fields=["state", "ended_at"])
        record(
            Action.INVITATION_DELETED,
            actor=actor,
            account_id=account.pk,
            subject=f"invitation {invitation.email}",
            details={"reason": reason},
        )


def _with_people() -> QuerySet[Invitation]:
    return Invitation.objects.select_related("account", "invited_by")


def _state(invitation: Invitation, inviting: Membership | None, *, now: datetime) -> State:
    account = invitation.account
    if invitation.state != Invitation.State.PENDING:
        return State.ENDED
    if account.status == Account.Status.CLOSED:
        return State.ACCOUNT_CLOSED
    if invitation.expires_at <= now:
        return State.EXPIRED
    backed = may_invite(
        inviting,
        account=account,
        inviter=invitation.invited_by,
        flags=invitation.flags,
        receives_invoices=invitation.receives_invoices,
    )
    return State.OPEN if backed else State.WITHOUT_BACKING
