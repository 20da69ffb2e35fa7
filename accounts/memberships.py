"""Changing what a member may do, removing one, leaving: each under the account's lock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import member_mail
from accounts.access import Access, AccountClosed, PermissionMissing, access_of
from accounts.granting import (
    in_order,
    kept_flags,
    require_designating,
    require_grantable,
    require_touchable,
)
from accounts.invitations import delete_pending
from accounts.models import Account, Membership
from accounts.permissions import Permission
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.scoping import account_scope
from users.models import User


class MemberGone(DomainError):
    """Somebody else has removed the member, or they have left, since the page was opened."""

    def __init__(self) -> None:
        super().__init__(_("This person is no longer a user of this account."))


class OwnerCannotLeave(DomainError):
    """An account always has an owner: ownership is passed on first."""

    def __init__(self) -> None:
        super().__init__(_("You own this account. Offer it to somebody else before you leave it."))


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member has: their flags, and whether new invoices are emailed to them."""

    flags: tuple[str, ...]
    receives_invoices: bool

    def details(self) -> dict[str, Any]:
        """For the audit log."""
        return {"flags": list(self.flags), "receives_invoices": self.receives_invoices}


class ChangedMeanwhile(DomainError):
    """The member's access is not what the form was filled in on; ``now`` is what it is."""

    def __init__(self, now: Standing) -> None:
        super().__init__(
            _(
                "Somebody else has changed this person’s access since you opened this page. Nothing"
                " has been saved. Check the boxes, then save again."
            )
        )
        self.now = now


def standing_of(membership: Membership) -> Standing:
    return Standing(tuple(in_order(membership.flags)), membership.receives_invoices)


@contextmanager
def managing_users(
    access: Access, *, permission: Permission = Permission.MEMBERS_MANAGE
) -> Iterator[Access]:
    """The account's lock, and ``access`` read again under it.

    Raises PermissionMissing when ``permission`` is no longer theirs, AccountClosed.
    """
    with account_scope(access.account):
        account = Account.objects.select_for_update(no_key=True).get(pk=access.account.pk)
        membership = Membership.objects.filter(account=account, user=access.user).first()
        if membership is None:
            raise PermissionMissing(access, permission)
        membership.account = account
        now = access_of(membership, user=access.user)
        if not now.may(permission):
            raise PermissionMissing(now, permission)
        if now.is_read_only:
            raise AccountClosed
        yield now


def change_access(
    access: Access,
    public_id: UUID,
    *,
    flags: Sequence[str],
    receives_invoices: bool,
    seen: Standing,
    actor: Actor,
) -> bool:
    """Give a member these flags, and mail them and the owner; False when there was nothing to do.

    Flags that no form offers today stay. ``seen`` is what the member had when the form was opened.
    Raises MemberGone, OwnAccess, OwnerIsUntouchable, RightNotHeld, MayNotDesignate,
    ChangedMeanwhile.
    """
    with managing_users(access) as manager:
        membership = locked_member(manager, public_id)
        require_touchable(manager, membership)
        before = standing_of(membership)
        after = Standing(tuple(in_order({*flags, *kept_flags(before.flags)})), receives_invoices)
        if after == before:
            return False
        # Before all else, and not counting ``seen``: that is whatever the form says it was.
        require_grantable(manager, set(after.flags) - set(before.flags))
        if seen != before:
            raise ChangedMeanwhile(before)
        if after.receives_invoices != before.receives_invoices:
            require_designating(manager)
        _save(membership, after)
        record(
            Action.MEMBERSHIP_CHANGED,
            actor=actor,
            account_id=manager.account.pk,
            subject=f"user {membership.user.email}",
            details={"from": before.details(), "to": after.details()},
        )
        member_mail.tell_of_change(
            membership, before=before.details(), after=after.details(), changed_by=manager.user
        )
        return True


def choose_own_invoices(access: Access, *, receives_invoices: bool, actor: Actor) -> bool:
    """Have new invoices emailed to oneself, or no more; False when that is so already.

    Anyone may stop it, whatever the account's status. Raises MayNotDesignate, MemberGone.
    """
    with account_scope(access.account):
        account = Account.objects.select_for_update(no_key=True).get(pk=access.account.pk)
        membership = (
            Membership.objects.select_for_update(no_key=True)
            .filter(account=account, user=access.user)
            .first()
        )
        if membership is None:
            raise MemberGone
        if membership.receives_invoices == receives_invoices:
            return False
        if receives_invoices:
            membership.account = account
            require_designating(access_of(membership, user=access.user))
        before = standing_of(membership)
        after = Standing(before.flags, receives_invoices)
        _save(membership, after)
        record(
            Action.MEMBERSHIP_CHANGED,
            actor=actor,
            account_id=account.pk,
            subject=f"user {access.user.email}",
            details={"from": before.details(), "to": after.details()},
        )
        return True


def remove_member(access: Access, public_id: UUID, *, actor: Actor) -> User:
    """Take a member out of the account, and mail them and the owner; their next request is refused.

    Raises MemberGone, OwnAccess (one leaves instead), OwnerIsUntouchable.
    """
    with managing_users(access) as manager:
        membership = locked_member(manager, public_id)
        require_touchable(manager, membership)
        person = membership.user
        _end(membership, Action.MEMBERSHIP_REMOVED, actor=actor)
        member_mail.tell_of_removal(membership, removed_by=manager.user)
        return person


def leave(account: Account, *, user: User, actor: Actor) -> None:
    """End one's own membership, and mail the owner. Raises OwnerCannotLeave, MemberGone."""
    with account_scope(account):
        account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        membership = (
            Membership.objects.select_for_update(no_key=True, of=("self",))
            .select_related("user")
            .filter(account=account, user=user)
            .first()
        )
        if membership is None:
            raise MemberGone
        if membership.is_owner:
            raise OwnerCannotLeave
        membership.account = account
        _end(membership, Action.MEMBERSHIP_LEFT, actor=actor)
        member_mail.tell_of_leaving(membership)


def add_member(
    account: Account, *, user: User, flags: Sequence[str], receives_invoices: bool, actor: Actor
) -> Membership:
    """Make ``user`` a member. The caller holds the account's lock and its scope, and has looked."""
    membership = Membership.objects.create(
        account=account,
        user=user,
        flags=in_order(flags),
        receives_invoices=receives_invoices,
    )
    record(
        Action.MEMBERSHIP_CREATED,
        actor=actor,
        account_id=account.pk,
        subject=f"user {user.email}",
        details={"to": standing_of(membership).details()},
    )
    return membership


def locked_member(access: Access, public_id: UUID) -> Membership:
    """Under the account's lock. Raises MemberGone."""
    membership = (
        Membership.objects.select_for_update(no_key=True, of=("self",))
        .select_related("user")
        .filter(account=access.account, public_id=public_id)
        .first()
    )
    if membership is None:
        raise MemberGone
    membership.account = access.account
    return membership


def _save(membership: Membership, standing: Standing) -> None:
    membership.flags = list(standing.flags)
    membership.receives_invoices = standing.receives_invoices
    membership.save(update_fields=["flags", "receives_invoices"])


def _end(membership: Membership, action: Action, *, actor: Actor) -> None:
    """What the member has sent ends too, and is not there again when they are."""
    standing = standing_of(membership)
    Membership.objects.filter(pk=membership.pk).delete()
    record(
        action,
        actor=actor,
        account_id=membership.account_id,
        subject=f"user {membership.user.email}",
        details={"from": standing.details()},
    )
    delete_pending(
        membership.account,
        sent_by=membership.user,
        reason="who sent it has left the account",
        actor=actor,
    )
