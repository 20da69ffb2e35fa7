"""Signing in and out: the password check, its brake, the session, and the audit of all three."""

from datetime import datetime, timedelta

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.acting import actor_of, client_address
from audit.actions import Action
from audit.models import AuditEvent
from audit.recording import as_recorded, record
from common.exceptions import DomainError
from common.ids import normalise_email
from common.scoping import all_accounts_scope
from users.models import User

# As PyPI does: a person who mistypes never gets there, a program that guesses does in a second.
MAX_FAILURES = 10
WINDOW = timedelta(minutes=5)


class WrongCredentials(DomainError):
    """The same for an unknown address, a wrong password and a disabled user ID (ASVS 6.3.8)."""

    def __init__(self) -> None:
        super().__init__(_("This email address and password do not belong together."))


class TooManyAttempts(DomainError):
    """Refused before any password is looked at, until ``retry_at``."""

    def __init__(self, retry_at: datetime) -> None:
        super().__init__(_("There were too many attempts to sign in."))
        self.retry_at = retry_at


def sign_in(request: HttpRequest, *, email: str, password: str) -> User:
    """Check the password and start a session under a new key.

    Raises TooManyAttempts, and WrongCredentials in the same time for every address, known or not:
    the password is hashed once either way (Django's ModelBackend).
    """
    address = normalise_email(email)
    _brake(request, address)
    user = authenticate(request, username=address, password=password)
    if not isinstance(user, User):
        record(Action.USER_SIGN_IN_FAILED, actor=actor_of(request), subject=_subject(address))
        raise WrongCredentials
    with transaction.atomic():
        login(request, user)
        record(Action.USER_SIGNED_IN, actor=actor_of(request), subject=_subject(address))
    return user


def sign_out(request: HttpRequest) -> None:
    """End the session, here and in the database. Does nothing when nobody is signed in."""
    actor = actor_of(request)
    with transaction.atomic():
        logout(request)
        if actor.user_id is not None:
            record(Action.USER_SIGNED_OUT, actor=actor, subject=_subject(actor.label))


def _brake(request: HttpRequest, address: str) -> None:
    """Count the recent failures for this address from this client, in the audit log.

    By the pair, so that a stranger who guesses elsewhere locks nobody out. In PostgreSQL, so that
    it holds while Redis is away. Guesses sent at the same moment see the same count: as many more
    get through as there are web workers, which is accepted.
    """
    now = timezone.now()
    with all_accounts_scope("failed sign-ins belong to no account"):
        failures = list(
            AuditEvent.objects.filter(
                action=Action.USER_SIGN_IN_FAILED,
                subject=as_recorded(_subject(address)),
                remote_address=client_address(request),
                happened_at__gt=now - WINDOW,
            )
            .order_by("-happened_at")
            .values_list("happened_at", flat=True)[:MAX_FAILURES]
        )
    if len(failures) == MAX_FAILURES:
        raise TooManyAttempts(failures[-1] + WINDOW)


def _subject(address: str) -> str:
    return f"user {address}"
