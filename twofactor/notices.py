"""Mail about a person's methods: whoever did not change them must learn of it (ASVS 6.3.7)."""

import uuid
from typing import Any

from django.urls import reverse

from mail.addresses import Mailbox
from mail.notices import send_notice
from users.models import User
from users.notices import absolute


def tell_turned_on(user: User) -> None:
    _tell("two_factor_on", user)


def tell_turned_off(user: User) -> None:
    _tell("two_factor_off", user)


def tell_method_added(user: User, *, method: str) -> None:
    """``method`` is what the person calls it: an app's name, or a telephone number."""
    _tell("two_factor_method_added", user, method=method)


def tell_method_removed(user: User, *, method: str, is_off: bool) -> None:
    """``is_off``: it was the last one, so two-factor authentication is off."""
    _tell("two_factor_method_removed", user, method=method, is_off=is_off)


def tell_codes_made(user: User) -> None:
    _tell("recovery_codes_made", user)


def _tell(name: str, user: User, **words: Any) -> None:
    send_notice(
        name,
        to=Mailbox(user.email, user.get_full_name()),
        language=user.language,
        time_zone=user.timezone,
        # Each change is one of its own: nothing else tells two of them apart.
        dedup_key=f"{name}/{user.pk}/{uuid.uuid4()}",
        context={
            "email": user.email,
            # Open to whoever can no longer sign in.
            "reset_url": absolute(reverse("users:password_reset")),
            **words,
        },
    )
