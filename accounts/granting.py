"""Who may pass which right on (0078).

User managers grant only rights that they hold themselves, unless the owner has lifted that for the
account. They never change their own access and never touch the owner; taking away is theirs. Pure,
but for ``who_can_grant``: what is given decides, nothing is read.
"""

from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _

from accounts.access import Access, PermissionMissing
from accounts.models import Account, Membership
from accounts.permissions import (
    Flag,
    Permission,
    flag_words,
    flags_granting,
    is_billing_setting,
    offered_flags,
    permissions_of,
)
from users.models import User


class GrantRefused(PermissionMissing):
    """What a member may neither give nor take; answered and audited as a missing permission."""

    def __init__(self, access: Access, permission: Permission, *, words: str) -> None:
        super().__init__(access, permission)
        self.args = (words,)


class RightNotHeld(GrantRefused):
    """A user manager tries to pass on a right that they do not have (ASVS 8.2.3)."""

    def __init__(self, access: Access, flag: Flag) -> None:
        words = _("You cannot give somebody the right “%(right)s”: you do not have it yourself.")
        name = flag_words(flag).name
        super().__init__(access, _first_lacking(access, flag), words=words % {"right": name})


class MayNotDesignate(GrantRefused):
    """Who gets invoices by email is not for this member to say (0078)."""

    def __init__(self, access: Access) -> None:
        reserved = access.account.billing_reserved_to_owner
        super().__init__(
            access,
            Permission.BILLING_CONTACT_MANAGE if reserved else Permission.INVOICES_VIEW,
            words=_("You cannot say who gets this account’s invoices by email."),
        )


class OwnerIsUntouchable(GrantRefused):
    """The owner holds every right for as long as they are the owner."""

    def __init__(self, access: Access) -> None:
        words = _("The owner’s access cannot be changed or taken away.")
        super().__init__(access, Permission.OWNERSHIP_OFFER, words=words)


class OwnAccess(GrantRefused):
    """Nobody changes their own rights: that would be granting above one's own by another way."""

    def __init__(self, access: Access) -> None:
        words = _("You cannot change your own access.")
        super().__init__(access, Permission.MEMBERS_MANAGE, words=words)


def grantable_flags(membership: Membership, *, account: Account) -> frozenset[Flag]:
    """The flags that ``membership`` may pass on in ``account``.

    A right is held when every permission of its flag is: whoever has full access may also grant
    billing. Whether billing settings are reserved to the owner makes no difference: it withholds
    the same from both.
    """
    if membership.is_owner:
        return frozenset(Flag)
    if Flag.USER_MANAGEMENT not in membership.flags:
        return frozenset()
    if account.managers_may_grant_all:
        return frozenset(Flag)
    held = _permissions(membership.flags)
    return frozenset(flag for flag in Flag if _permissions([flag]) <= held)


def who_can_grant(account: Account, permission: Permission) -> list[Membership]:
    """The owner first, then those who manage users and may pass ``permission`` on.

    Whoever is disabled is left out, the owner too. Nobody but the owner can pass on what no flag
    grants, or what is reserved to them.
    """
    reserved = account.billing_reserved_to_owner and is_billing_setting(permission)
    by_managers = frozenset() if reserved else flags_granting(permission)
    memberships = (
        Membership.objects.filter(account=account, user__is_active=True)
        .select_related("user")
        .order_by("-is_owner", "user__email")
    )
    return [
        membership
        for membership in memberships
        if membership.is_owner or by_managers & grantable_flags(membership, account=account)
    ]


def may_designate(membership: Membership, *, account: Account) -> bool:
    """Whether ``membership`` may say which members get new invoices by email (0078)."""
    if membership.is_owner:
        return True
    held = _permissions(membership.flags)
    return (
        not account.billing_reserved_to_owner
        and Permission.MEMBERS_MANAGE in held
        and Permission.INVOICES_VIEW in held
    )


def may_invite(
    membership: Membership | None,
    *,
    account: Account,
    inviter: User,
    flags: Collection[str],
    receives_invoices: bool,
) -> bool:
    """Whether ``inviter`` may give somebody this access now; ``membership`` is theirs, if any."""
    return (
        inviter.is_active
        and membership is not None
        and (membership.is_owner or Flag.USER_MANAGEMENT in membership.flags)
        and grantable_flags(membership, account=account) >= set(flags)
        and (not receives_invoices or may_designate(membership, account=account))
    )


def require_grantable(access: Access, flags: Iterable[str]) -> None:
    """Raise RightNotHeld for the first of ``flags`` that ``access`` may not pass on."""
    allowed = grantable_flags(access.membership, account=access.account)
    for flag in Flag:
        if flag in flags and flag not in allowed:
            raise RightNotHeld(access, flag)


def require_designating(access: Access) -> None:
    """Raise MayNotDesignate unless ``access`` may say who gets invoices."""
    if not may_designate(access.membership, account=access.account):
        raise MayNotDesignate(access)


def require_touchable(access: Access, membership: Membership) -> None:
    """Raise OwnAccess or OwnerIsUntouchable where ``membership`` is not theirs to change."""
    if membership.user_id == access.user.pk:
        raise OwnAccess(access)
    if membership.is_owner:
        raise OwnerIsUntouchable(access)


def kept_flags(flags: Iterable[str]) -> list[str]:
    """Those of ``flags`` that no form offers today: they stay whatever is ticked."""
    offered = offered_flags()
    return [flag for flag in flags if flag not in offered]


def in_order(flags: Collection[str]) -> list[str]:
    """``flags`` once each, in the order of the forms, as they are stored."""
    return [flag.value for flag in Flag if flag in flags]


def _permissions(flags: Collection[str]) -> frozenset[Permission]:
    return permissions_of(is_owner=False, flags=flags, billing_reserved=False)


def _first_lacking(access: Access, flag: Flag) -> Permission:
    wanted = _permissions([flag])
    held = _permissions(access.membership.flags)
    return next(permission for permission in Permission if permission in wanted - held)
