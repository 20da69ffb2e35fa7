"""The gateway that settings name."""

from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from twofactor.sms.gateways.base import Gateway

# By SMS_GATEWAY (``config.sms_settings.GATEWAYS``). Imported when a message is sent: a gateway's
# client takes time and memory that most processes never use.
_MAKERS: Final = {
    "mailbox": "twofactor.sms.gateways.mailbox.MailboxGateway",
    "twilio": "twofactor.sms.gateways.twilio.twilio_of_settings",
}


def chosen_gateway() -> Gateway | None:
    """None where no text messages are sent."""
    if not settings.SMS_GATEWAY:
        return None
    gateway: Gateway = import_string(_MAKERS[settings.SMS_GATEWAY])()
    return gateway
