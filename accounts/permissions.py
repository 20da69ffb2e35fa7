"""Which access flag permits what. The one table that checks, forms, pages and docs are made from.

Flags are stored on the membership; code checks permissions, written ``resource:action``. A
permission stands here before its pages do (``has_pages``); a flag that would open no page yet is
not offered. ``manage.py write_permissions`` makes docs/permissions.md from this file.
"""

from collections.abc import Collection
from dataclasses import dataclass
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
    """What a page or an action needs."""

    ACCOUNT_MANAGE = "account:manage"
    ACCOUNT_CLOSE = "account:close"
    OWNERSHIP_OFFER = "ownership:offer"
    CONTACTS_MANAGE = "contacts:manage"
    BILLING_CONTACT_MANAGE = "billing_contact:manage"
    INVOICES_VIEW = "invoices:view"
    STATEMENTS_VIEW = "statements:view"
    INVOICES_PAY = "invoices:pay"
    INVOICES_CORRECT = "invoices:correct"
    PAYMENT_METHODS_MANAGE = "payment_methods:manage"
    SUBSCRIPTION_MANAGE = "subscription:manage"
    SERVICES_VIEW = "services:view"
    SERVICES_PROVISION = "services:provision"
    SERVICES_USE = "services:use"
    USAGE_VIEW = "usage:view"
    TICKETS_VIEW = "tickets:view"
    TICKETS_RAISE = "tickets:raise"
    MEMBERS_VIEW = "members:view"
    MEMBERS_MANAGE = "members:manage"
    SECURITY_MANAGE = "security:manage"
    ACTIVITY_VIEW = "activity:view"


class _AnyMember(Enum):
    ANY_MEMBER = "any member"


# For the few pages that a member may open without any flag. Said aloud, never by leaving it out.
ANY_MEMBER: Final = _AnyMember.ANY_MEMBER

