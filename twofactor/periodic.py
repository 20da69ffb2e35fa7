"""What falls due by itself: resets that have waited long enough, and a reminder a day before."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.recording import Actor
from twofactor import reset_mail
from twofactor.models import TwoFactorReset
from twofactor.resetting import CONFIRMED_WAITS, complete_reset

logger = logging.getLogger(__name__)

# Of one look; the next one takes the others. Far more than ever fall due within minutes.
_AT_MOST = 200
_ACTOR = Actor.system("two-factor reset")
_REMINDED_BEFORE = timedelta(hours=24)

_PENDING = TwoFactorReset.objects.filter(state=TwoFactorReset.State.PENDING)


def complete_due_resets() -> int:
    """Complete every reset whose time has come, each in a transaction of its own; how many.

    Of two at work at the same time, one finds the person locked and passes them over. Whatever is
    killed in between is found again at the next look.
    """
    due = _PENDING.filter(due_at__lte=Now()).order_by("due_at")
    rows = list(due.values_list("pk", "user_id")[:_AT_MOST])
    return sum(_guarded(pk, partial(_complete, pk, user_pk)) for pk, user_pk in rows)


def remind_of_resets() -> int:
    """Tell each person once more, a day before; returns how many are to know by now.

    Whoever was told within that day anyway, as the wait is no longer or a user manager has
    shortened it, is not told twice. The message's key keeps it from being queued again.
    """
    soon = _PENDING.filter(due_at__gt=Now(), due_at__lte=Now() + _REMINDED_BEFORE)
    to_tell = soon.exclude(due_at__lte=F("started_at") + CONFIRMED_WAITS)
    keys = list(to_tell.order_by("due_at").values_list("pk", flat=True)[:_AT_MOST])
    return sum(_guarded(pk, partial(_remind, pk)) for pk in keys)


def _complete(reset_pk: UUID, user_pk: int) -> bool:
    return complete_reset(reset_pk, user_pk=user_pk, actor=_ACTOR)


def _remind(reset_pk: UUID) -> bool:
    with transaction.atomic():
        locked = _PENDING.select_for_update(no_key=True, skip_locked=True, of=("self",))
        reset = locked.select_related("user").filter(pk=reset_pk).first()
        if reset is None:
            return False
        reset_mail.remind(reset)
        return True


def _guarded(reset_pk: UUID, work: Callable[[], bool]) -> bool:
    try:
        return work()
    except Exception:
        # One that cannot be ended must not keep the others waiting.
        logger.exception("the two-factor reset %s could not be looked after", reset_pk)
        return False
