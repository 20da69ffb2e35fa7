"""Sending invitations: inviting an address, sending again, deleting. Under the account's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts import invitation_mail, member_mail
from accounts.access import Access
from accounts.granting import in_order, require_designating, require_grantable
from accounts.invitation_limits import count_invitation
from accounts.invitations import LIFETIME, verified_user_of
from accounts.memberships import add_member, managing_users
from accounts.models import Invitation, Membership
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.ids import normalise_email
from common.tokens import new_nonce
from mail.addresses import envelope_address
from users.models import User


class AlreadyMember(DomainError):
    """The address is that of somebody who is in the account, or owns it."""

    def __init__(self, email: str) -> None:
        words = _("%(email)s is a user of this account already. Change their access instead.")
        super().__init__(words % {"email": email})


class AlreadyInvited(DomainError):
    """There is an invitation to this address: it can be sent again, or deleted first."""

    def __init__(self, email: str) -> None:
        words = _(
            "%(email)s has been invited already. On the page Users you can send the invitation"
            " again, or delete it and invite them with other rights."
        )
        super().__init__(words % {"email": email})


class InvitationGone(DomainError):
    """It was answered or deleted since the page was opened."""

    def __init__(self) -> None:
        super().__init__(_("This invitation has been answered or deleted meanwhile."))


class SentAgainAlready(DomainError):
    """Somebody pressed the button a moment ago: one mail is enough."""

    def __init__(self) -> None:
        super().__init__(_("This invitation was sent again a moment ago."))


@dataclass(frozen=True, slots=True)
class Invited:
    """What came of adding somebody: a membership at once, or else an invitation."""

    email: str
    invitation: Invitation | None = None
    membership: Membership | None = None


def invite(
    access: Access, *, email: str, flags: Sequence[str], receives_invoices: bool, actor: Actor
) -> Invited:
    """Invite an address, or add its user ID at once where ``INVITE_EXISTING_USERS`` is "add".

    Whether the address has a user ID makes no difference that the inviter could see, but in that
    case (0077). Raises RightNotHeld, MayNotDesignate, AlreadyMember, AlreadyInvited,
    TooManyInvitations, mail.addresses.UnusableAddress.
    """
    email = normalise_email(email)
    with managing_users(access) as manager:
        require_grantable(manager, flags)
        if receives_invoices:
            require_designating(manager)
        envelope_address(email)
        account = manager.account
        if Membership.objects.filter(account=account, user__email=email).exists():
            raise AlreadyMember(email)
        pending = Invitation.objects.filter(account=account, email=email)
        if pending.filter(state=Invitation.State.PENDING).exists():
            raise AlreadyInvited(email)
        count_invitation(account, email)
        known = verified_user_of(email)
        if known and known.is_active and settings.INVITE_EXISTING_USERS == "add":
            membership = _add(
                manager, known, flags=flags, receives_invoices=receives_invoices, actor=actor
            )
            return Invited(email, membership=membership)
        invitation = _new_invitation(
            manager, email, flags=flags, receives_invoices=receives_invoices, actor=actor
        )
        invitation_mail.send_invitation(invitation, to=known)
        return Invited(email, invitation=invitation)


def send_again(access: Access, pk: UUID, *, seen_count: int, actor: Actor) -> Invitation:
    """Ten more days under a new link, which ends the old one.

    Whoever sends it again answers for it from now on, so they need the right to grant what it
    promises. ``seen_count`` is how often it had been sent when the page was opened: a second click
    sends nothing. Raises InvitationGone, SentAgainAlready, RightNotHeld, MayNotDesignate,
    TooManyInvitations.
    """
    with managing_users(access) as manager:
        invitation = _pending(manager, pk)
        require_grantable(manager, invitation.flags)
        if invitation.receives_invoices:
            require_designating(manager)
        if invitation.sent_count != seen_count:
            raise SentAgainAlready
        count_invitation(manager.account, invitation.email)
        former = invitation.expires_at
        invitation.sent_at = timezone.now()
        invitation.expires_at = invitation.sent_at + LIFETIME
        invitation.sent_count += 1
        invitation.nonce = new_nonce()
        invitation.invited_by = manager.user
        invitation.language = _language()
        invitation.save()
        record(
            Action.INVITATION_SENT_AGAIN,
            actor=actor,
            account_id=manager.account.pk,
            subject=f"invitation {invitation.email}",
            details={"expires_at": {"old": former, "new": invitation.expires_at}},
        )
        invitation_mail.send_invitation(invitation, to=verified_user_of(invitation.email))
        return invitation


def delete_invitation(access: Access, pk: UUID, *, actor: Actor) -> Invitation:
    """End an invitation that nobody has answered, with its link. Raises InvitationGone."""
    with managing_users(access) as manager:
        invitation = _pending(manager, pk)
        invitation.state = Invitation.State.DELETED
        invitation.ended_at = timezone.now()
        invitation.save(update_fields=["state", "ended_at"])
        record(
            Action.INVITATION_DELETED,
            actor=actor,
            account_id=manager.account.pk,
            subject=f"invitation {invitation.email}",
            details={"from": promised(invitation)},
        )
        return invitation


def promised(invitation: Invitation) -> dict[str, object]:
    """What ``invitation`` gives, for the audit log."""
    return {"flags": invitation.flags, "receives_invoices": invitation.receives_invoices}


def _add(
    access: Access, user: User, *, flags: Sequence[str], receives_invoices: bool, actor: Actor
) -> Membership:
    membership = add_member(
        access.account, user=user, flags=flags, receives_invoices=receives_invoices, actor=actor
    )
    member_mail.tell_of_addition(membership, added_by=access.user)
    return membership


def _new_invitation(
    access: Access, email: str, *, flags: Sequence[str], receives_invoices: bool, actor: Actor
) -> Invitation:
    now = timezone.now()
    invitation = Invitation.objects.create(
        account=access.account,
        email=email,
        flags=in_order(flags),
        receives_invoices=receives_invoices,
        invited_by=access.user,
        language=_language(),
        sent_at=now,
        expires_at=now + LIFETIME,
    )
    record(
        Action.INVITATION_SENT,
        actor=actor,
        account_id=access.account.pk,
        subject=f"invitation {email}",
        details={"to": promised(invitation), "expires_at": invitation.expires_at},
    )
    return invitation


def _pending(access: Access, pk: UUID) -> Invitation:
    invitation = (
        Invitation.objects.select_for_update(no_key=True)
        .filter(account=access.account, pk=pk, state=Invitation.State.PENDING)
        .first()
    )
    if invitation is None:
        raise InvitationGone
    invitation.account = access.account
    return invitation


def _language() -> str:
    """The language that the inviter reads the panel in."""
    return get_language() or settings.LANGUAGE_CODE
