"""Who cannot open an account without two-factor authentication is told so, in time.

Each function queues in the caller's transaction and needs the account's scope.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.member_mail import notify
from accounts.models import Account
from accounts.two_factor.policy import required_kinds
from accounts.two_factor.standing import Stopped
from twofactor.errands import Errand, overview_address
from twofactor.methods import Kind

# How long before it begins people are told once more.
REMINDED_BEFORE = (timedelta(days=7), timedelta(days=1))


def tell(stopped: Iterable[Stopped], *, starts: datetime) -> None:
    """Each one once for each of the times at which people are told (``_stage``)."""
    for each in stopped:
        _tell(each, starts=starts)


def _tell(stopped: Stopped, *, starts: datetime) -> None:
    membership, account = stopped.membership, stopped.membership.account
    apps_only = Kind.SMS not in required_kinds(account, at=starts)
    which = "apps" if apps_only else "any"
    is_now = starts <= timezone.now()
    notify(
        "two_factor_required_soon",
        account=account,
        to=membership.user,
        key="/".join(
            [
                "two_factor_required_soon",
                str(membership.public_id),
                starts.isoformat(),
                which,
                _stage(starts),
            ]
        ),
        context={
            "starts": None if is_now else starts,
            "lack": stopped.lack.value,
            "apps_only": apps_only,
            "page": f"{settings.SITE_URL}{set_up_page(account)}",
        },
    )


def _stage(starts: datetime) -> str:
    """Whoever is told within a week before is not reminded of that week, and so with the day."""
    left = starts - timezone.now()
    due = [before.days for before in REMINDED_BEFORE if left <= before]
    return f"{min(due)} days before" if due else "when it was set"


def set_up_page(account: Account) -> str:
    """The path of the reader's own two-factor page, and from there back to the account.

    What is set up on the way is also turned on (decision 7).
    """
    errand = Errand(is_on_demand=True, next_page=reverse("account:overview", args=[account.number]))
    return overview_address(errand)
