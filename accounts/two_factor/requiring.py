"""Requiring two-factor authentication of everybody in an account, and ceasing to (decision 7)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Access
from accounts.memberships import managing_users
from accounts.models import Account
from accounts.permissions import Permission
from accounts.two_factor.notices import tell
from accounts.two_factor.policy import is_in_force, required_kinds, start_of_day
from accounts.two_factor.standing import as_it_would_be, who_is_stopped
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from twofactor.methods import methods_of
from users.models import User


class TwoFactorOfOnesOwn(DomainError):
    """Nobody requires of others what they have not: they would be the first to be shut out."""

    def __init__(self) -> None:
        super().__init__(_("First turn on two-factor authentication for yourself."))


class AppOfOnesOwn(TwoFactorOfOnesOwn):
    """They have it by text message alone, which is to count no more."""

    def __init__(self) -> None:
        super().__init__()
        self.args = (_("First set up an authenticator app for yourself."),)


class PolicyChangedMeanwhile(DomainError):
    """What is required is not what the page showed when it was opened."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Somebody else has changed this since you opened the page. Nothing has been saved."
                " Look at what holds now, and start again."
            )
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """From when two-factor authentication is required (None: it is not), and of which kind."""

    starts: datetime | None
    refuses_sms: bool

    @property
    def fingerprint(self) -> str:
        """Says to a form which policy its reader saw."""
        return f"{self.starts.isoformat() if self.starts else ''}/{self.refuses_sms:d}"

    def details(self) -> dict[str, Any]:
        """For the audit log."""
        return {
            "two_factor_required_from": self.starts.isoformat() if self.starts else None,
            "two_factor_refuses_sms": self.refuses_sms,
        }

    def applied_to(self, account: Account) -> Account:
        """``account`` as it would be; not to be saved."""
        return as_it_would_be(account, starts=self.starts, refuses_sms=self.refuses_sms)


NOT_REQUIRED = Policy(None, refuses_sms=False)


def policy_of(account: Account) -> Policy:
    return Policy(account.two_factor_required_from, account.two_factor_refuses_sms)


def planned(account: Account, *, day: date | None, refuses_sms: bool) -> Policy:
    """What is required from ``day`` on, at 00:00 where the account is, or from now on (None).

    Where it is required already, "from now on" leaves the moment from which it has been.
    """
    if day is not None:
        return Policy(start_of_day(account, day), refuses_sms)
    starts = account.two_factor_required_from if is_in_force(account) else timezone.now()
    return Policy(starts, refuses_sms)


def require_of_members(
    access: Access, *, day: date | None, refuses_sms: bool, seen: str, actor: Actor
) -> bool:
    """Require it of every member, and mail those who would be stopped; False when it is so already.

    ``seen`` is the fingerprint of the policy that the page showed. Raises TwoFactorOfOnesOwn,
    PolicyChangedMeanwhile.
    """
    with managing_users(access, permission=Permission.SECURITY_MANAGE) as manager:
        account = manager.account
        before, after = policy_of(account), planned(account, day=day, refuses_sms=refuses_sms)
        if after == before:
            return False
        check_own(manager.user, after.applied_to(account))
        if seen != before.fingerprint:
            raise PolicyChangedMeanwhile
        _save(account, before, after, actor=actor)
        at = max(after.starts or timezone.now(), timezone.now())
        tell(who_is_stopped(account, at=at), starts=at)
        return True


def stop_requiring(access: Access, *, actor: Actor) -> bool:
    """Require it of nobody but those of whom it is required by name; False when that is so."""
    with managing_users(access, permission=Permission.SECURITY_MANAGE) as manager:
        before = policy_of(manager.account)
        if before == NOT_REQUIRED:
            return False
        _save(manager.account, before, NOT_REQUIRED, actor=actor)
        return True


def check_own(user: User, account: Account) -> None:
    """Raise TwoFactorOfOnesOwn unless ``user`` could open ``account`` as it is to become."""
    methods = methods_of(user)
    if not methods.is_enabled or not methods.standing_alone:
        raise TwoFactorOfOnesOwn
    starts = account.two_factor_required_from
    if not methods.standing_alone & required_kinds(account, at=starts):
        raise AppOfOnesOwn


def _save(account: Account, before: Policy, after: Policy, *, actor: Actor) -> None:
    account.two_factor_required_from = after.starts
    account.two_factor_refuses_sms = after.refuses_sms
    account.save(update_fields=["two_factor_required_from", "two_factor_refuses_sms"])
    record(
        Action.TWO_FACTOR_REQUIREMENT_CHANGED,
        actor=actor,
        account_id=account.pk,
        subject=f"account {account.number}",
        details={"from": before.details(), "to": after.details()},
    )
