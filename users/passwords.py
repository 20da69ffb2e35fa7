"""Changing one's own password."""

from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from users.changing_address import drop_pending_changes
from users.links import Purpose, end_links
from users.models import User
from users.notices import tell_password_changed
from users.sessions import end_other_sessions


def change_password(request: HttpRequest, user: User, *, password: str) -> None:
    """Set it, end every other session and what was on its way, and tell the person by mail.

    The caller has checked the current one.
    """
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        # Changes the session's key, too.
        update_session_auth_hash(request, user)
        end_other_sessions(request, user)
        end_links(email=user.email, purposes=[Purpose.PASSWORD_RESET])
        drop_pending_changes(user)
        record(Action.USER_PASSWORD_CHANGED, actor=actor_of(request), subject=f"user {user.email}")
        tell_password_changed(user)
