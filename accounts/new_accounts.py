"""A further account that a person opens for themselves, a department, or on behalf of others."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.opening import NewAccount, currency_for, open_accounts
from audit.recording import Actor
from common.exceptions import DomainError
from users.locked_people import lock_usable_person
from users.models import User
from users.rate_limits import Limit, TooManyAttempts, take

# More than anybody needs at a time, and few enough that a program fills nothing.
NEW_ACCOUNTS = Limit("new account", 5, timedelta(days=1))


class TooManyNewAccounts(DomainError):
    """The person has opened as many accounts as they may within a day."""

    def __init__(self, retry_at: datetime) -> None:
        when = formats.date_format(timezone.localtime(retry_at), "DATETIME_FORMAT")
        super().__init__(
            _("You have opened several accounts today. You can open another one after %(when)s.")
            % {"when": when}
        )


def open_own_account(
    user: User, *, kind: Account.Kind, name: str, country: str, time_zone: str, actor: Actor
) -> Account:
    """Open an account that ``user`` owns. Raises TooManyNewAccounts, PersonUnusable.

    Of one person's requests at the same time one waits for the other, until its transaction ends.
    """
    with transaction.atomic():
        user = lock_usable_person(user.pk)
        try:
            take([NEW_ACCOUNTS.by(str(user.pk))])
        except TooManyAttempts as refusal:
            raise TooManyNewAccounts(refusal.retry_at) from refusal
        (account,) = open_accounts(
            [
                NewAccount(
                    kind=kind,
                    name=name,
                    country=country,
                    currency=currency_for(country),
                    owner_email=user.email,
                    timezone=time_zone,
                    locale=user.language,
                )
            ],
            actor=actor,
        )
    return account
