"""All methods of a person are taken away, when they have lost them: by staff, after a while.

Whoever asks for it may not be the person (0153). So it waits for
``TWO_FACTOR_RESET_DELAY``, everybody whom it could harm is told, and the person alone can stop it.
Every step that changes one locks the person first and the reset after them, and looks again under
the lock.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Least, Now
from django.urls import reverse

from audit.actions import Action
from audit.recording import Actor, record
from common.tokens import is_token, token_for
from twofactor import reset_mail
from twofactor.methods import is_enabled
from twofactor.models import TwoFactor, TwoFactorReset
from twofactor.removing import remove_everything
from twofactor.reset_refusals import (
    NothingToReset,
    NotYoursToConfirm,
    ResetConfirmed,
    ResetLinkEnded,
    ResetOfOneself,
    ResetOfSuperuser,
    ResetOver,
    ResetPending,
)
from users.locked_people import is_usable, lock_person, lock_usable_person
from users.models import User, UserSession

# From its start, once a user manager has confirmed it.
CONFIRMED_WAITS: timedelta = settings.TWO_FACTOR_RESET_LEAST

State = TwoFactorReset.State


def start_reset(user: User, *, by: User, reason: str, check: str, actor: Actor) -> TwoFactorReset:
    """Have all methods of ``user`` go after ``TWO_FACTOR_RESET_DELAY``, for ``reason``.

    ``check`` is how staff made sure that whoever asked is the person. Raises ResetOfOneself,
    ResetOfSuperuser, PersonUnusable, NothingToReset, ResetPending, UnusableAddress.
    """
    require_resettable(user, by=by)
    with transaction.atomic():
        person = lock_usable_person(user.pk)
        require_resettable(person, by=by)
        if not is_enabled(person):
            raise NothingToReset
        if _pending_of(person).exists():
            raise ResetPending
        reset = TwoFactorReset(user=person, started_by=by, reason=reason, check_made=check)
        reset.due_at = Now() + settings.TWO_FACTOR_RESET_DELAY
        reset.save(force_insert=True)
        reset.refresh_from_db(fields=["started_at", "due_at"])
        _record(
            Action.TWO_FACTOR_RESET_STARTED,
            reset,
            actor=actor,
            details={"reason": reason, "check": check, "due_at": reset.due_at.isoformat()},
        )
        soonest = min(reset.due_at, reset.started_at + CONFIRMED_WAITS)
        reset_mail.tell_of_start(reset, soonest=soonest)
        return reset


def require_resettable(user: User, *, by: User) -> None:
    """Raise ResetOfOneself or ResetOfSuperuser unless ``by`` may start a reset of ``user``."""
    if user.pk == by.pk:
        raise ResetOfOneself
    if user.is_superuser and not by.is_superuser:
        raise ResetOfSuperuser


def confirm_reset(reset_pk: UUID, *, by: User, account_id: int, actor: Actor) -> TwoFactorReset:
    """A user manager knows that the person asked: it happens ``CONFIRMED_WAITS`` after its start.

    The caller has checked that ``by`` manages the users of an account of the person's. Needs that
    account's scope. Raises ResetOver, ResetConfirmed, NotYoursToConfirm.
    """
    with transaction.atomic():
        reset = _lock_pending(reset_pk)
        require_second_person(reset, by)
        if reset.confirmed_at is not None:
            raise ResetConfirmed
        reset.confirmed_by, reset.confirmed_at = by, Now()
        reset.due_at = Least(F("due_at"), Greatest(Now(), F("started_at") + CONFIRMED_WAITS))
        reset.save(update_fields=["confirmed_by", "confirmed_at", "due_at"])
        reset.refresh_from_db(fields=["confirmed_at", "due_at"])
        _record(
            Action.TWO_FACTOR_RESET_CONFIRMED,
            reset,
            actor=actor,
            account_id=account_id,
            details={"due_at": reset.due_at.isoformat()},
        )
        reset_mail.tell_of_confirmation(reset)
        # Until then the account's scope is open, and the others are of other accounts too.
        transaction.on_commit(partial(reset_mail.tell_others_of_confirmation, reset), robust=True)
        return reset


def require_second_person(reset: TwoFactorReset, by: User) -> None:
    """Raise NotYoursToConfirm for the person and for who started it."""
    if by.pk in (reset.user_id, reset.started_by_id):
        raise NotYoursToConfirm


def stop_reset(reset_pk: UUID, *, actor: Actor) -> TwoFactorReset:
    """Nothing happens. For the person alone, signed in or by the link. Raises ResetOver."""
    with transaction.atomic():
        reset = _lock_pending(reset_pk)
        _end_early(reset, State.STOPPED, actor=actor)
        reset_mail.tell_of_stop(reset, by_person=True)
        return reset


def complete_reset(reset_pk: UUID, *, user_pk: int, actor: Actor) -> bool:
    """Take every method away and end every session; the password stays.

    False when there is nothing to do, or when somebody else has the person's lock: they go first,
    and the reset waits for the next look. Ends it where there is nothing to reset any more.
    """
    with transaction.atomic():
        free = User.objects.select_for_update(no_key=True, skip_locked=True)
        person = free.filter(pk=user_pk).first()
        if person is None:
            return False
        due = _pending_of(person).filter(pk=reset_pk, due_at__lte=Now())
        reset = due.select_for_update(no_key=True).first()
        if reset is None:
            return False
        reset.user = person
        if not is_usable(person) or not _is_as_it_was(reset):
            _end_early(
                reset, State.LAPSED, actor=actor, reason="there is nothing to reset any more"
            )
            reset_mail.tell_of_stop(reset, by_person=False)
            return True
        _take_away(person, actor=actor)
        _end(reset, State.COMPLETED)
        _record(Action.TWO_FACTOR_RESET_COMPLETED, reset, actor=actor)
        reset_mail.tell_of_completion(reset)
        return True


def drop_reset(user: User, actor: Actor) -> None:
    """The user ID is being closed, under its lock: there is nobody left to reset."""
    for reset in _pending_of(user).select_for_update(no_key=True):
        reset.user = user
        _end_early(reset, State.LAPSED, actor=actor, reason="the user ID was closed")


def pending_reset(user: User) -> TwoFactorReset | None:
    """What is under way for ``user``."""
    return _pending_of(user).first()


def open_resets() -> QuerySet[TwoFactorReset]:
    """All that are under way, the next to happen first."""
    pending = TwoFactorReset.objects.filter(state=State.PENDING)
    return pending.select_related("user", "started_by", "confirmed_by").order_by("due_at", "pk")


def find_to_stop(reset_pk: UUID, token_hash: str) -> TwoFactorReset:
    """The reset that a link is about, also one that is over. Raises ResetLinkEnded."""
    reset = TwoFactorReset.objects.select_related("user").filter(pk=reset_pk).first()
    if reset is None or not is_token(reset_mail.STOP, reset.pk, reset.nonce, token_hash):
        raise ResetLinkEnded
    return reset


def stop_link(reset_pk: UUID) -> str | None:
    """The address that the mail carries; None when there is nothing to stop any more."""
    reset = TwoFactorReset.objects.filter(pk=reset_pk, state=State.PENDING).first()
    if reset is None:
        return None
    token = token_for(reset_mail.STOP, reset.pk, reset.nonce)
    return settings.SITE_URL + reverse("twofactor:reset_stop_link", args=[reset.pk, token])


def _pending_of(user: User) -> QuerySet[TwoFactorReset]:
    return TwoFactorReset.objects.filter(user=user, state=State.PENDING)


def _lock_pending(reset_pk: UUID) -> TwoFactorReset:
    """Under the person's lock and its own. Raises ResetOver."""
    found = TwoFactorReset.objects.filter(pk=reset_pk).values_list("user_id", flat=True).first()
    if found is None:
        raise ResetOver
    person = lock_person(found)
    reset = _pending_of(person).select_for_update(no_key=True).filter(pk=reset_pk).first()
    if reset is None:
        raise ResetOver
    reset.user = person
    return reset


