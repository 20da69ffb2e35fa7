import logging

from celery import shared_task
from django.conf import settings

from common import bell
from mail.bounces import settle_waiting_reports
from mail.returned_mailbox import MailboxPlace, MailboxUnreachable, read_mailbox
from mail.sending import send_due
from mail.transport import process_transport

logger = logging.getLogger(__name__)


@shared_task(name=bell.SEND_EMAILS)
def send_emails() -> None:
    """Send mail that is due. Takes no payload: the rows say what is to be done."""
    bell.answered(bell.SEND_EMAILS)
    send_due(process_transport())


@shared_task
def settle_reports() -> None:
    """Do what follows from reports that came while a worker had their message in its hands."""
    settle_waiting_reports()


@shared_task
def read_returned_mail() -> None:
    """Read the mailbox of returned mail, where settings name one."""
    if not settings.BOUNCE_MAILBOX_URL:
        return
    try:
        read_mailbox(MailboxPlace.of_url(settings.BOUNCE_MAILBOX_URL))
    except MailboxUnreachable as error:
        # The next round tries again; nothing is lost there.
        logger.warning("the mailbox of returned mail cannot be read: %s", error)
