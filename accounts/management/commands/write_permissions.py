from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import override

from accounts.permissions import (
    Flag,
    Permission,
    flag_words,
    flags_granting,
    has_pages,
    in_words,
    is_billing_setting,
    offered_flags,
    offered_presets,
)

_BEGINNING = "<!-- Made by manage.py write_permissions; what stands outside is written by hand. -->"
_END = "<!-- End of what is made. -->"


class Command(BaseCommand):
    help = "Write the table of permissions and the flags into docs/permissions.md."
    # A text is made from another: no database is needed.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail when the file is out of date"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        file = Path(settings.BASE_DIR) / "docs" / "permissions.md"
        stands = file.read_text()
        wanted = brought_up_to_date(stands)
        if check and stands != wanted:
            raise CommandError("docs/permissions.md is out of date: manage.py write_permissions")
        if not check:
            file.write_text(wanted)


def brought_up_to_date(page: str) -> str:
    """``page`` with what is between its marks made anew. Raises ValueError without marks."""
    before, beginning, rest = page.partition(_BEGINNING)
    _old, end, after = rest.partition(_END)
    if not (beginning and end):
        raise ValueError("the page has no marks to write between")
    with override("en"):
        made = "\n".join([*_table(), "", *_notes(), "", *_flags(), "", *_presets()])
    return f"{before}{beginning}\n{made}\n{end}{after}"


def _table() -> Iterator[str]:
    flags = [str(flag_words(flag).name).lower() for flag in Flag]
    yield f"| permission | what it lets a person do | owner | {' | '.join(flags)} |"
    yield "|---|---|---|" + "---|" * len(flags)
    for permission in Permission:
        later = "" if has_pages(permission) else " (no page yet)"
        marks = " | ".join(_mark(permission, flag) for flag in Flag)
        yield f"| `{permission}` | {in_words(permission)}{later} | x | {marks} |"


def _mark(permission: Permission, flag: Flag) -> str:
    if flag not in flags_granting(permission):
        return ""
    return "x*" if is_billing_setting(permission) else "x"


def _notes() -> Iterator[str]:
    yield (
        "`*` withheld from everybody but the owner while *Only the owner may change billing"
        " settings* is on. A permission without a page yet is proved at the table alone."
    )


def _flags() -> Iterator[str]:
    yield "What the forms say of each flag:"
    offered = set(offered_flags())
    for flag in Flag:
        words = flag_words(flag)
        later = "" if flag in offered else " Not offered yet: it would open no page."
        yield f"- **{words.name}.** {words.sentence}{later}"


def _presets() -> Iterator[str]:
    yield "Presets only tick boxes:"
    for preset in offered_presets():
        names = [str(flag_words(flag).name) for flag in Flag if flag in preset.flags]
        yield f"- *{preset.name}*: {', '.join(names)}"
