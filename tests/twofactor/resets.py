"""Two-factor resets for tests: started, aged, due; and what is left of a person's methods."""

from datetime import timedelta

from django.db.models import F
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope
from tests.factories import OPERATOR
from tests.people import signed_in
from tests.two_factor import two_factor_on
from tests.users.mailing import mails
from twofactor.models import AuthenticatorApp, RecoveryCodes, SmsPhone, TwoFactor, TwoFactorReset
from twofactor.resetting import start_reset
from users.models import User

State = TwoFactorReset.State


def started(user: User, *, by: User) -> TwoFactorReset:
    """A reset that staff have started; two-factor of ``user`` is on."""
    two_factor_on(user)
    return start_reset(
        user, by=by, reason="Lost the phone", check="Called back on file", actor=OPERATOR
    )


def age(reset: TwoFactorReset, **by: float) -> None:
    """As if it had been started, and all that was before it, so much earlier."""
    earlier = timedelta(**by)
    TwoFactor.objects.filter(user=reset.user).update(enabled_at=F("enabled_at") - earlier)
    TwoFactorReset.objects.filter(pk=reset.pk).update(
        started_at=F("started_at") - earlier, due_at=F("due_at") - earlier
    )
    reset.refresh_from_db()


def state_of(reset: TwoFactorReset) -> str:
    return TwoFactorReset.objects.get(pk=reset.pk).state


def method_count(user: User) -> int:
    """Devices of every kind, and that two-factor is on."""
    models = (AuthenticatorApp, SmsPhone, RecoveryCodes, TwoFactor)
    return sum(model.objects.filter(user=user).count() for model in models)


def told(kind: str) -> list[str]:
    return sorted(mail.recipient_address for mail in mails(kind))


def events(action: Action) -> list[AuditEvent]:
    with all_accounts_scope("a test"):
        return list(AuditEvent.objects.filter(action=action))


def with_factor(user: User) -> Client:
    """A browser in which ``user`` signed in with password and app."""
    browser = signed_in(user)
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = two_factor_on(user).persistent_id
    session.save()
    return browser
