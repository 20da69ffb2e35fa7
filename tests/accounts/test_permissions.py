"""The one table of who may do what, written out a second time by hand, and told in the docs."""

import re
from pathlib import Path

import pytest
from django.urls import get_resolver

from accounts.checks import declared_requirement, routes
from accounts.management.commands.write_permissions import brought_up_to_date
from accounts.permissions import (
    ANY_MEMBER,
    Flag,
    Permission,
    access_in_words,
    flag_choices,
    flags_granting,
    has_pages,
    in_words,
    offered_flags,
    offered_presets,
    permissions_of,
)

DOCS = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"

_FULL, _BILLING, _SUPPORT = Flag.FULL_ACCESS, Flag.BILLING, Flag.SUPPORT
_USERS, _PROVISIONING, _SYSTEMS = Flag.USER_MANAGEMENT, Flag.PROVISIONING, Flag.SYSTEMS

# The table of docs/permissions.md by hand, row by row; the owner has all of it.
TABLE: dict[Permission, set[Flag]] = {
    Permission.ACCOUNT_MANAGE: set(),
    Permission.ACCOUNT_CLOSE: set(),
    Permission.OWNERSHIP_OFFER: set(),
    Permission.CONTACTS_MANAGE: {_FULL},
    Permission.BILLING_CONTACT_MANAGE: {_FULL, _BILLING},
    Permission.INVOICES_VIEW: {_FULL, _BILLING},
    Permission.STATEMENTS_VIEW: {_FULL, _BILLING},
    Permission.INVOICES_PAY: {_FULL, _BILLING},
    Permission.INVOICES_CORRECT: {_FULL, _BILLING},
    Permission.PAYMENT_METHODS_MANAGE: {_FULL, _BILLING},
    Permission.SUBSCRIPTION_MANAGE: {_FULL, _PROVISIONING},
    Permission.SERVICES_VIEW: {_FULL, _BILLING, _PROVISIONING, _SYSTEMS},
    Permission.SERVICES_PROVISION: {_FULL, _PROVISIONING},
    Permission.SERVICES_USE: {_FULL, _SYSTEMS},
    Permission.USAGE_VIEW: {_FULL, _BILLING, _PROVISIONING, _SYSTEMS},
    Permission.TICKETS_VIEW: {_FULL, _SUPPORT},
    Permission.TICKETS_RAISE: {_FULL, _SUPPORT},
    Permission.MEMBERS_VIEW: {_USERS},
    Permission.MEMBERS_MANAGE: {_USERS},
    Permission.SECURITY_MANAGE: {_USERS},
    Permission.ACTIVITY_VIEW: {_USERS},
}
# The stars of that table: the owner's alone while billing settings are reserved to them (U4).
RESERVED = {
    Permission.CONTACTS_MANAGE,
    Permission.BILLING_CONTACT_MANAGE,
    Permission.PAYMENT_METHODS_MANAGE,
    Permission.SUBSCRIPTION_MANAGE,
}


def granted(*flags: str, is_owner: bool = False, billing_reserved: bool = False) -> set[Permission]:
    return set(permissions_of(is_owner=is_owner, flags=flags, billing_reserved=billing_reserved))


def table_in_the_docs() -> tuple[list[str], dict[str, list[str]]]:
    """The heads of the columns, and the cells of each permission's row behind its name."""
    found = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCS.read_text().splitlines()
        if line.startswith("|")
    ]
    heads, _, *rows = found
    return heads, {row[0].strip("`"): row[1:] for row in rows}


def test_every_permission_is_in_the_table() -> None:
    assert set(TABLE) == set(Permission)


@pytest.mark.parametrize("permission", Permission)
def test_each_flag_alone_grants_what_the_table_says(permission: Permission) -> None:
    granting = {flag for flag in Flag if permission in granted(flag)}
    assert granting == flags_granting(permission) == TABLE[permission]


