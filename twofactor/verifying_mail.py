"""Mail to a person about codes that somebody entered for them (ASVS 6.3.5, 6.3.7)."""

import uuid

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from mail.addresses import Mailbox
from mail.notices import send_notice
from users.models import User
from users.notices import absolute


def tell_not_finished(user: User) -> None:
    """Somebody knows the password of ``user`` and not the codes; told at most once a day (UTC)."""
    with transaction.atomic():
        send_notice(
            "sign_in_not_finished",
            to=Mailbox(user.email, user.get_full_name()),
            language=user.language,
            dedup_key=f"sign_in_not_finished/{user.pk}/{timezone.now():%Y-%m-%d}",
            context={
                "email": user.email,
                "reset_url": absolute(reverse("users:password_reset")),
            },
        )


def tell_recovery_code_used(user: User, *, left: int) -> None:
    """In the transaction that used it; ``left`` is how many are unused."""
    send_notice(
        "recovery_code_used",
        to=Mailbox(user.email, user.get_full_name()),
        language=user.language,
        # Each use is one of its own: nothing else tells two of them apart.
        dedup_key=f"recovery_code_used/{user.pk}/{uuid.uuid4()}",
        context={
            "email": user.email,
            "left": left,
            "codes_url": absolute(reverse("twofactor:recovery_codes")),
            "reset_url": absolute(reverse("users:password_reset")),
        },
    )
