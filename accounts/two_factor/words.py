"""Two-factor authentication of members in words, for the pages on an account's users."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Account, Membership
from accounts.two_factor.overrides import Override, override_of
from accounts.two_factor.policy import is_in_force, rule_in_force
from accounts.two_factor.requiring import policy_of
from accounts.two_factor.standing import Lack, Standing, State, standings
from common.codes import zone_named
from twofactor.sms.codes import is_sms_offered

Rule = Membership.TwoFactorRule


@dataclass(frozen=True, slots=True)
class MemberWords:
    """``is_stopped``: they cannot open the account as it is."""

    state: str
    rule: str
    override: Override
    has_ended: bool
    is_stopped: bool

    @property
    def has_own_rule(self) -> bool:
        return self.override.rule != Rule.ACCOUNT and not self.has_ended


def words_for(account: Account, memberships: Sequence[Membership]) -> dict[int, MemberWords]:
    """By primary key of the membership, in one query; whose user ID is disabled has none."""
    keys = [membership.pk for membership in memberships]
    found = standings(account, Membership.objects.filter(pk__in=keys))
    return {standing.membership.pk: _words(standing) for standing in found}


def _words(standing: Standing) -> MemberWords:
    membership = standing.membership
    states = {
        State.ON: pgettext("two-factor authentication", "On"),
        State.SMS_ONLY: _("On, by text message only"),
        State.OFF: pgettext("two-factor authentication", "Off"),
    }
    override = override_of(membership)
    return MemberWords(
        state=states[standing.state],
        rule=str(membership.get_two_factor_rule_display()),
        override=override,
        has_ended=rule_in_force(membership) != override.rule,
        is_stopped=standing.lack() is not None,
    )


def about_policy(account: Account) -> dict[str, object]:
    """What ``accounts/security/rule.html`` wants: the beginning as the account's clocks show it."""
    policy = policy_of(account)
    zone = zone_named(account.timezone)
    return {
        "policy": policy,
        "starts": timezone.localtime(policy.starts, zone) if policy.starts else None,
        "is_in_force": is_in_force(account),
        "is_sms_offered": is_sms_offered(),
    }


def lack_in_words(lack: Lack) -> str:
    """Goes on after a person's name."""
    return {
        Lack.NOT_ENABLED: _("has not turned it on"),
        Lack.SMS_ONLY: _("has it by text message only"),
        Lack.UNVERIFIED: _("has not confirmed the email address"),
    }[lack]
