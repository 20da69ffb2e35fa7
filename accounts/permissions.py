"""Which access flag permits what. The one table that checks, pages and docs are made from.

Flags are stored on the membership; code checks permissions, written ``resource:action``.
"""

from collections.abc import Collection
from enum import Enum, StrEnum
from typing import Final, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Flag(StrEnum):
    """What an owner ticks for a member. The owner holds every permission without any."""

    FULL_ACCESS = "full_access"
    BILLING = "billing"
    SUPPORT = "support"
    USER_MANAGEMENT = "user_management"
    PROVISIONING = "provisioning"
    SYSTEMS = "systems"


class Permission(StrEnum):
    """What a page or an action needs. A permission comes with the first page that asks for it."""

    INVOICES_VIEW = "invoices:view"


class _AnyMember(Enum):
    ANY_MEMBER = "any member"


# For the few pages that a member may open without any flag. Said aloud, never by leaving it out.
ANY_MEMBER: Final = _AnyMember.ANY_MEMBER

# What a page declares.
Requirement = Permission | Literal[_AnyMember.ANY_MEMBER]

_HOLDERS: dict[Permission, frozenset[Flag]] = {
    Permission.INVOICES_VIEW: frozenset({Flag.FULL_ACCESS, Flag.BILLING}),
}

# What each permission lets a person do, as it goes on after "you may" or "permission to".
_WORDS: dict[Permission, Promise] = {
    Permission.INVOICES_VIEW: _("see invoices"),
}

_FLAG_NAMES: dict[Flag, Promise] = {
    Flag.FULL_ACCESS: _("Full access"),
    Flag.BILLING: _("Billing"),
    Flag.SUPPORT: _("Support tickets"),
    Flag.USER_MANAGEMENT: _("User management"),
    Flag.PROVISIONING: _("Provisioning"),
    Flag.SYSTEMS: _("Systems"),
}


def permissions_of(*, is_owner: bool, flags: Collection[str]) -> frozenset[Permission]:
    """Every permission that a membership with these flags has."""
    if is_owner:
        return frozenset(Permission)
    return frozenset(
        permission for permission, holders in _HOLDERS.items() if not holders.isdisjoint(flags)
    )


def flags_granting(permission: Permission) -> frozenset[Flag]:
    """The flags of which any one grants ``permission``; the owner has it besides."""
    return _HOLDERS[permission]


def in_words(permission: Permission) -> str:
    """What ``permission`` lets a person do, in the reader's language: "see invoices"."""
    return str(_WORDS[permission])


def access_in_words(*, is_owner: bool, flags: Collection[str]) -> str:
    """A membership's access as a list for people: "Owner", "Billing, Systems", "No access"."""
    if is_owner:
        return str(_("Owner"))
    named = [str(name) for flag, name in _FLAG_NAMES.items() if flag in flags]
    return ", ".join(named) or str(_("No access"))


def flag_choices() -> list[tuple[str, str]]:
    """Every flag with its name, for a form."""
    return [(flag.value, str(name)) for flag, name in _FLAG_NAMES.items()]