def _is_as_it_was(reset: TwoFactorReset) -> bool:
    """Whether two-factor is on, and was not turned on anew since: then the methods are theirs."""
    return TwoFactor.objects.filter(
        user_id=reset.user_id, enabled_at__lte=reset.started_at
    ).exists()


def _take_away(person: User, *, actor: Actor) -> None:
    remove_everything(person, actor)
    UserSession.objects.filter(user=person).delete()


def _end_early(
    reset: TwoFactorReset, state: TwoFactorReset.State, *, actor: Actor, reason: str = ""
) -> None:
    """Nothing was removed; ``reason`` is for the log, where it was not the person's wish."""
    _end(reset, state)
    details = {"reason": reason} if reason else None
    _record(Action.TWO_FACTOR_RESET_STOPPED, reset, actor=actor, details=details)


def _end(reset: TwoFactorReset, state: TwoFactorReset.State) -> None:
    reset.state, reset.ended_at = state, Now()
    reset.save(update_fields=["state", "ended_at"])
    reset.refresh_from_db(fields=["ended_at"])


def _record(
    action: Action,
    reset: TwoFactorReset,
    *,
    actor: Actor,
    account_id: int | None = None,
    details: dict[str, str] | None = None,
) -> None:
    record(
        action,
        actor=actor,
        account_id=account_id,
        subject=f"user {reset.user.email}",
        details={"reset": str(reset.pk), **(details or {})},
    )
