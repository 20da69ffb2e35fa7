"""Making user IDs for people whose address a link has proved."""

from django.db import IntegrityError, transaction
from django.utils import timezone as clock
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.ids import normalise_email
from users.former_addresses import undoable_changes_from
from users.models import User


class EmailTaken(DomainError):
    """Somebody signs in with this address already: most often the same person, in another tab."""

    def __init__(self) -> None:
        super().__init__(_("There is a user ID for this address already. Sign in with it."))


def require_unclaimed(user: User) -> None:
    """Raises EmailTaken while somebody else can still take the address of ``user`` back.

    Asked when the address was written: whoever was moving away from it has committed by then.
    """
    if undoable_changes_from(user.email).exclude(user=user).exists():
        raise EmailTaken


def create_verified_user(
    *,
    email: str,
    password: str,
    first_name: str,
    last_name: str,
    language: str,
    timezone: str,
    actor: Actor,
) -> User:
    """A user ID for whoever has just proved that ``email`` is theirs. Raises EmailTaken.

    One that was never verified (imported, or made by staff) counts as none and becomes theirs, with
    what it owns; its former password, if it had one, no longer opens it. ``password`` was checked
    by the form (``users.forms.NewPasswordMixin``).
    """
    address = normalise_email(email)
    with transaction.atomic():
        stored = User.objects.select_for_update(no_key=True).filter(email=address).first()
        user = stored or User(email=address)
        if user.pk and (user.email_verified_at or not user.is_active):
            raise EmailTaken
        user.first_name, user.last_name = first_name, last_name
        user.language, user.timezone = language, timezone
        user.email_verified_at = clock.now()
        user.set_password(password)
        try:
            with transaction.atomic():
                user.save()
                require_unclaimed(user)
        except IntegrityError as error:
            raise EmailTaken from error
        record(
            Action.USER_CREATED,
            actor=actor,
            subject=f"user {address}",
            details={"email": address, "name": user.get_full_name()},
        )
    return user
