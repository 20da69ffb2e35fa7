"""Closing an account (0081): what stands in the way, what is still to come, and the act.

Money lies in packages above this one; they say what they know of it through
``accounts.closing_hooks``.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from accounts.closing_hooks import OBSTACLES, PREVIEWS
from accounts.contact_mail import tell_of_closing
from accounts.invitations import delete_pending
from accounts.models import Account, Invitation
from accounts.ownership import OwnershipChangeOver, stop_change
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.hooks import Hook
from common.scoping import account_scope
from users.models import User


class AccountCannotClose(DomainError):
    """Something has to be settled first."""

    def __init__(self, obstacles: list[str]) -> None:
        super().__init__(" ".join(obstacles))
        self.obstacles = obstacles


class AccountClosedAlready(DomainError):
    def __init__(self) -> None:
        super().__init__(_("This account is closed already. Nothing was changed."))


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing the account at this moment would mean."""

    obstacles: list[str]
    consequences: list[str]


def preview_closing(account: Account) -> Closing:
    """Needs the account's scope; writes nothing."""
    return Closing(
        obstacles=_said_by(OBSTACLES, account),
        consequences=[*_said_by(PREVIEWS, account), *_always(account)],
    )


def close_account(account: Account, *, closed_by: User, actor: Actor) -> Account:
    """Make the account read-only for good; its pending invitations and change of owner end.

    Raises AccountClosedAlready, AccountCannotClose.
    """
    with account_scope(account):
        account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if account.status == Account.Status.CLOSED:
            raise AccountClosedAlready
        if obstacles := _said_by(OBSTACLES, account):
            raise AccountCannotClose(obstacles)
        with override(account.locale):
            facts = _said_by(PREVIEWS, account)
        _end_what_is_pending(account, actor=actor)
        former = account.status
        account.status, account.closed_at = Account.Status.CLOSED, timezone.now()
        account.save(update_fields=["status", "closed_at"])
        record(
            Action.ACCOUNT_CLOSED,
            actor=actor,
            account_id=account.pk,
            subject=f"account {account.number}",
            details={"status": {"old": former, "new": account.status}},
        )
        tell_of_closing(account, closed_by=closed_by, facts=facts)
        return account


def _said_by(hook: Hook, account: Account) -> list[str]:
    return [sentence for say in hook.functions() for sentence in say(account)]


def _always(account: Account) -> Iterable[str]:
    pending = Invitation.objects.filter(account=account, state=Invitation.State.PENDING).count()
    if pending:
        yield ngettext(
            "%(count)s invitation that was not accepted yet is deleted.",
            "%(count)s invitations that were not accepted yet are deleted.",
            pending,
        ) % {"count": pending}
    yield _("Nothing in the account can be changed any more, by anybody.")
    yield _("Invoices stay open to read for those who may see them now, and still have to be paid.")
    yield _("Invoices that are still to come go to the same people as before.")
    yield _("Only our support team can open the account again.")


def _end_what_is_pending(account: Account, *, actor: Actor) -> None:
    with suppress(OwnershipChangeOver):
        stop_change(account, actor=actor, reason="the account was closed")
    delete_pending(account, reason="the account was closed", actor=actor)
