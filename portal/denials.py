"""What would let a member do what they may not: the flags by name, as the Users page has them."""

from accounts.models import Account
from accounts.permissions import (
    Permission,
    flag_words,
    flags_granting,
    is_billing_setting,
    offered_flags,
)


def names_of_flags_granting(account: Account, permission: Permission) -> list[str]:
    """In the order of the forms; empty where only the owner has ``permission``."""
    if account.billing_reserved_to_owner and is_billing_setting(permission):
        return []
    granting = flags_granting(permission)
    return [str(flag_words(flag).name) for flag in offered_flags() if flag in granting]
