"""Whether two-factor authentication is required of one member, whatever the account requires.

An override has a reason, an exemption perhaps a last day. Nobody makes one for themselves, and
nobody for the owner (0150).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Access
from accounts.granting import GrantRefused
from accounts.memberships import locked_member, managing_users
from accounts.models import Account, Membership
from accounts.permissions import Permission
from accounts.two_factor.notices import Loosening, tell_of_loosening, tell_stopped
from accounts.two_factor.policy import day_after, rule_in_force, start_of_day
from accounts.two_factor.requiring import check_may_loosen
from accounts.two_factor.standing import Lack, Stopped, standings
from audit.actions import Action
from audit.models import AuditEvent
from audit.recording import Actor, record
from common.exceptions import DomainError
from twofactor.methods import Kind

Rule = Membership.TwoFactorRule


class OwnTwoFactorRule(GrantRefused):
    """Whoever could exempt themselves would be bound by nothing (0150)."""

    def __init__(self, access: Access) -> None:
        words = _("You cannot change whether two-factor authentication is required of you.")
        super().__init__(access, Permission.SECURITY_MANAGE, words=words)


class OwnersTwoFactorRule(GrantRefused):
    """The owner is bound by what the account requires, and by nothing that a member says."""

    def __init__(self, access: Access) -> None:
        words = _("For the owner, what the account requires holds. It cannot be changed for them.")
        super().__init__(access, Permission.OWNERSHIP_OFFER, words=words)


@dataclass(frozen=True, slots=True)
class Override:
    """``until`` is the last day of an exemption, in the account's time zone."""

    rule: str
    reason: str = ""
    until: date | None = None

    def required_from(self, account: Account, *, now: datetime) -> datetime | None:
        """From when it is required of whom this is for, ``now`` at the earliest."""
        if self.rule == Rule.REQUIRED:
            return now
        starts = account.two_factor_required_from
        if starts is None or (self.rule == Rule.EXEMPT and self.until is None):
            return None
        if self.rule == Rule.EXEMPT and self.until is not None:
            starts = max(starts, start_of_day(account, day_after(self.until)))
        return max(starts, now)

    def is_looser_than(self, other: "Override", account: Account) -> bool:
        """Whether it asks no more, or later, what ``other`` asks now or will ask."""
        now = timezone.now()
        before = other.required_from(account, now=now)
        after = self.required_from(account, now=now)
        return before is not None and (after is None or after > before)

    @property
    def fingerprint(self) -> str:
        """Says to a form what its reader saw."""
        return f"{self.rule}/{self.until or ''}/{self.reason}"

    def details(self) -> dict[str, Any]:
        """For the audit log."""
        return {
            "two_factor_rule": self.rule,
            "two_factor_rule_reason": self.reason,
            "two_factor_exempt_until": self.until.isoformat() if self.until else None,
        }


class OverrideChangedMeanwhile(DomainError):
    """``now`` is what holds, and not what the form was filled in on."""

    def __init__(self, now: Override) -> None:
        super().__init__(
            _(
                "Somebody else has changed this since you opened the page. Nothing has been saved."
                " What you entered is still here. Check it, then save again."
            )
        )
        self.now = now


@dataclass(frozen=True, slots=True)
class ListedOverride:
    """An override in the list of them, and who made it as the log has them."""

    membership: Membership
    override: Override
    has_ended: bool
    made_by: str


def override_of(membership: Membership) -> Override:
    return Override(
        membership.two_factor_rule,
        membership.two_factor_rule_reason,
        membership.two_factor_exempt_until,
    )


def require_overridable(access: Access, membership: Membership) -> None:
    """Raise OwnTwoFactorRule or OwnersTwoFactorRule where it is not theirs to change."""
    if membership.user_id == access.user.pk:
        raise OwnTwoFactorRule(access)
    if membership.is_owner:
        raise OwnersTwoFactorRule(access)


def change_override(
    access: Access,
    public_id: UUID,
    *,
    override: Override,
    seen: str,
    shown: Kind | None,
    actor: Actor,
) -> bool:
    """Have ``override`` hold for a member, and mail them if it stops them; False when it did.

    ``seen`` is the fingerprint of what held when the form was opened, ``shown`` the second factor
    of the session. Raises MemberGone, OwnTwoFactorRule, OwnersTwoFactorRule,
    OverrideChangedMeanwhile, and TwoFactorOfOnesOwn where it asks less than what holds.
    """
    with managing_users(access, permission=Permission.SECURITY_MANAGE) as manager:
        membership = locked_member(manager, public_id)
        require_overridable(manager, membership)
        before = override_of(membership)
        if override == before:
            return False
        if seen != before.fingerprint:
            raise OverrideChangedMeanwhile(before)
        is_looser = override.is_looser_than(before, manager.account)
        if is_looser:
            check_may_loosen(manager.user, manager.account, shown=shown)
        was_stopped = _lack_of(membership) is not None
        _save(membership, override)
        record(
            Action.TWO_FACTOR_RULE_CHANGED,
            actor=actor,
            account_id=manager.account.pk,
            subject=f"user {membership.user.email}",
            details={
                "from": before.details(),
                "to": override.details(),
                "membership": str(membership.public_id),
            },
        )
        if not was_stopped and (lack := _lack_of(membership)):
            tell_stopped([Stopped(membership, lack)], starts=timezone.now())
        if is_looser:
            _tell_owner(manager, membership)
        return True


def overrides_of(account: Account) -> list[ListedOverride]:
    """Every member for whom a rule of their own was made, by address; needs the account's scope."""
    members = (
        Membership.objects.select_related("user")
        .filter(account=account, is_owner=False)
        .exclude(two_factor_rule=Rule.ACCOUNT)
        .order_by("user__email")
    )
    found = list(members)
    makers = _makers(account, found)
    for membership in found:
        membership.account = account
    return [
        ListedOverride(
            membership,
            override_of(membership),
            has_ended=rule_in_force(membership) != membership.two_factor_rule,
            made_by=makers.get(str(membership.public_id), ""),
        )
        for membership in found
    ]


def _makers(account: Account, memberships: Iterable[Membership]) -> Mapping[str, str]:
    """By a membership's public id: who changed its rule last."""
    keys = [str(membership.public_id) for membership in memberships]
    if not keys:
        return {}
    events = AuditEvent.objects.filter(
        account_id=account.pk,
        action=Action.TWO_FACTOR_RULE_CHANGED,
        details__membership__in=keys,
    )
    oldest_first = events.order_by("happened_at", "pk")
    return dict(oldest_first.values_list("details__membership", "actor_label"))


def _lack_of(membership: Membership) -> Lack | None:
    only = Membership.objects.filter(pk=membership.pk)
    return next((each.lack() for each in standings(membership.account, only)), None)


def _tell_owner(manager: Access, membership: Membership) -> None:
    is_exempt = membership.two_factor_rule == Rule.EXEMPT
    change = Loosening.EXEMPT if is_exempt else Loosening.NOT_REQUIRED
    tell_of_loosening(manager.account, change, by=manager.user, person=membership.user)


def _save(membership: Membership, override: Override) -> None:
    membership.two_factor_rule = override.rule
    membership.two_factor_rule_reason = override.reason
    membership.two_factor_exempt_until = override.until
    membership.save(
        update_fields=["two_factor_rule", "two_factor_rule_reason", "two_factor_exempt_until"]
    )
