"""Who cannot open an account without two-factor authentication is told so, in time.

And its owner, when somebody else asks less of people than was asked.

Each function queues in the caller's transaction and needs the account's scope.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.member_mail import notify, owner_of, page_of, person_in_words, who_did_it
from accounts.models import Account
from accounts.two_factor.policy import required_kinds
from accounts.two_factor.standing import Stopped
from twofactor.errands import Errand, overview_address
from twofactor.methods import Kind
from users.models import User

# How long before it begins people are told once more.
REMINDED_BEFORE = (timedelta(days=7), timedelta(days=1))


class Loosening(StrEnum):
    """What of a rule was loosened; the last two are about one member."""

    STOPPED = "stopped"
    PUT_OFF = "put_off"
    ALLOWS_SMS = "allows_sms"
    EXEMPT = "exempt"
    NOT_REQUIRED = "not_required"


def tell_of_loosening(
    account: Account,
    change: Loosening,
    *,
    by: User,
    starts: datetime | None = None,
    person: User | None = None,
) -> None:
    """To the owner, when somebody else did it: until ``starts``, or of ``person``."""
    owner = owner_of(account)
    if owner.pk == by.pk:
        return
    notify(
        "two_factor_loosened",
        account=account,
        to=owner,
        key=f"two_factor_loosened/{account.number}/{timezone.now().isoformat()}",
        context={
            "by": who_did_it(by),
            "change": change.value,
            "starts": starts,
            "person": person_in_words(person) if person else "",
            "page": page_of(account, "settings:security"),
        },
    )


def tell_stopped(stopped: Iterable[Stopped], *, starts: datetime) -> None:
    """Each one once for each of the times at which people are told (``_stage``)."""
    for each in stopped:
        _tell(each, starts=starts)


def _tell(stopped: Stopped, *, starts: datetime) -> None:
    membership, account = stopped.membership, stopped.membership.account
    apps_only = Kind.SMS not in required_kinds(account, at=starts)
    which = "apps" if apps_only else "any"
    is_now = starts <= timezone.now()
    notify(
        "two_factor_required",
        account=account,
        to=membership.user,
        key="/".join(
            [
                "two_factor_required",
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

    What is set up on the way is also turned on (0142).
    """
    errand = Errand(is_on_demand=True, next_page=reverse("account:overview", args=[account.number]))
    return overview_address(errand)
