"""Addresses that user IDs were moved away from, and can still be moved back to.

Nobody else gets one meanwhile: whoever moved somebody's user ID away could else end the way back
by signing up with the address, or by moving another user ID to it.
"""

from django.db.models import QuerySet
from django.utils import timezone

from users.models import EmailAddressChange


def undoable_changes_from(address: str) -> QuerySet[EmailAddressChange]:
    """The changes by which somebody can still take ``address`` back; most often none."""
    return EmailAddressChange.objects.select_related("user").filter(
        old_email=address, undo_until__gt=timezone.now(), undone_at=None
    )


def undoable_change_from(address: str) -> EmailAddressChange | None:
    """The newest of them."""
    return undoable_changes_from(address).order_by("-undo_until").first()
