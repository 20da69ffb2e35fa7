"""What falls due by itself: hand-overs that have waited long enough, offers that have expired."""

import logging
from uuid import UUID

from django.db.models.functions import Now

from accounts.models import OwnershipChange
from accounts.ownership import end_due_change
from audit.recording import Actor
from common.scoping import all_accounts_scope

logger = logging.getLogger(__name__)

# Of one look; the next one takes the others. Far more than ever fall due within minutes.
_AT_MOST = 200
_ACTOR = Actor.system("ownership")


def end_due_changes() -> int:
    """End every change whose time has come, each in a transaction of its own; returns how many.

    Of two at work at the same time, one finds the account locked and passes it over. Whatever is
    killed in between is found again at the next look.
    """
    return sum(_end(*row) for row in _due())


def _due() -> list[tuple[UUID, int]]:
    with all_accounts_scope("looking for changes of owner that are due"):
        due = OwnershipChange.objects.filter(
            state=OwnershipChange.State.PENDING, due_at__lte=Now()
        ).order_by("due_at")
        return list(due.values_list("pk", "account_id")[:_AT_MOST])


def _end(change_pk: UUID, account_pk: int) -> bool:
    try:
        return end_due_change(change_pk, account_pk=account_pk, actor=_ACTOR)
    except Exception:
        # One that cannot be ended must not keep the others waiting.
        logger.exception("the change of owner %s could not be ended", change_pk)
        return False
