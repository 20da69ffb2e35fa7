"""What a person calls an authenticator app of theirs."""

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from twofactor.models import AuthenticatorApp
from users.models import User


def rename_app(request: HttpRequest, user: User, public_id: UUID, *, name: str) -> bool:
    """False when it is called so already. Raises Http404 unless it is a confirmed app of theirs."""
    with transaction.atomic():
        apps = AuthenticatorApp.objects.select_for_update().filter(user=user, confirmed=True)
        app = get_object_or_404(apps, public_id=public_id)
        former = app.name
        if former == name:
            return False
        app.name = name
        app.save(update_fields=["name"])
        record(
            Action.TWO_FACTOR_METHOD_RENAMED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"from": former, "to": name},
        )
    return True
