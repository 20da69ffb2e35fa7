"""Closing one's user ID. What stands in the way, and what has to be left, other packages say."""

from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from mail.addresses import Mailbox
from mail.notices import send_notice
from users.links import Purpose, end_links
from users.models import User
from users.sessions import end_all_sessions

# Why a person cannot go yet, a sentence each; nothing when they can.
Obstacle = Callable[[User], list[str]]
# Takes the person out of what they belong to, in the transaction of closing.
Leaving = Callable[[User, Actor], None]

OBSTACLES: list[Obstacle] = []
_leaving: list[Leaving] = []
# Reserved by RFC 2606: no mail can ever go there.
_CLOSED_DOMAIN = "closed.invalid"


class CannotClose(DomainError):
    """Somebody or something depends on this person."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(_("This user ID cannot be closed yet."))
        self.reasons = reasons


def provide_obstacle(obstacle: Obstacle) -> None:
    """Have ``obstacle`` asked before a user ID is closed; at start, by ``AppConfig``."""
    OBSTACLES.append(obstacle)


def provide_leaving(leaving: Leaving) -> None:
    """Have ``leaving`` called while a user ID is closed; at start, by ``AppConfig``."""
    _leaving.append(leaving)


def obstacles_of(user: User) -> list[str]:
    """Why ``user`` cannot be closed now, a sentence each."""
    return _undoable_change(user) + [reason for obstacle in OBSTACLES for reason in obstacle(user)]


def close_user(request: HttpRequest, user: User) -> None:
    """End every session and membership, and forget the person's name, number and address.

    The row stays, for what refers to it: who issued, who invited. The address is free again: who
    signs up with it later is a new person. Raises CannotClose.
    """
    actor = actor_of(request)
    with transaction.atomic():
        # Rows elsewhere may still refer to it meanwhile: what waits for this lock holds others.
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if reasons := obstacles_of(user):
            raise CannotClose(reasons)
        for leave in _leaving:
            leave(user, actor)
        address, name, language = user.email, user.get_full_name(), user.language
        user.address_changes.all().delete()
        end_links(email=address, purposes=list(Purpose))
        _forget(user)
        end_all_sessions(request, user)
        record(Action.USER_CLOSED, actor=actor, subject=f"user {address}")
        send_notice(
            "user_id_closed",
            to=Mailbox(address, name),
            language=language,
            dedup_key=f"user_id_closed/{user.pk}",
            context={"email": address},
        )


def _undoable_change(user: User) -> list[str]:
    """Who took over somebody's user ID by another address must not be able to destroy it."""
    change = (
        user.address_changes.filter(undo_until__gt=timezone.now(), undone_at=None)
        .order_by("undo_until")
        .last()
    )
    if change is None or change.undo_until is None:
        return []
    until = date_format(timezone.localtime(change.undo_until), "DATETIME_FORMAT")
    return [
        _("Your email address was changed. The change can be undone until %(until)s.")
        % {"until": until}
    ]


def _forget(user: User) -> None:
    user.email = f"closed-{user.pk}@{_CLOSED_DOMAIN}"
    user.first_name = user.last_name = user.phone = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.closed_at = timezone.now()
    user.set_unusable_password()
    user.save()
    user.groups.clear()