@pytest.mark.parametrize("flag", Flag)
def test_billing_settings_can_be_reserved_to_the_owner(flag: Flag) -> None:
    """Row U4."""
    assert granted(flag, billing_reserved=True) == granted(flag) - RESERVED


def test_which_takes_nothing_from_the_owner() -> None:
    assert granted(is_owner=True, billing_reserved=True) == set(Permission)


def test_the_owner_holds_everything_without_any_flag() -> None:
    assert granted(is_owner=True) == set(Permission)


def test_full_access_is_everything_but_managing_users_and_the_account_itself() -> None:
    """Row M5, decision 0078."""
    withheld = {permission for permission in Permission if _FULL not in TABLE[permission]}
    assert granted(_FULL) == set(Permission) - withheld
    assert {Permission.MEMBERS_MANAGE, Permission.ACCOUNT_MANAGE} <= withheld


def test_without_flags_a_member_may_do_nothing() -> None:
    assert granted() == set()


def test_flags_add_up_and_none_takes_anything_away() -> None:
    for flag in Flag:
        assert granted(Flag.BILLING, flag) >= granted(Flag.BILLING)


def test_a_flag_that_no_longer_exists_grants_nothing() -> None:
    """It may still stand on a membership; it is no reason to fail, and none to let anybody in."""
    assert granted("invoicing", "BILLING", "") == set()


def test_a_flag_is_offered_once_there_is_a_page_that_it_opens() -> None:
    opening = {flag for flag in Flag if any(map(has_pages, granted(flag)))}
    assert offered_flags() == [flag for flag in Flag if flag in opening]
    assert all(preset.flags <= opening for preset in offered_presets())


def test_a_permission_has_pages_when_an_address_declares_it() -> None:
    declared = {declared_requirement(view) for _, view in routes(get_resolver())}
    with_pages = {permission for permission in Permission if has_pages(permission)}
    assert with_pages == declared - {None, ANY_MEMBER}


def test_a_permission_is_written_resource_and_action() -> None:
    for permission in Permission:
        assert re.fullmatch(r"[a-z_]+:[a-z_]+", permission), permission
        assert in_words(permission)


def test_every_flag_has_a_name_of_its_own() -> None:
    choices = dict(flag_choices())
    assert set(choices) == set(Flag)
    assert len(set(choices.values())) == len(choices)


@pytest.mark.parametrize(
    ("is_owner", "flags", "words"),
    [
        (True, [], "Owner"),
        (True, [Flag.BILLING], "Owner"),
        (False, [], "No access"),
        (False, [Flag.BILLING], "Billing"),
        (False, [Flag.SYSTEMS, Flag.BILLING], "Billing, Systems"),
        (False, ["no such flag"], "No access"),
    ],
)
def test_access_is_told_in_words(is_owner: bool, flags: list[str], words: str) -> None:
    assert access_in_words(is_owner=is_owner, flags=flags) == words


def test_the_docs_name_the_same_flags_in_the_same_order() -> None:
    heads, _ = table_in_the_docs()
    assert heads[2:] == ["owner", *(name.lower() for _, name in flag_choices())]


def test_the_docs_say_of_every_permission_what_the_code_does() -> None:
    _, rows = table_in_the_docs()
    assert set(rows) == set(Permission)
    for permission in Permission:
        words, owner, *marks = rows[permission]
        assert words.startswith(in_words(permission))
        assert owner == "x"
        marked = {
            flag for (flag, _), mark in zip(flag_choices(), marks, strict=True) if mark.strip()
        }
        assert marked == {str(flag) for flag in TABLE[permission]}


def test_the_docs_are_as_the_command_writes_them() -> None:
    """Else: ``manage.py write_permissions``."""
    assert DOCS.read_text() == brought_up_to_date(DOCS.read_text())


def test_what_is_written_by_hand_stays() -> None:
    page = DOCS.read_text()
    altered = page.replace("| x | x |", "| | |").replace("What the forms say", "What they said")
    assert altered != page
    assert brought_up_to_date(altered) == page
