"""Proving that an address is its person's, where a password was there before the proof."""

from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from users.links import LinkUnusable, Purpose, kept_link, new_link, use_link
from users.models import User
from users.notices import send_link
from users.rate_limits import Limit, take

_BY_ADDRESS = Limit("verification by address", 5, timedelta(days=1))


def send_verification(user: User, *, next_page: str = "") -> None:
    """Send the link that verifies the address of ``user``. Raises TooManyAttempts."""
    take([_BY_ADDRESS.by(user.email)])
    with transaction.atomic():
        link = new_link(Purpose.VERIFY_ADDRESS, email=user.email, user=user, next_page=next_page)
        send_link("verify_address", link, language=user.language)


def verify_address(request: HttpRequest) -> str:
    """Count the address as verified; returns the page that its person was going to, or nothing.

    Raises LinkUnusable, LinkExpired.
    """
    with transaction.atomic():
        link = kept_link(request, Purpose.VERIFY_ADDRESS, locked=True)
        user = link.user
        if user is None or not user.is_active or user.email != link.email:
            raise LinkUnusable
        # An address that is verified already keeps the time at which it was.
        User.objects.filter(pk=user.pk, email_verified_at=None).update(
            email_verified_at=timezone.now()
        )
        use_link(request, link)
        record(Action.USER_ADDRESS_VERIFIED, actor=actor_of(request), subject=f"user {user.email}")
    return link.next_page
