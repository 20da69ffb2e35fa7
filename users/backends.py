"""Whose password is looked at, and whose session counts."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from users.models import User


class VerifiedUsersBackend(ModelBackend):
    """Django's, with one more rule: a session is good for as long as its address is verified.

    The password is checked before that (``authenticate``), so that whoever knows it can be sent
    the link again (``users.signin``). Disabled user IDs have neither: Django's own rule.
    """

    def get_user(self, user_id: Any) -> User | None:
        user = super().get_user(user_id)
        return user if isinstance(user, User) and user.email_verified_at else None
