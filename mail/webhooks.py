"""Reports of email services, as their webhooks bring them.

django-anymail knows each service's signature and turns its events into one form. Its views send a
signal; these call ``take_report`` instead (docs/decisions/0120). Only the service that settings
name has an address here.
"""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailError,
    AnymailWebhookValidationFailure,
)
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from anymail.webhooks.base import AnymailCoreWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mail.bounces import Report, take_report
from mail.models import MailReport
from mail.return_words import STATUS
from mail.service_headers import message_in_metadata

logger = logging.getLogger(__name__)

# The longest that any of them sends for one message with all its headers; SNS ends at this.
MOST_BYTES = 256 * 1024
# Mailgun goes on trying for eight hours.
_SIGNATURE_LASTS = timedelta(hours=24)
# What its views raise over events that are not as documented, or are meant for another address.
_UNREADABLE = (
    AnymailConfigurationError,
    AnymailError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    # JSON in more brackets than any service writes, and times beyond every calendar, of which the
    # operating system says so itself.
    RecursionError,
    OverflowError,
    OSError,
)
_Kind = MailReport.Kind
_KINDS: dict[str, MailReport.Kind] = {
    EventType.DELIVERED: _Kind.DELIVERED,
    EventType.DEFERRED: _Kind.DELAYED,
    EventType.BOUNCED: _Kind.RETURNED,
    # The service did not even try.
    EventType.REJECTED: _Kind.RETURNED,
    EventType.FAILED: _Kind.RETURNED,
    EventType.COMPLAINED: _Kind.COMPLAINT,
}
# Why a service does not even try, where the reason is the address.
_DEAD = frozenset({RejectReason.BOUNCED, RejectReason.INVALID, RejectReason.SPAM})


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def receive(request: HttpRequest, service: str) -> HttpResponseBase:
    """For programs, which have no session: each request proves itself by a signature or secret.

    Exempt from the protection of forms, since nothing here goes by what a browser carries along.
    """
    view = _VIEWS.get(service)
    if view is None or service != settings.MAIL_WEBHOOK_ESP:
        raise Http404
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MOST_BYTES:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return view(request)


class _Reports(AnymailCoreWebhookView):  # type: ignore[misc]  # django-anymail has no types
    """A service's view that hands its events over; what it cannot read is refused."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Raises AnymailWebhookValidationFailure, which is answered 400."""
        try:
            self.run_validators(request)
            events = self.parse_events(request)
        except AnymailWebhookValidationFailure:
            raise
        except _UNREADABLE as error:
            return self._unreadable(error)
        try:
            # All are understood before one has an effect.
            reports = list(_reports(events, source=self.esp_name))
        except RecursionError as error:
            # Brackets that could just be read, and not be written for the name of the event.
            return self._unreadable(error)
        for report in reports:
            take_report(report)
        return HttpResponse()

    def _unreadable(self, error: Exception) -> HttpResponse:
        logger.warning("a report of %s cannot be read", self.esp_name, exc_info=error)
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)


class _Mailgun(_Reports, MailgunTrackingWebhookView):  # type: ignore[misc]
    def validate_request(self, request: HttpRequest) -> None:
        """Besides the signature, which is over time and token: how old it is."""
        signed_at = float(json.loads(request.body)["signature"]["timestamp"])
        age = abs(time.time() - signed_at)
        # "nan" is a number too, and no older than anything.
        if not math.isfinite(age) or age > _SIGNATURE_LASTS.total_seconds():
            raise AnymailWebhookValidationFailure("Mailgun webhook called with an old signature")


class _Postmark(_Reports, PostmarkTrackingWebhookView):  # type: ignore[misc]
    pass


class _AmazonSES(_Reports, AmazonSESTrackingWebhookView):  # type: ignore[misc]
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.META.get("HTTP_AUTHORIZATION"):
            # SNS sends user and password only when it is asked for them.
            response = HttpResponse(status=HTTPStatus.UNAUTHORIZED)
            response["WWW-Authenticate"] = 'Basic realm="mail"'
            return response
        return super().post(request, *args, **kwargs)

    def auto_confirm_sns_subscription(self, sns_message: dict[str, Any]) -> None:
        """Confirmed by hand, so that nothing that is posted here makes this program call out."""
        logger.warning(
            "Amazon SNS asks to confirm the subscription to %s: open %s",
            sns_message.get("TopicArn"),
            sns_message.get("SubscribeURL"),
        )


_VIEWS: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "amazon_ses": _AmazonSES.as_view(),
    "mailgun": _Mailgun.as_view(),
    "postmark": _Postmark.as_view(),
}


def _reports(events: Iterable[AnymailTrackingEvent], *, source: str) -> Iterable[Report]:
    """Of what concerns us: that somebody opened a message or clicked in it does not."""
    for event in events:
        if kind := _KINDS.get(event.event_type):
            yield _report(event, kind, source=source)


def _report(event: AnymailTrackingEvent, kind: MailReport.Kind, *, source: str) -> Report:
    told = event.esp_event if isinstance(event.esp_event, dict) else {}
    words = str(event.mta_response or event.description or "")
    is_permanent = event.event_type == EventType.BOUNCED or (
        event.event_type == EventType.REJECTED and event.reject_reason in _DEAD
    )
    return Report(
        source=source,
        event_id=event.event_id or _name_of(told),
        kind=kind,
        email_id=message_in_metadata(event.metadata),
        about=_own_message_id(told) or str(event.message_id or ""),
        recipient=str(event.recipient or ""),
        is_permanent=is_permanent and not _is_passing(told),
        status=_status(told, words),
        words=words,
        happened_at=event.timestamp if isinstance(event.timestamp, datetime) else None,
    )


def _name_of(told: dict[str, Any]) -> str:
    """For events without an id: the same event is told in the same words."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _own_message_id(told: dict[str, Any]) -> str:
    """Amazon replaces the Message-ID, and lists the headers as they were if it is asked to."""
    headers = told.get("mail", {}).get("headers", [])
    found = (header["value"] for header in headers if header["name"].lower() == "message-id")
    return str(next(found, ""))


def _is_passing(told: dict[str, Any]) -> bool:
    """Whether the service gave up on something that may pass: a full mailbox, a server away."""
    kind = told.get("bounce", {}).get("bounceType") or told.get("Type")
    return kind in {"Transient", "Undetermined", "SoftBounce"}


def _status(told: dict[str, Any], words: str) -> str:
    """The enhanced status code: what the server said, or where the service has it."""
    given = [
        words,
        *(each.get("status", "") for each in told.get("bounce", {}).get("bouncedRecipients", [])),
        told.get("event-data", {}).get("delivery-status", {}).get("enhanced-code", ""),
    ]
    found = (match[0] for text in given if (match := STATUS.search(str(text))))
    return next(found, "")
