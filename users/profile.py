"""A person's own name, number, language and time zone."""

from collections.abc import Mapping

from django.db import transaction
from django.http import HttpRequest

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from users.models import User

FIELDS = ("first_name", "last_name", "phone", "language", "timezone")


def change_profile(request: HttpRequest, user: User, values: Mapping[str, str]) -> bool:
    """Save what differs of ``FIELDS``; False when nothing does."""
    with transaction.atomic():
        stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        former = {name: getattr(stored, name) for name in FIELDS if name in values}
        changed = {name: values[name] for name in former if values[name] != former[name]}
        if not changed:
            return False
        for name, value in changed.items():
            setattr(stored, name, value)
            setattr(user, name, value)
        stored.save(update_fields=list(changed))
        record(
            Action.USER_PROFILE_CHANGED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"from": {name: former[name] for name in changed}, "to": changed},
        )
    return True
