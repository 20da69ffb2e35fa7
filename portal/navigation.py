"""The sections at the left of every page, from one list: those that the reader may open."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import Access
from accounts.permissions import ANY_MEMBER, Permission, Requirement


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. ``requirement`` is what its page asks for, else the link would lead to a refusal.

    ``heads`` says that only the page itself counts as within it: all others of the account lie
    below the overview's address too.
    """

    label: Promise
    url_name: str
    icon: str
    requirement: Requirement = ANY_MEMBER
    heads: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Entries that belong together; the first section has no name."""

    name: Promise | str
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Link:
    """An entry for one reader on one page; ``current`` is the value of aria-current, or empty."""

    label: Promise
    address: str
    icon: str
    current: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: Promise | str
    links: Sequence[Link]


OF_AN_ACCOUNT: Sequence[Section] = (
    Section("", (Entry(_("Overview"), "account:overview", "overview", heads=True),)),
    Section(
        _("Billing"),
        (Entry(_("Invoices"), "invoices:list", "invoice", Permission.INVOICES_VIEW),),
    ),
    Section(
        _("Settings"),
        (
            Entry(_("Account details"), "settings:details", "account", Permission.ACCOUNT_MANAGE),
            Entry(
                _("Contact details"),
                "settings:contacts",
                "contact",
                Permission.BILLING_CONTACT_MANAGE,
            ),
            Entry(_("Users"), "settings:users", "people", Permission.MEMBERS_VIEW),
            Entry(_("Security"), "settings:security", "lock", Permission.SECURITY_MANAGE),
            Entry(_("Ownership"), "settings:ownership", "key", Permission.OWNERSHIP_OFFER),
            Entry(_("Activity"), "account:activity", "activity", Permission.ACTIVITY_VIEW),
        ),
    ),
)

OF_A_PERSON: Sequence[Section] = (
    Section("", (Entry(_("My accounts"), "portal:accounts", "overview"),)),
    Section(
        _("My user ID"),
        (
            Entry(_("Profile"), "users:profile", "person"),
            Entry(_("Email address"), "users:email", "mail"),
            Entry(_("Password"), "users:password", "key"),
            Entry(_("Two-factor"), "twofactor:overview", "lock"),
            Entry(_("Sessions"), "users:sessions", "activity"),
        ),
    ),
)


def sections_of_account(access: Access, path: str) -> list[Group]:
    """What ``access`` may open, in groups; the entry that ``path`` belongs to is marked."""
    may_open = (
        Section(
            section.name,
            [
                entry
                for entry in section.entries
                if entry.requirement is ANY_MEMBER or access.may(entry.requirement)
            ],
        )
        for section in OF_AN_ACCOUNT
    )
    return _groups(list(may_open), path, arguments=[access.account.number])


def sections_of_person(path: str) -> list[Group]:
    """The person's own pages, where ``path`` is one of them; nothing on any other page."""
    groups = _groups(OF_A_PERSON, path, arguments=[])
    is_one_of_them = any(link.current for group in groups for link in group.links)
    return groups if is_one_of_them else []


def _groups(sections: Sequence[Section], path: str, *, arguments: list[int]) -> list[Group]:
    addresses = {
        entry.url_name: reverse(entry.url_name, args=arguments)
        for section in sections
        for entry in section.entries
    }
    heads = {entry.url_name for section in sections for entry in section.entries if entry.heads}
    nearest = _nearest(addresses, path, heads=heads)
    groups = (
        Group(
            section.name,
            [
                Link(
                    entry.label,
                    addresses[entry.url_name],
                    f"components/icons/{entry.icon}.html",
                    _current(addresses[entry.url_name], path) if entry.url_name == nearest else "",
                )
                for entry in section.entries
            ],
        )
        for section in sections
    )
    return [group for group in groups if group.links]


def _nearest(addresses: dict[str, str], path: str, *, heads: Collection[str]) -> str:
    """The URL name of the longest address that ``path`` lies at or below; empty when none is."""
    around = [
        name
        for name, address in addresses.items()
        if path == address or (path.startswith(address) and name not in heads)
    ]
    return max(around, key=lambda name: len(addresses[name])) if around else ""


def _current(address: str, path: str) -> str:
    return "page" if path == address else "true"
