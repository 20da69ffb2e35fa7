"""Text messages of an embedded installation: letters in its mailbox, for whoever tries it out."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from django.conf import settings
from django.utils import timezone

from mail.transport import Envelope, MailServer, Sent, Transport
from twofactor.sms.gateways.base import GatewayUnavailable
from twofactor.sms.numbers import spaced

# Reserved by RFC 2606: what has left by mistake arrives nowhere.
DOMAIN = "text-message.invalid"
_TIMEOUT_SECONDS = 5


class MailboxGateway:
    """Hands messages to the mail catcher, by SMTP as all mail."""

    def send(self, number: str, text: str) -> str:
        """The letter's Message-ID. Raises GatewayUnavailable."""
        letter = _letter(number, text)
        transport = Transport(MailServer.of_settings(timeout=_TIMEOUT_SECONDS))
        try:
            outcome = transport.send(
                Envelope(settings.DEFAULT_FROM_EMAIL, letter["To"]), letter.as_bytes(policy=SMTP)
            )
        finally:
            transport.close()
        if not isinstance(outcome, Sent):
            raise GatewayUnavailable(outcome.response, may_have_sent=False)
        return str(letter["Message-ID"])


def _letter(number: str, text: str) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = f"Text message to {spaced(number)}"
    letter["From"] = settings.DEFAULT_FROM_EMAIL
    letter["To"] = f"{number}@{DOMAIN}"
    letter["Date"] = format_datetime(timezone.now())
    letter["Message-ID"] = make_msgid(domain=DOMAIN)
    letter.set_content(text)
    return letter
