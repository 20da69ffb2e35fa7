"""Refused codes in the audit log: of which method, and never what was typed."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from twofactor.methods import Kind
from users.models import User
from users.rate_limits import Limit, TooManyAttempts, take

# Once is enough of a limit that has been reached; a program sends thousands.
_NOTED = Limit("limits of codes that were noted", 1, timedelta(days=1))


def record_refused(request: HttpRequest, user: User, *, kind: Kind) -> None:
    """Somebody entered a wrong code for ``user``. Not within a transaction that rolls back."""
    with transaction.atomic():
        record(
            Action.TWO_FACTOR_CODE_REFUSED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"method": kind.value},
        )


def record_limit_reached(request: HttpRequest, user: User, *, kind: Kind, until: datetime) -> None:
    """A code was not looked at, as there were too many; ``until`` tells one limit from the next."""
    with transaction.atomic():
        try:
            take([_NOTED.by(f"{user.pk}\0{until.isoformat()}")])
        except TooManyAttempts:
            return
        record(
            Action.TWO_FACTOR_CODE_REFUSED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"method": kind.value, "limit": "too many codes", "until": until.isoformat()},
        )
