"""Mail about a user ID, to its person."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from mail.addresses import Mailbox
from mail.notices import send_notice
from users.links import link_to
from users.models import EmailedLink, User


def send_link(
    name: str, link: EmailedLink, *, language: str, context: Mapping[str, Any] | None = None
) -> None:
    """Queue the message ``name`` with ``link`` in it; by the address alone, in whatever case.

    Nobody's name stands on it: who asked for it is not known to be its reader.
    """
    send_notice(
        name,
        to=Mailbox(link.email),
        language=language,
        dedup_key=f"{name}/{link.pk}",
        context={"email": link.email, **(context or {})},
        link=link_to(link),
    )


def tell_password_changed(user: User) -> None:
    """Whoever did not change it must learn of it (ASVS 6.3.7)."""
    send_notice(
        "password_changed",
        to=Mailbox(user.email, user.get_full_name()),
        language=user.language,
        # Each change is one of its own: nothing else tells two of them apart.
        dedup_key=f"password_changed/{user.pk}/{uuid.uuid4()}",
        context={
            "email": user.email,
            "reset_url": absolute(reverse("users:password_reset")),
        },
    )


def absolute(path: str) -> str:
    """An address for a mail: never with what a request calls the host."""
    return f"{settings.SITE_URL}{path}"
