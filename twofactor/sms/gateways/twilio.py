"""Text messages by Twilio (https://www.twilio.com/docs/messaging/api/message-resource)."""

import logging
from http import HTTPStatus
from typing import Final

from django.conf import settings
from requests.exceptions import ConnectionError as NotConnected
from requests.exceptions import ConnectTimeout, RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance
from urllib3.exceptions import MaxRetryError, NewConnectionError

from twofactor.sms.gateways.base import GatewayRefused, GatewayUnavailable

# For connecting, and for the answer. Twilio answers within a second, and a person waits.
TIMEOUT_SECONDS: Final = 5
# How long Twilio may keep a message before it leaves: its code is good for no longer.
_VALIDITY_SECONDS: Final = 300
# A sender's id that starts so names a pool of senders, out of which Twilio chooses.
_SERVICE_PREFIX: Final = "MG"
# Nothing was done (https://www.twilio.com/docs/api/errors/20429, /20003).
_NOT_PROCESSED: Final = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)
# What lies with the number, out of Twilio's dictionary of errors. Twilio asks not to decide much by
# them, as they are divided ever anew: one that is missing here costs a less helpful sentence.
ABOUT_NUMBER: Final = frozenset(
    {
        # No valid number; a short code; the sender's own.
        *(21211, 21217, 21265, 21266),
        # Its region is switched off at Twilio's; it has asked for no more messages.
        *(21408, 21610),
        # It cannot be reached from this sender; it takes no text messages; it is a landline.
        *(21612, 21614, 21635),
        # Its carrier: unreachable, blocked, unknown, a landline.
        *(30003, 30004, 30005, 30006),
    }
)
_NOT_SENT: Final = frozenset(
    {
        MessageInstance.Status.FAILED,
        MessageInstance.Status.UNDELIVERED,
        MessageInstance.Status.CANCELED,
    }
)
_UNREADABLE: Final = "it said yes, and nothing that can be read"
# The client tells of each request at length.
_client_log = logging.getLogger("twofactor.sms.gateways.twilio.client")
_client_log.setLevel(logging.WARNING)


class TwilioGateway:
    """Their client, over a new connection each time: a kept one may be dead, and nobody knows then
    whether the message left.
    """

    def __init__(
        self, *, account: str, token: str, sender: str, http_client: HttpClient | None = None
    ) -> None:
        self._client = Client(
            account,
            token,
            http_client=http_client or direct_http_client(),
            # Nothing but what settings say.
            environment={"TWILIO_EDGE": "", "TWILIO_REGION": ""},
        )
        key = "messaging_service_sid" if sender.startswith(_SERVICE_PREFIX) else "from_"
        self._sender = {key: sender}

    def send(self, number: str, text: str) -> str:
        """Twilio's id of the message. Raises GatewayRefused, GatewayUnavailable."""
        try:
            message = self._client.messages.create(
                to=number, body=text, validity_period=_VALIDITY_SECONDS, **self._sender
            )
        except (TwilioRestException, TwilioServiceException) as error:
            raise _verdict(error) from error
        except RequestException as error:
            may_have_sent = not _never_left(error)
            raise GatewayUnavailable(str(error), may_have_sent=may_have_sent) from error
        except (TwilioException, ValueError, AttributeError, TypeError) as error:
            raise GatewayUnavailable(f"{_UNREADABLE}: {error}", may_have_sent=True) from error
        if not message.sid:
            raise GatewayUnavailable(_UNREADABLE, may_have_sent=True)
        if message.status in _NOT_SENT or message.error_code:
            raise _refused(message.error_code, str(message.error_message or message.status))
        return str(message.sid)


def twilio_of_settings() -> TwilioGateway:
    return TwilioGateway(
        account=settings.TWILIO_ACCOUNT_SID,
        token=settings.TWILIO_AUTH_TOKEN,
        sender=settings.TWILIO_SENDER,
    )


def direct_http_client() -> TwilioHttpClient:
    """One that tries once: Twilio has no key by which it would know a second try."""
    return TwilioHttpClient(pool_connections=False, timeout=TIMEOUT_SECONDS, logger=_client_log)


def _verdict(
    error: TwilioRestException | TwilioServiceException,
) -> GatewayRefused | GatewayUnavailable:
    says = error.msg if isinstance(error, TwilioRestException) else error.detail or error.title
    if error.status in _NOT_PROCESSED and error.code not in ABOUT_NUMBER:
        return GatewayUnavailable(f"{error.code} {says}", may_have_sent=False)
    if HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _refused(error.code, str(says))
    return GatewayUnavailable(f"{error.status} {says}", may_have_sent=True)


def _refused(code: int | None, says: str) -> GatewayRefused:
    known = "" if code is None else str(code)
    return GatewayRefused(known, says, is_about_number=code in ABOUT_NUMBER)


def _never_left(error: RequestException) -> bool:
    """Whether there was no connection over which the message could have gone."""
    if isinstance(error, ConnectTimeout):
        return True
    reason = error.args[0] if isinstance(error, NotConnected) and error.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)
