"""People under their lock: whoever closes their user ID waits for it, or has ended before.

The order is the same everywhere, lest two wait for each other: a person before an account.
"""

from django.utils.translation import gettext as _

from common.exceptions import DomainError
from users.models import User


class PersonUnusable(DomainError):
    """Nobody could own it: the user ID is closed, or its address was never verified."""

    def __init__(self) -> None:
        super().__init__(_("This user ID is closed, or its address is not verified."))


def lock_person(user_pk: int) -> User:
    """As they are now, and stay until this transaction ends: a request's own user may be older."""
    return User.objects.select_for_update(no_key=True).get(pk=user_pk)


def lock_usable_person(user_pk: int) -> User:
    """Raises PersonUnusable unless they are active, and their address is verified."""
    person = lock_person(user_pk)
    if not is_usable(person):
        raise PersonUnusable
    return person


def is_usable(person: User) -> bool:
    return person.is_active and person.email_verified_at is not None
