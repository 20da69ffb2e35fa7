"""Accounts that require two-factor authentication, and browsers with and without it."""

from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from accounts.models import Account, Membership
from tests.people import People, signed_in
from tests.two_factor import two_factor_on
from twofactor.models import RecoveryCode, RecoveryCodes
from users.models import User

Rule = Membership.TwoFactorRule


def require_it(
    account: Account, *, starts: datetime | None = None, refuses_sms: bool = False
) -> None:
    """From an hour ago, or from ``starts``."""
    account.two_factor_required_from = starts or timezone.now() - timedelta(hours=1)
    account.two_factor_refuses_sms = refuses_sms
    account.save(update_fields=["two_factor_required_from", "two_factor_refuses_sms"])


def set_rule(user: User, account: Account, rule: str, **fields: Any) -> Membership:
    reason = "" if rule == Rule.ACCOUNT else "A reason"
    found = Membership.objects.filter(user=user, account=account)
    found.update(two_factor_rule=rule, two_factor_rule_reason=reason, **fields)
    return found.select_related("account", "user").get()


def signed_in_with(user: User, device: Device) -> Client:
    """A browser whose session was begun with a code of ``device``."""
    browser = signed_in(user)
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return browser


def protected(user: User) -> Client:
    """A browser of ``user``, who has two-factor on with an app, and signed in with it."""
    return signed_in_with(user, two_factor_on(user))


def add_codes(user: User) -> RecoveryCodes:
    codes: RecoveryCodes = RecoveryCodes.objects.create(user=user, name="Recovery codes")
    RecoveryCode.objects.create(codes=codes, selector="aa", code_hash="not a hash")
    return codes


def overview_of(people: People) -> str:
    return f"/a/{people.account.number}/"


def security_of(people: People, rest: str = "") -> str:
    return f"/a/{people.account.number}/settings/security/{rest}"
