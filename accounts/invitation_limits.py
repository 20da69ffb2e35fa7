"""How many invitations may leave: nobody's mailbox is flooded in the operator's name."""

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.models import Account
from common.exceptions import DomainError
from users.rate_limits import Limit, TooManyAttempts, take

_DAY = timedelta(days=1)
# A large team is invited in an afternoon; a program that has stolen a session gets no further.
PER_ACCOUNT = Limit("invitations of an account", most=50, window=_DAY)
# One and a few reminders, from whatever accounts: more is a nuisance to whoever reads them.
PER_ADDRESS = Limit("invitations to an address", most=5, window=_DAY)


class TooManyInvitations(DomainError):
    """Nothing was sent; the next invitation can be sent at ``retry_at``."""

    def __init__(self, words: str, *, retry_at: datetime) -> None:
        local = timezone.localtime(retry_at)
        when = {"time": formats.date_format(local, "DATETIME_FORMAT")}
        super().__init__(words % when)
        self.retry_at = retry_at


def count_invitation(account: Account, email: str) -> None:
    """Count one mail from ``account`` to ``email``. Raises TooManyInvitations.

    In the caller's transaction: what is not sent is not counted.
    """
    try:
        take([PER_ACCOUNT.by(str(account.pk))])
    except TooManyAttempts as refusal:
        words = _(
            "This account has sent as many invitations as it may within a day. Try again after"
            " %(time)s."
        )
        raise TooManyInvitations(words, retry_at=refusal.retry_at) from refusal
    try:
        take([PER_ADDRESS.by(email)])
    except TooManyAttempts as refusal:
        words = _(
            "This address has been sent as many invitations as it may get within a day. Try again"
            " after %(time)s."
        )
        raise TooManyInvitations(words, retry_at=refusal.retry_at) from refusal
