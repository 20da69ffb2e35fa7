"""What tests of sending do over and over: queue, look, let time pass."""

import hashlib
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from common.scoping import account_scope, all_accounts_scope
from mail.models import OutgoingEmail
from mail.outbox import Attachment, enqueue_many
from mail.queue import EMAIL_QUEUE
from tests.mail.messages import PDF, new_emails

State = OutgoingEmail.State


def queue(*numbers: int, **fields: Any) -> list[uuid.UUID]:
    with account_scope(1):
        return enqueue_many(new_emails(numbers, **fields))


def recipient(number: int) -> str:
    return f"recipient-{number}@example.com"


def stored(pk: uuid.UUID) -> OutgoingEmail:
    with all_accounts_scope("test"):
        return OutgoingEmail.objects.get(pk=pk)


def states() -> Counter[str]:
    with all_accounts_scope("test"):
        return Counter(OutgoingEmail.objects.values_list("state", flat=True))


def let_time_pass() -> None:
    """Everything that waits is due, and every lease has run out."""
    now = timezone.now() - timedelta(seconds=1)
    with all_accounts_scope("test"):
        OutgoingEmail.objects.filter(state__in=EMAIL_QUEUE.due_states).update(next_attempt_at=now)
        OutgoingEmail.objects.filter(state=State.SENDING).update(leased_until=now)


def waits(email: OutgoingEmail) -> timedelta:
    return email.next_attempt_at - timezone.now()


def near(duration: timedelta) -> Any:
    return pytest.approx(duration.total_seconds(), abs=30)


def store_document(content: bytes = PDF, *, sha256: str = "") -> Attachment:
    key = storages["documents"].save(f"{uuid.uuid4()}.pdf", ContentFile(content))
    return Attachment(key, "INV-000001.pdf", sha256 or hashlib.sha256(content).hexdigest())
