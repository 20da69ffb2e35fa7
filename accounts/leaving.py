"""What closing a user ID means for accounts: what stands in its way, and what ends with it."""

from django.utils.translation import gettext as _

from accounts.memberships import leave
from accounts.models import Account, Membership
from audit.recording import Actor
from users.models import User


def accounts_still_owned(user: User) -> list[str]:
    """A sentence for each open account that ``user`` owns (0081).

    A closed one needs nothing of its owner any more, and stays theirs.
    """
    owned = Account.objects.filter(memberships__user=user, memberships__is_owner=True)
    words = _(
        "You own the account %(name)s (%(number)s). Offer it to somebody else or close it first."
    )
    return [
        words % {"name": account.name, "number": account.number}
        for account in owned.exclude(status=Account.Status.CLOSED).order_by("number")
    ]


def end_memberships(user: User, actor: Actor) -> None:
    """Leave every account that ``user`` does not own, in the order in which accounts are locked."""
    memberships = Membership.objects.select_related("account").filter(user=user, is_owner=False)
    for membership in memberships.order_by("account_id"):
        leave(membership.account, user=user, actor=actor)
