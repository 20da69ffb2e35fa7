"""Nobody would notice by itself that mail which comes back is no longer heard of."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from common.scoping import all_accounts_scope
from mail.models import MailReport
from mail.returned_mailbox import MailboxPlace, MailboxUnreachable, read_mailbox
from tests.mail import imap
from tests.mail.steps import queue as queue_mail
from tests.watching.steps import HOUR, MINUTE, alarms, give_sign_ago, hear_everybody
from watching.alarms import Code
from watching.looking import look
from watching.looks.returned_mail import READING_COUNTS_AFTER
from watching.memory import remember
from watching.models import RaisedAlarm
from watching.signs import RETURNED_MAIL, sign_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_order(settings: Settings) -> None:
    hear_everybody()
    settings.BOUNCE_MAILBOX_URL = "imap://returns:secret@127.0.0.1:1/INBOX"


def alarms_after(time: timedelta) -> dict[Code, str]:
    """What counts once the watchman has seen it for so long."""
    remember(look())
    RaisedAlarm.objects.update(first_seen_at=Now() - time)
    return {code: alarm.says for code, alarm in alarms().items()}


def a_report(ago: timedelta, *, is_settled: bool = False) -> None:
    (email,) = queue_mail(1)
    with all_accounts_scope("a test has a report"):
        MailReport.objects.create(
            id=uuid4(),
            source="test",
            event_id=f"{email}",
            account_id=1,
            email_id=email,
            kind=MailReport.Kind.RETURNED,
            received_at=Now() - ago,
            settled_at=Now() if is_settled else None,
        )


def test_a_reading_is_noted_and_one_that_failed_is_not() -> None:
    place = MailboxPlace.of_url("imap://returns:secret@127.0.0.1:1/INBOX")
    with pytest.raises(MailboxUnreachable):
        read_mailbox(place)
    assert sign_of(RETURNED_MAIL).heard_at is None
    with imap.running_mailbox() as mailbox:
        read_mailbox(
            MailboxPlace("127.0.0.1", mailbox.port, imap.USER, imap.PASSWORD, "INBOX", False)
        )
    assert sign_of(RETURNED_MAIL).heard_at is not None
    assert alarms_after(HOUR) == {}


@pytest.mark.parametrize(
    ("ago", "says"), [(HOUR, "was last read at 20"), (-HOUR, "was last read at"), (None, "never")]
)
def test_a_mailbox_that_is_not_read_is_told(ago: timedelta | None, says: str) -> None:
    if ago is not None:
        give_sign_ago(ago, RETURNED_MAIL)
    assert alarms() == {}
    assert alarms_after(READING_COUNTS_AFTER - MINUTE) == {}
    assert says in alarms_after(READING_COUNTS_AFTER)[Code.RETURNED_MAIL_UNREAD]


def test_without_a_mailbox_nothing_is_to_be_read(settings: Settings) -> None:
    settings.BOUNCE_MAILBOX_URL = ""
    assert alarms_after(HOUR) == {}


@pytest.mark.parametrize(
    ("ago", "is_settled", "is_told"),
    [(HOUR, False, True), (10 * MINUTE, False, False), (HOUR, True, False)],
)
def test_a_report_that_waits_for_long_is_told(
    ago: timedelta, is_settled: bool, is_told: bool, settings: Settings
) -> None:
    settings.BOUNCE_MAILBOX_URL = ""
    a_report(ago, is_settled=is_settled)
    found = alarms()
    assert (Code.RETURNED_MAIL_UNSETTLED in found) == is_told
