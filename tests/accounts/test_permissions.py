"""The one table of who may do what, written out a second time by hand, and told in the docs."""

import re
from pathlib import Path

import pytest

from accounts.permissions import (
    Flag,
    Permission,
    access_in_words,
    flag_choices,
    flags_granting,
    in_words,
    permissions_of,
)

DOCS = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"

TABLE: dict[Permission, set[Flag]] = {
    Permission.INVOICES_VIEW: {Flag.FULL_ACCESS, Flag.BILLING},
}


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
    granting = {flag for flag in Flag if permission in permissions_of(is_owner=False, flags=[flag])}
    assert granting == flags_granting(permission) == TABLE[permission]


def test_the_owner_holds_everything_without_any_flag() -> None:
    assert permissions_of(is_owner=True, flags=[]) == set(Permission)


def test_full_access_holds_everything_that_a_member_can() -> None:
    assert permissions_of(is_owner=False, flags=[Flag.FULL_ACCESS]) == set(Permission)


def test_without_flags_a_member_may_do_nothing() -> None:
    assert permissions_of(is_owner=False, flags=[]) == set()


def test_flags_add_up_and_none_takes_anything_away() -> None:
    for flag in Flag:
        both = permissions_of(is_owner=False, flags=[Flag.BILLING, flag])
        assert both >= permissions_of(is_owner=False, flags=[Flag.BILLING])


def test_a_flag_that_no_longer_exists_grants_nothing() -> None:
    """It may still stand on a membership; it is no reason to fail, and none to let anybody in."""
    assert permissions_of(is_owner=False, flags=["invoicing", "BILLING", ""]) == set()


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
        marked = {flag for (flag, _), mark in zip(flag_choices(), marks, strict=True) if mark}
        assert marked == {str(flag) for flag in TABLE[permission]}
