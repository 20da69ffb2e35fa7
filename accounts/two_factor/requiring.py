"""Requiring two-factor authentication of everybody in an account, and ceasing to (0152)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Access
from accounts.memberships import managing_users
from accounts.models import Account
from accounts.permissions import Permission
from accounts.two_factor.notices import Loosening, tell_of_loosening, tell_stopped
from accounts.two_factor.policy import is_in_force, required_kinds, start_of_day, will_do
from accounts.two_factor.standing import as_it_would_be, who_is_stopped
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from twofactor.methods import Kind, methods_of
from users.models import User


class TwoFactorOfOnesOwn(DomainError):
    """Nobody requires of others what they have not: they would be the first to be shut out."""

    def __init__(self, words: str = "") -> None:
        super().__init__(words or _("First turn on two-factor authentication for yourself."))


class AppOfOnesOwn(TwoFactorOfOnesOwn):
    """They have it by text message alone, which is to count no more."""

    def __init__(self) -> None:
        super().__init__(_("First set up an authenticator app for yourself."))


class FactorNotShown(TwoFactorOfOnesOwn):
    """They have it, and this session has not shown it."""

    def __init__(self, accepts: frozenset[Kind]) -> None:
        if accepts == {Kind.APP}:
            words = _("To do this, sign out and sign in with a code of your authenticator app.")
        else:
            words = _("To do this, sign out and sign in with a code.")
        super().__init__(words)


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

    def loosens(self, before: "Policy") -> Loosening | None:
        """What ``before`` asks of people now, or will ask, that this asks no more or later."""
        if before.starts is None:
            return None
        if self.starts is None:
            return Loosening.STOPPED
        now = timezone.now()
        if max(self.starts, now) > max(before.starts, now):
            return Loosening.PUT_OFF
        is_refusing_less = before.refuses_sms and not self.refuses_sms
        return Loosening.ALLOWS_SMS if is_refusing_less else None

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
    access: Access,
    *,
    day: date | None,
    refuses_sms: bool,
    seen: str,
    shown: Kind | None,
    actor: Actor,
) -> bool:
    """Require it of every member, and mail those who would be stopped; False when it is so already.

    ``seen`` is the fingerprint of the policy that the page showed, ``shown`` the second factor of
    the session. Raises TwoFactorOfOnesOwn, PolicyChangedMeanwhile.
    """
    with managing_users(access, permission=Permission.SECURITY_MANAGE) as manager:
        account = manager.account
        before, after = policy_of(account), planned(account, day=day, refuses_sms=refuses_sms)
        if after == before:
            return False
        check_own(manager.user, after.applied_to(account))
        check_may_become(after, manager.user, account, shown=shown)
        if seen != before.fingerprint:
            raise PolicyChangedMeanwhile
        _save(account, before, after, by=manager.user, actor=actor)
        at = max(after.starts or timezone.now(), timezone.now())
        tell_stopped(who_is_stopped(account, at=at), starts=at)
        return True


def stop_requiring(access: Access, *, shown: Kind | None, actor: Actor) -> bool:
    """Require it of nobody but those of whom it is required by name; False when that is so.

    Raises TwoFactorOfOnesOwn.
    """
    with managing_users(access, permission=Permission.SECURITY_MANAGE) as manager:
        before = policy_of(manager.account)
        if before == NOT_REQUIRED:
            return False
        check_may_become(NOT_REQUIRED, manager.user, manager.account, shown=shown)
        _save(manager.account, before, NOT_REQUIRED, by=manager.user, actor=actor)
        return True


def check_own(user: User, account: Account) -> None:
    """Raise TwoFactorOfOnesOwn unless ``user`` could open ``account`` as it is to become."""
    methods = methods_of(user)
    if not methods.is_enabled or not methods.standing_alone:
        raise TwoFactorOfOnesOwn
    starts = account.two_factor_required_from
    if not methods.standing_alone & required_kinds(account, at=starts):
        raise AppOfOnesOwn


def check_may_become(after: Policy, user: User, account: Account, *, shown: Kind | None) -> None:
    """Raise TwoFactorOfOnesOwn if ``after`` is looser, and ``user`` may not loosen the rule."""
    if after.loosens(policy_of(account)):
        check_may_loosen(user, account, shown=shown)


def check_may_loosen(user: User, account: Account, *, shown: Kind | None) -> None:
    """Raise TwoFactorOfOnesOwn unless this session has shown what the rule of ``account`` accepts.

    Else a password would be enough to take away what is there for when somebody has a password:
    also an owner's before the day, and that of whoever is exempt.
    """
    check_own(user, account)
    accepts = required_kinds(account, at=account.two_factor_required_from)
    if not will_do(shown, user, accepts=accepts):
        raise FactorNotShown(accepts)


def _save(account: Account, before: Policy, after: Policy, *, by: User, actor: Actor) -> None:
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
    if change := after.loosens(before):
        tell_of_loosening(account, change, by=by, starts=after.starts)
