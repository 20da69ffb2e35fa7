"""The activity of an account as a file for a spreadsheet."""

import csv
from io import StringIO

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account
from common.spreadsheets import neutral
from portal.activity import Line, Wanted, events_of, lines_of
from portal.activity_words import Change

# Made whole, since a stream would be read after the account's scope has closed. The newest are
# kept: with dates a reader gets at the others.
MOST_LINES = 20_000


def activity_file(account: Account, wanted: Wanted) -> bytes:
    """Comma-separated, with a byte-order mark: without one, spreadsheets take UTF-8 for Latin-1."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_("Time"), _("Who"), _("IP address"), _("What"), _("About"), _("Changes")])
    events = events_of(account, wanted).order_by("-happened_at", "-id")[:MOST_LINES]
    writer.writerows(_row(line) for line in lines_of(account, list(events)))
    return text.getvalue().encode("utf-8-sig")


def _row(line: Line) -> list[str]:
    cells = [
        timezone.localtime(line.happened_at).isoformat(sep=" ", timespec="seconds"),
        line.who,
        line.address,
        line.what,
        line.about,
        "; ".join(_in_one(change) for change in line.changes),
    ]
    return [neutral(cell) for cell in cells]


def _in_one(change: Change) -> str:
    values = change.new if change.is_new_only else f"{change.old} → {change.new}"
    return f"{change.name}: {values}" if change.name else values
