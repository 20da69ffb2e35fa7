"""Rows to put together and send, with one thing or another changed."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mail.addresses import Mailbox
from mail.models import OutgoingEmail
from mail.outbox import NewEmail

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40


def email_row(**columns: Any) -> OutgoingEmail:
    """A message that is not in the database."""
    given: dict[str, Any] = {
        "id": UUID(int=7),
        "kind": "invoice",
        "sender_address": "billing@operator.example",
        "sender_name": "Sample Operator",
        "recipient_address": "alice@example.com",
        "recipient_name": "Alice",
        "subject": "Invoice INV-000001",
        "text_body": "Dear Alice,\n\nplease find your invoice attached.\n",
        "html_body": "<p>Dear Alice,</p><p>please find your invoice attached.</p>",
        "message_id": "<7@operator.example>",
        "date": datetime(2026, 12, 1, 9, 30, 15, 123456, tzinfo=UTC),
        "boundary": "b0undary",
    }
    return OutgoingEmail(**given | columns)


def with_pdf(**columns: Any) -> OutgoingEmail:
    """A message with a document attached."""
    return email_row(
        attachment_key="ab/abc.pdf",
        attachment_filename=columns.pop("attachment_filename", "INV-000001.pdf"),
        attachment_sha256=hashlib.sha256(PDF).hexdigest(),
        attachment_content_type="application/pdf",
        **columns,
    )


def new_email(number: int = 1, **fields: Any) -> NewEmail:
    """A message to queue; ``number`` tells it and its recipient from others."""
    given: dict[str, Any] = {
        "kind": "invoice",
        "dedup_key": f"test:{number}",
        "sender": Mailbox("billing@operator.example", "Sample Operator"),
        "recipient": Mailbox(f"recipient-{number}@example.com", f"Recipient {number}"),
        "subject": f"Invoice {number}",
        "text_body": "Please find your invoice attached.\n",
        "html_body": "<p>Please find your invoice attached.</p>",
        "account_id": 1,
    }
    return NewEmail(**given | fields)


def new_emails(numbers: Iterable[int], **fields: Any) -> list[NewEmail]:
    return [new_email(number, **fields) for number in numbers]