# What a page declares.
Requirement = Permission | Literal[_AnyMember.ANY_MEMBER]


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the table. ``words`` go on after "you may" or "permission to"."""

    words: Promise
    holders: frozenset[Flag] = frozenset()
    # Withheld from everybody but the owner while only they may change billing settings.
    is_billing_setting: bool = False
    has_pages: bool = False


_FULL, _BILLING, _SUPPORT = Flag.FULL_ACCESS, Flag.BILLING, Flag.SUPPORT
_USERS, _PROVISIONING, _SYSTEMS = Flag.USER_MANAGEMENT, Flag.PROVISIONING, Flag.SYSTEMS
_READERS_OF_SERVICES = frozenset({_FULL, _BILLING, _PROVISIONING, _SYSTEMS})

_TABLE: dict[Permission, _Row] = {
    Permission.ACCOUNT_MANAGE: _Row(_("change the account’s details"), has_pages=True),
    Permission.ACCOUNT_CLOSE: _Row(_("close the account"), has_pages=True),
    Permission.OWNERSHIP_OFFER: _Row(_("offer the account to a new owner"), has_pages=True),
    Permission.CONTACTS_MANAGE: _Row(
        _("change the admin contact"), frozenset({_FULL}), is_billing_setting=True, has_pages=True
    ),
    Permission.BILLING_CONTACT_MANAGE: _Row(
        _("change the billing contact and who else gets invoices"),
        frozenset({_FULL, _BILLING}),
        is_billing_setting=True,
        has_pages=True,
    ),
    Permission.INVOICES_VIEW: _Row(_("see invoices"), frozenset({_FULL, _BILLING}), has_pages=True),
    Permission.STATEMENTS_VIEW: _Row(_("see statements"), frozenset({_FULL, _BILLING})),
    Permission.INVOICES_PAY: _Row(_("pay invoices"), frozenset({_FULL, _BILLING})),
    Permission.INVOICES_CORRECT: _Row(
        _("have the name, address or order number on an invoice corrected"),
        frozenset({_FULL, _BILLING}),
    ),
    Permission.PAYMENT_METHODS_MANAGE: _Row(
        _("change payment methods"), frozenset({_FULL, _BILLING}), is_billing_setting=True
    ),
    Permission.SUBSCRIPTION_MANAGE: _Row(
        _("change or cancel the subscription"),
        frozenset({_FULL, _PROVISIONING}),
        is_billing_setting=True,
    ),
    Permission.SERVICES_VIEW: _Row(_("see services"), _READERS_OF_SERVICES),
    Permission.SERVICES_PROVISION: _Row(
        _("add and remove services, which may incur charges"), frozenset({_FULL, _PROVISIONING})
    ),
    Permission.SERVICES_USE: _Row(_("use and manage services"), frozenset({_FULL, _SYSTEMS})),
    Permission.USAGE_VIEW: _Row(_("see plan usage"), _READERS_OF_SERVICES),
    Permission.TICKETS_VIEW: _Row(_("see support tickets"), frozenset({_FULL, _SUPPORT})),
    Permission.TICKETS_RAISE: _Row(_("raise support tickets"), frozenset({_FULL, _SUPPORT})),
    Permission.MEMBERS_VIEW: _Row(
        _("see the account’s users"), frozenset({_USERS}), has_pages=True
    ),
    Permission.MEMBERS_MANAGE: _Row(
        _("add, change and remove users"), frozenset({_USERS}), has_pages=True
    ),
    Permission.SECURITY_MANAGE: _Row(
        _("require two-factor authentication of users"), frozenset({_USERS}), has_pages=True
    ),
    Permission.ACTIVITY_VIEW: _Row(
        _("see what was done in the account"), frozenset({_USERS}), has_pages=True
    ),
}


@dataclass(frozen=True, slots=True)
class FlagWords:
    """A flag as the forms show it: its name, and a sentence on what it lets a person do."""

    name: Promise
    sentence: Promise


_FLAG_WORDS: dict[Flag, FlagWords] = {
    Flag.FULL_ACCESS: FlagWords(
        _("Full access"),
        _(
            "May do everything with billing, contacts, services and support, but not manage users,"
            " change the account’s details or close it."
        ),
    ),
    Flag.BILLING: FlagWords(
        _("Billing"),
        _("May see invoices and change the billing contact and who else gets invoices."),
    ),
    Flag.SUPPORT: FlagWords(
        _("Support tickets"),
        _(
            "May raise support tickets. A ticket authorises our support team to do what it asks on"
            " this account, also what the person could not do alone."
        ),
    ),
    Flag.USER_MANAGEMENT: FlagWords(
        _("User management"),
        _(
            "May add and remove users, change what they may do, require two-factor authentication"
            " of them, and see what was done in the account. They can pass on only rights that they"
            " have, unless the owner has lifted that."
        ),
    ),
    Flag.PROVISIONING: FlagWords(
        _("Provisioning"),
        _(
            "May add and remove services, which may incur charges. Usually they need Systems too,"
            " to use what they added."
        ),
    ),
    Flag.SYSTEMS: FlagWords(_("Systems"), _("May use and manage the services that are there.")),
}


@dataclass(frozen=True, slots=True)
class Preset:
    """A set of flags under a name that people know; it only ticks the boxes."""

    key: str
    name: Promise
    flags: frozenset[Flag]


_PRESETS: tuple[Preset, ...] = (
    Preset("administrator", _("Administrator"), frozenset({_FULL, _USERS})),
    Preset("billing", _("Billing"), frozenset({_BILLING})),
    Preset("technical", _("Technical"), frozenset({_PROVISIONING, _SYSTEMS})),
    Preset("support_contact", _("Support contact"), frozenset({_SUPPORT})),
)


def permissions_of(
    *, is_owner: bool, flags: Collection[str], billing_reserved: bool
) -> frozenset[Permission]:
    """Every permission of a membership with these flags.

    ``billing_reserved``: the account's *Only the owner may change billing settings*.
    """
    if is_owner:
        return frozenset(Permission)
    return frozenset(
        permission
        for permission, row in _TABLE.items()
        if not row.holders.isdisjoint(flags) and not (billing_reserved and row.is_billing_setting)
    )


def flags_granting(permission: Permission) -> frozenset[Flag]:
    """The flags of which any one grants ``permission``; the owner has it besides."""
    return _TABLE[permission].holders


def is_billing_setting(permission: Permission) -> bool:
    """Whether ``permission`` is the owner's alone while billing settings are reserved to them."""
    return _TABLE[permission].is_billing_setting


def has_pages(permission: Permission) -> bool:
    """Whether there is a page or an action yet that asks for ``permission``."""
    return _TABLE[permission].has_pages


def offered_flags() -> list[Flag]:
    """The flags that open something today, in the order of the forms."""
    return [
        flag
        for flag in Flag
        if any(row.has_pages and flag in row.holders for row in _TABLE.values())
    ]


def offered_presets() -> list[Preset]:
    """The presets of which every flag is offered."""
    offered = set(offered_flags())
    return [preset for preset in _PRESETS if preset.flags <= offered]


def in_words(permission: Permission) -> str:
    """What ``permission`` lets a person do, in the reader's language: "see invoices"."""
    return str(_TABLE[permission].words)


def flag_words(flag: Flag) -> FlagWords:
    return _FLAG_WORDS[flag]


def access_in_words(*, is_owner: bool, flags: Collection[str]) -> str:
    """A membership's access as a list for people: "Owner", "Billing, Systems", "No access"."""
    if is_owner:
        return str(_("Owner"))
    return flags_in_words(flags)


def flags_in_words(flags: Collection[str]) -> str:
    """Flags by name in the order of the forms; "No access" for none."""
    named = [str(words.name) for flag, words in _FLAG_WORDS.items() if flag in flags]
    return ", ".join(named) or str(_("No access"))


def flag_choices() -> list[tuple[str, str]]:
    """Every flag with its name, for a form."""
    return [(flag.value, str(words.name)) for flag, words in _FLAG_WORDS.items()]
