"""Whether what comes back is heard of: the mailbox of returned mail, and reports that wait."""

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min

from common.counting import counted
from mail.models import MailReport
from watching.alarms import Alarm, Code, in_words
from watching.signs import RETURNED_MAIL, give_sign, sign_of

# Beat has the mailbox read every three minutes.
READING_LIMIT = timedelta(minutes=10)
# Where nothing has run for a while, the first reading is still to come.
READING_COUNTS_AFTER = timedelta(minutes=20)
# A report waits only while a worker has its message in hand, and is looked at every minute.
REPORT_LIMIT = timedelta(minutes=30)


def note_reading() -> None:
    """For ``mail.returned_hooks.MAILBOX_READ``."""
    give_sign(RETURNED_MAIL, by=socket.gethostname())


def unread_mailbox(at: datetime) -> Iterator[Alarm]:
    """No reading of the mailbox has come to its end for a while; only where settings name one."""
    if not settings.BOUNCE_MAILBOX_URL:
        return
    heard_at = sign_of(RETURNED_MAIL).heard_at
    # One that lies ahead was given before the clock was put back, and proves nothing.
    if heard_at is not None and abs(at - heard_at) <= READING_LIMIT:
        return
    last = f"was last read at {heard_at:%Y-%m-%d %H:%M} UTC" if heard_at else "was never read"
    yield Alarm(
        code=Code.RETURNED_MAIL_UNREAD,
        says=f"The mailbox of returned mail {last}.",
        since=heard_at,
        counts_after=READING_COUNTS_AFTER,
    )


def waiting_reports(at: datetime) -> Iterator[Alarm]:
    """Reports from which nothing has followed, though their message is known."""
    waiting = MailReport.objects.filter(
        settled_at=None, email__isnull=False, received_at__lt=at - REPORT_LIMIT
    ).aggregate(count=Count("pk"), since=Min("received_at"))
    if waiting["count"]:
        reports = counted(waiting["count"], "report has", plural="reports have")
        yield Alarm(
            code=Code.RETURNED_MAIL_UNSETTLED,
            says=f"{reports} waited for more than {in_words(REPORT_LIMIT)}, though the message is"
            " known.",
            since=waiting["since"],
            count=waiting["count"],
        )
