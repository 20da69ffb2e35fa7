"""Forgetting whom text messages went to: numbers are about people, and serve for a while only."""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.utils import timezone

from twofactor.models import SmsCode, SmsMessage, SmsPhone

# For the gateway's bill of a month, questions about it, and finding out about fraud.
MESSAGES_KEPT: Final = timedelta(days=90)
# Somebody who typed a number and left it at that.
UNCONFIRMED_KEPT: Final = timedelta(days=1)
# A code that counts no more says when somebody was asked for one, as the audit log does.
CODES_KEPT: Final = timedelta(days=1)
# Of one statement; there are as many as it takes.
_AT_ONCE: Final = 1000


def forget_old_messages() -> int:
    """Delete what is older than it is kept; returns how many rows that were."""
    now = timezone.now()
    old: tuple[QuerySet[Any], ...] = (
        SmsMessage.objects.filter(created_at__lt=now - MESSAGES_KEPT),
        SmsPhone.objects.filter(confirmed=False, created_at__lt=now - UNCONFIRMED_KEPT),
        SmsCode.objects.filter(expires_at__lt=now - CODES_KEPT),
    )
    return sum(_delete(rows) for rows in old)


def _delete(rows: QuerySet[Any]) -> int:
    """In portions, so that nobody waits for long; the oldest first."""
    model: type[Model] = rows.model
    deleted = 0
    while found := list(rows.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        deleted += model._default_manager.filter(pk__in=found).delete()[0]
    return deleted
