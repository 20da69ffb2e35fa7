from celery import shared_task

from common import bell
from mail.sending import send_due
from mail.transport import process_transport


@shared_task(name=bell.SEND_EMAILS)
def send_emails() -> None:
    """Send mail that is due. Takes no payload: the rows say what is to be done."""
    bell.answered(bell.SEND_EMAILS)
    send_due(process_transport())
