"""Whom a member can ask who is stopped for want of two-factor authentication."""

from accounts.models import Account, Membership
from accounts.permissions import Permission, permissions_of
from users.models import User


def names_of_exempters(account: Account, user: User) -> list[str]:
    """Full names of those who can exempt ``user`` in ``account``, the owner's first.

    Nobody can exempt the owner. Whoever has told no name is left out.
    """
    members = Membership.objects.select_related("user").filter(
        account=account, user__is_active=True
    )
    found = list(members.order_by("-is_owner", "user__first_name", "user__last_name"))
    if any(each.is_owner and each.user_id == user.pk for each in found):
        return []
    names = [
        each.user.get_full_name() for each in found if each.user_id != user.pk and _can_exempt(each)
    ]
    return [name for name in names if name]


def _can_exempt(membership: Membership) -> bool:
    held = permissions_of(
        is_owner=membership.is_owner,
        flags=membership.flags,
        # Requiring it is no billing setting.
        billing_reserved=False,
    )
    return Permission.SECURITY_MANAGE in held
