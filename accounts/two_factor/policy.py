"""Two-factor authentication that an account requires of its members (0152).

Checked on each request to the account, from what the request has loaded already; the rule of an
account concerns this account alone.
"""

from datetime import date, datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account, Membership
from common.codes import zone_named
from common.exceptions import DomainError
from twofactor.methods import STANDING_ALONE, Kind, is_enabled, kind_of_session, methods_of
from twofactor.requirements import RequiredBy
from users.models import User

Rule = Membership.TwoFactorRule


class TwoFactorRequired(DomainError):
    """The account requires a second factor that this session was not begun with."""

    def __init__(self, user: User, membership: Membership, *, accepts: frozenset[Kind]) -> None:
        super().__init__(_("This account requires two-factor authentication."))
        self.user = user
        self.account = membership.account
        self.accepts = accepts


def require_two_factor(request: HttpRequest, user: User, membership: Membership) -> None:
    """Raise TwoFactorRequired unless this session will do for the account.

    Whoever shows no second factor costs no query, whether one is required of them or not.
    """
    if not is_required_of(membership):
        return
    accepts = required_kinds(membership.account)
    kind = kind_of_session(request)
    if not will_do(kind, user, accepts=accepts):
        raise TwoFactorRequired(user, membership, accepts=accepts)


def is_required_of(membership: Membership, *, at: datetime | None = None) -> bool:
    """Whether its account requires two-factor authentication of this member, now or ``at``.

    The account is loaded with the membership. An override made before somebody became the owner
    holds for the owner no more: nobody could lift it (0151).
    """
    moment = at or timezone.now()
    rule = rule_in_force(membership, at=moment)
    if rule == Rule.ACCOUNT:
        return is_in_force(membership.account, at=moment)
    return rule == Rule.REQUIRED


def rule_in_force(membership: Membership, *, at: datetime | None = None) -> str:
    """The member's own rule, or that they follow the account when it has ended or they own it."""
    if membership.is_owner:
        return Rule.ACCOUNT
    if membership.two_factor_rule == Rule.EXEMPT and _has_ended(membership, at=at):
        return Rule.ACCOUNT
    return membership.two_factor_rule


def is_in_force(account: Account, *, at: datetime | None = None) -> bool:
    """Whether the account requires it of its members, now or ``at``."""
    starts = account.two_factor_required_from
    return starts is not None and starts <= (at or timezone.now())


def required_kinds(account: Account, *, at: datetime | None = None) -> frozenset[Kind]:
    """The methods that the account accepts; it accepts text messages until its rule begins."""
    if account.two_factor_refuses_sms and is_in_force(account, at=at):
        return frozenset({Kind.APP})
    return STANDING_ALONE


def two_factor_requirements_of(user: User) -> list[RequiredBy]:
    """The accounts that require two-factor authentication of ``user`` at this moment."""
    memberships = Membership.objects.select_related("account").filter(user=user)
    return [
        RequiredBy(
            membership.account.name,
            required_kinds(membership.account),
            stop_page=_stop_page(membership),
        )
        for membership in memberships.order_by("account__name", "account__number")
        if is_required_of(membership)
    ]


def start_of_day(account: Account, day: date) -> datetime:
    """The first moment of ``day`` where the account is."""
    return datetime(day.year, day.month, day.day, tzinfo=zone_named(account.timezone))


def today_of(account: Account, *, at: datetime | None = None) -> date:
    """The day that it is where the account is, now or ``at``."""
    return timezone.localdate(at, zone_named(account.timezone))


def day_after(day: date) -> date:
    return day + timedelta(days=1)


def _stop_page(membership: Membership) -> str:
    if not membership.is_owner:
        return ""
    return reverse("settings:security", args=[membership.account.number])


def _has_ended(membership: Membership, *, at: datetime | None) -> bool:
    """An exemption holds through its last day, in the account's time zone."""
    last_day = membership.two_factor_exempt_until
    return last_day is not None and last_day < today_of(membership.account, at=at)


def will_do(kind: Kind | None, user: User, *, accepts: frozenset[Kind]) -> bool:
    """Whether a session in which ``kind`` was shown is enough where ``accepts`` are accepted.

    A recovery code stands in for a method that the person has, and that the account accepts.
    """
    if kind is None:
        return False
    if kind == Kind.RECOVERY_CODE:
        methods = methods_of(user)
        return methods.is_enabled and bool(methods.standing_alone & accepts)
    return kind in accepts and is_enabled(user)
