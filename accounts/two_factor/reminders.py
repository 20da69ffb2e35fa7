"""Reminds members that two-factor authentication will be required of them: a week and a day before.

Whom to remind, and of what, is read from the rows at each look; the key of each message keeps it
from going twice, whoever looks how often.
"""

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, Membership
from accounts.two_factor.notices import REMINDED_BEFORE, tell_stopped
from accounts.two_factor.standing import Stopped, required_after_now, standings
from common.scoping import account_scope

logger = logging.getLogger(__name__)

_LONGEST = max(REMINDED_BEFORE)


def remind_members() -> None:
    """Each account in a transaction of its own; one that fails keeps no other waiting."""
    for account_pk in _accounts():
        try:
            _remind(account_pk)
        except Exception:
            logger.exception("members of account %s could not be reminded", account_pk)


def _accounts() -> list[int]:
    """Those whose rule begins within a week, or with a member whose exemption ends about then."""
    now = timezone.now()
    begins = Q(two_factor_required_from__gt=now, two_factor_required_from__lte=now + _LONGEST)
    # A day more on either side: what day it is depends on where an account is.
    last_days = (now.date() - timedelta(days=1), (now + _LONGEST).date() + timedelta(days=1))
    ends = Q(
        two_factor_required_from__isnull=False,
        memberships__two_factor_rule=Membership.TwoFactorRule.EXEMPT,
        memberships__two_factor_exempt_until__range=last_days,
    )
    found = Account.objects.filter(begins | ends).exclude(status=Account.Status.CLOSED)
    return list(found.order_by("pk").values_list("pk", flat=True).distinct())


def _remind(account_pk: int) -> None:
    with account_scope(account_pk):
        # Whoever has the lock may be changing the very date; the next look finds it.
        free = Account.objects.select_for_update(no_key=True, skip_locked=True)
        account = free.filter(pk=account_pk).exclude(status=Account.Status.CLOSED).first()
        if account is None:
            return
        now = timezone.now()
        for standing in standings(account):
            starts = required_after_now(standing.membership)
            if starts is None or starts > now + _LONGEST:
                continue
            if lack := standing.lack(at=starts):
                tell_stopped([Stopped(standing.membership, lack)], starts=starts)
