"""Which members have the two-factor authentication that their account requires, and who has not.

One query, whatever the account's size.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import Account, Invitation, Membership
from accounts.two_factor.policy import (
    day_after,
    is_required_of,
    required_kinds,
    rule_in_force,
    start_of_day,
)
from twofactor.methods import Kind
from twofactor.models import AuthenticatorApp, SmsPhone, TwoFactor

Rule = Membership.TwoFactorRule


class State(StrEnum):
    """Of a person, whatever any account requires."""

    ON = "on"
    SMS_ONLY = "sms_only"
    OFF = "off"


class Lack(StrEnum):
    """Why somebody is stopped where two-factor authentication is required."""

    # Who has not shown that the address is theirs cannot sign in, and so not turn anything on.
    UNVERIFIED = "unverified"
    NOT_ENABLED = "not_enabled"
    SMS_ONLY = "sms_only"


@dataclass(frozen=True, slots=True)
class Standing:
    """A member, and the methods that they have; ``kinds`` are those that stand alone."""

    membership: Membership
    is_enabled: bool
    kinds: frozenset[Kind]

    @property
    def state(self) -> State:
        if not self.is_enabled or not self.kinds:
            return State.OFF
        return State.ON if Kind.APP in self.kinds else State.SMS_ONLY

    def lack(self, *, at: datetime | None = None) -> Lack | None:
        """What keeps them from the account now, or would ``at``; None when nothing does."""
        if not is_required_of(self.membership, at=at):
            return None
        if self.membership.user.email_verified_at is None:
            return Lack.UNVERIFIED
        if self.state == State.OFF:
            return Lack.NOT_ENABLED
        accepts = required_kinds(self.membership.account, at=at)
        return None if self.kinds & accepts else Lack.SMS_ONLY


@dataclass(frozen=True, slots=True)
class Stopped:
    membership: Membership
    lack: Lack


def standings(account: Account, memberships: QuerySet[Membership] | None = None) -> list[Standing]:
    """Of all members or of some, by address; of those whose user ID can sign in or could."""
    found = memberships if memberships is not None else Membership.objects.all()
    annotated = (
        found.filter(account=account, user__is_active=True)
        .select_related("user")
        .annotate(
            is_enabled=Exists(TwoFactor.objects.filter(user=OuterRef("user"))),
            has_app=Exists(AuthenticatorApp.objects.filter(user=OuterRef("user"), confirmed=True)),
            has_phone=Exists(SmsPhone.objects.filter(user=OuterRef("user"), confirmed=True)),
        )
        .order_by("user__email")
    )
    each = []
    for membership in annotated:
        # The caller's account, which may be one as it is to become.
        membership.account = account
        held = {Kind.APP: membership.has_app, Kind.SMS: membership.has_phone}
        kinds = frozenset(kind for kind, is_held in held.items() if is_held)
        each.append(Standing(membership, membership.is_enabled, kinds))
    return each


def who_is_stopped(account: Account, *, at: datetime | None = None) -> list[Stopped]:
    """The members who cannot open the account now, or could not ``at``."""
    return [
        Stopped(standing.membership, lack)
        for standing in standings(account)
        if (lack := standing.lack(at=at))
    ]


def as_it_would_be(account: Account, *, starts: datetime | None, refuses_sms: bool) -> Account:
    """A copy of ``account`` with another rule; not to be saved."""
    proposed = copy(account)
    proposed.two_factor_required_from = starts
    proposed.two_factor_refuses_sms = refuses_sms
    return proposed


def required_after_now(membership: Membership) -> datetime | None:
    """From when it will be required of a member of whom it is not yet; None when it will not be.

    It is the account's date, or the end of an exemption, whichever comes later.
    """
    now = timezone.now()
    starts = membership.account.two_factor_required_from
    if starts is None or is_required_of(membership, at=now):
        return None
    if rule_in_force(membership, at=now) == Rule.EXEMPT:
        last_day = membership.two_factor_exempt_until
        if last_day is None:
            return None
        starts = max(starts, start_of_day(membership.account, day_after(last_day)))
    return starts


def open_addresses(account: Account) -> list[str]:
    """Of invitations that nobody has answered: whoever accepts is asked like everybody else."""
    pending = Invitation.objects.filter(
        account=account, state=Invitation.State.PENDING, expires_at__gt=timezone.now()
    )
    return list(pending.order_by("email").values_list("email", flat=True))
