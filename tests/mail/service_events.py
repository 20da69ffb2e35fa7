"""What email services post, as their documents show it, about a message of a test's."""

import hashlib
import hmac
import json
import time
from base64 import b64encode
from typing import Any

from django.test import Client

from tests.people import Answer

SECRET = "counterfoil:a-long-enough-password"
SIGNING_KEY = "key-0123456789abcdef"
RECIPIENT = "recipient-1@example.com"


def mailgun(
    message_id: str,
    event: str = "failed",
    *,
    severity: str = "permanent",
    token: str = "c4e1a2b3",
    at: float | str | None = None,
    key: str = SIGNING_KEY,
    **changed: Any,
) -> dict[str, Any]:
    """Its signature is over time and token alone."""
    signed_at = at if isinstance(at, str) else str(int(time.time() if at is None else at))
    signature = hmac.new(key.encode(), f"{signed_at}{token}".encode(), hashlib.sha256)
    return {
        "signature": {"timestamp": signed_at, "token": token, "signature": signature.hexdigest()},
        "event-data": {
            "event": event,
            "id": "G9Bn5sl1TC6nu79C8C0bwg",
            "timestamp": 1763627404.3,
            "severity": severity,
            "reason": "generic",
            "recipient": RECIPIENT,
            "recipient-domain": "example.com",
            "delivery-status": {
                "attempt-no": 1,
                "code": 550,
                "description": "",
                "message": "5.1.1 The email account that you tried to reach does not exist.",
                "session-seconds": 0.4,
            },
            "message": {
                "headers": {
                    "to": RECIPIENT,
                    "from": "billing@operator.example",
                    "message-id": message_id.strip("<>"),
                    "subject": "Invoice 1",
                },
                "attachments": [],
                "size": 111,
            },
            "user-variables": {},
            "tags": [],
            **changed,
        },
    }


def postmark(message: str, kind: str = "HardBounce", **changed: Any) -> dict[str, Any]:
    """``message`` is the id that we gave with the message; its own MessageID says nothing."""
    return {
        "RecordType": "SpamComplaint" if kind == "SpamComplaint" else "Bounce",
        "MessageStream": "outbound",
        "ID": 4323372036854775807,
        "Type": kind,
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Tag": "",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"message": message},
        "ServerID": 23,
        "Description": "The server was unable to deliver your message (ex: unknown user).",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": RECIPIENT,
        "From": "billing@operator.example",
        "BouncedAt": "2026-11-20T08:30:04Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "Invoice 1",
        **changed,
    }


def postmark_delivery(message: str) -> dict[str, Any]:
    """Has no id of its own."""
    return {
        "RecordType": "Delivery",
        "ServerID": 23,
        "MessageStream": "outbound",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Recipient": RECIPIENT,
        "Tag": "",
        "DeliveredAt": "2026-11-20T08:30:04Z",
        "Details": "250 2.0.0 OK",
        "Metadata": {"message": message},
    }


def amazon(message_id: str, kind: str = "Bounce", **changed: Any) -> dict[str, Any]:
    """Within an SNS notification; with the original headers, among them our Message-ID."""
    about: dict[str, Any] = {
        "notificationType": kind,
        "mail": {
            "timestamp": "2026-11-20T08:29:59.000Z",
            "source": "billing@operator.example",
            "messageId": "0102018b-0000-4444-8888-000000000000-000000",
            "destination": [RECIPIENT],
            "headersTruncated": False,
            "headers": [
                {"name": "From", "value": "billing@operator.example"},
                {"name": "Message-ID", "value": message_id},
            ],
        },
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "timestamp": "2026-11-20T08:30:04.000Z",
            "feedbackId": "0102018b-1111-4444-8888-000000000000-000000",
            "bouncedRecipients": [
                {
                    "emailAddress": RECIPIENT,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 user unknown",
                }
            ],
            **changed,
        },
        "complaint": {
            "complainedRecipients": [{"emailAddress": RECIPIENT}],
            "complaintFeedbackType": "abuse",
            "timestamp": "2026-11-20T08:30:04.000Z",
        },
    }
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:mail",
        "Message": json.dumps(about),
        "Timestamp": "2026-11-20T08:30:05.000Z",
    }


def post(service: str, told: Any, *, secret: str = SECRET, **meta: Any) -> Answer:
    """As the service does; checked for forged forms like a browser's, which it would fail."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    if secret:
        meta["HTTP_AUTHORIZATION"] = f"Basic {b64encode(secret.encode()).decode()}"
    if service == "amazon_ses" and isinstance(told, dict):
        meta["HTTP_X_AMZ_SNS_MESSAGE_TYPE"] = told["Type"]
        meta["HTTP_X_AMZ_SNS_MESSAGE_ID"] = told["MessageId"]
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return browser.post(f"/webhooks/mail/{service}/", body, "application/json", **meta)
