"""An account passes to another owner: offered by its owner, or handed over by staff.

Every step locks the account first and the change after it, and looks again under the lock. There is
one way to the end, ``_complete``, whoever asks for it; it has the new owner's own row locked too,
before the account (docs/ownership.md).
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts import ownership_notices as notices
from accounts.access import AccountClosed
from accounts.invitations import delete_pending
from accounts.models import Account, Membership, OwnershipChange
from accounts.permissions import Flag
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.scoping import account_scope
from users.locked_people import is_usable, lock_person
from users.models import User
from users.rate_limits import Limit, TooManyAttempts, take

# As long as invitations (row Z3).
OFFER_VALID_FOR = timedelta(days=10)
# Time for an owner who reads their mail to stop what is not theirs.
HAND_OVER_WAITS = timedelta(hours=72)
# What a former owner keeps, unless they are told otherwise (0082).
KEPT_FLAGS = (Flag.FULL_ACCESS, Flag.USER_MANAGEMENT)

# By one account: whoever stops and offers again sends mail each time.
OFFERS = Limit("ownership offer", 10, timedelta(days=1))

State, Kind = OwnershipChange.State, OwnershipChange.Kind


class OwnershipChangePending(DomainError):
    """One change at a time: whoever wants another one ends this one first."""

    def __init__(self) -> None:
        super().__init__(_("This account is on its way to another owner already. Stop that first."))


class OwnershipChangeOver(DomainError):
    """There is no change, or none any more, that this person could accept, decline or stop."""

    def __init__(self) -> None:
        super().__init__(
            _("This change of owner is over: it was completed, declined, stopped, or has expired.")
        )


class TooManyOffers(DomainError):
    """Each offer is an email to somebody."""

    def __init__(self, retry_at: datetime) -> None:
        when = formats.date_format(timezone.localtime(retry_at), "DATETIME_FORMAT")
        super().__init__(
            _("This account has been offered many times today. You can offer it after %(when)s.")
            % {"when": when}
        )


class OwnerAlready(DomainError):
    """The account is theirs: a second click, or a hand-over to where it is."""

    def __init__(self) -> None:
        super().__init__(_("This person owns the account already."))


class HandOverToOneself(DomainError):
    """Whoever starts a hand-over gains nothing by it: another one has to look."""

    def __init__(self) -> None:
        super().__init__(
            _("You cannot hand an account over to yourself. Ask another one of the staff.")
        )


class NewOwnerUnusable(DomainError):
    """The person cannot own an account, or cannot any more."""


class OwnerChanged(DomainError):
    """Whoever started the change is the owner no more."""

    def __init__(self) -> None:
        super().__init__(_("This account has another owner by now."))


def offer_ownership(
    account: Account, *, to: User, by: User, keeps_access: bool, actor: Actor
) -> OwnershipChange:
    """Offer the account to a member, who may accept for ``OFFER_VALID_FOR``.

    Raises AccountClosed, OwnerChanged, OwnershipChangePending, NewOwnerUnusable, OwnerAlready,
    TooManyOffers.
    """
    with account_scope(account):
        to = lock_person(to.pk)
        locked = _lock(account.pk)
        owner = _owner_of(locked)
        if owner.user_id != by.pk:
            raise OwnerChanged
        _require_member(locked, to)
        _count_offer(locked)
        change = _start(
            OwnershipChange(
                account=locked,
                kind=Kind.OFFER,
                from_user=by,
                to_user=to,
                started_by=by,
                former_owner_keeps_access=keeps_access,
            ),
            after=OFFER_VALID_FOR,
        )
        _record(Action.OWNERSHIP_OFFERED, change, actor=actor)
        notices.tell_of_offer(change)
        return change


def start_hand_over(
    account: Account,
    *,
    to: User,
    by: User,
    reason: str,
    check: str,
    keeps_access: bool,
    actor: Actor,
) -> OwnershipChange:
    """Have the account pass to ``to`` after ``HAND_OVER_WAITS``, for ``reason``.

    ``check`` is how staff made sure that whoever asked may ask (0082). Raises AccountClosed,
    OwnershipChangePending, NewOwnerUnusable, OwnerAlready, HandOverToOneself.
    """
    if to.pk == by.pk:
        raise HandOverToOneself
    with account_scope(account):
        to = lock_person(to.pk)
        locked = _lock(account.pk)
        owner = _owner_of(locked)
        change = _start(
            OwnershipChange(
                account=locked,
                kind=Kind.HAND_OVER,
                from_user=owner.user,
                to_user=to,
                started_by=by,
                reason=reason,
                former_owner_keeps_access=keeps_access,
            ),
            after=HAND_OVER_WAITS,
        )
        _record(
            Action.OWNERSHIP_HAND_OVER_STARTED,
            change,
            actor=actor,
            details={"reason": reason, "check": check},
        )
        notices.tell_of_hand_over(change)
        return change


def accept_offer(account: Account, *, by: User, actor: Actor) -> OwnershipChange:
    """Take over the account that was offered to ``by``.

    Raises OwnershipChangeOver, AccountClosed, OwnerChanged, NewOwnerUnusable.
    """
    with account_scope(account):
        new_owner = lock_person(by.pk)
        locked = _lock(account.pk)
        change = _offer_to(locked, by)
        _complete(locked, change, new_owner=new_owner, actor=actor)
        return change


def decline_offer(account: Account, *, by: User, actor: Actor) -> OwnershipChange:
    """Raises OwnershipChangeOver."""
    with account_scope(account):
        change = _offer_to(_lock(account.pk), by)
        _end(change, State.DECLINED)
        _record(Action.OWNERSHIP_OFFER_DECLINED, change, actor=actor)
        notices.tell_of_declined_offer(change)
        return change


def stop_change(account: Account, *, actor: Actor, reason: str = "") -> OwnershipChange:
    """Stop what is under way, an offer or a hand-over: for the owner, and for staff.

    Raises OwnershipChangeOver.
    """
    with account_scope(account):
        change = _pending(_lock(account.pk))
        if change is None:
            raise OwnershipChangeOver
        _stop(change, actor=actor, reason=reason)
        return change


def pending_change(account: Account) -> OwnershipChange | None:
    """What is under way, by the clock of the database. Needs the account's scope."""
    return (
        OwnershipChange.objects.filter(account=account, state=State.PENDING)
        .exclude(kind=Kind.OFFER, due_at__lte=Now())
        .select_related("from_user", "to_user", "started_by")
        .first()
    )


def end_due_change(change_pk: UUID, *, account_pk: int, actor: Actor) -> bool:
    """Complete a hand-over whose time has come, or end an offer that has expired.

    False when there is nothing to do, or when somebody else has the account's lock: the account is
    left to them then, and its change to the next look.
    """
    with account_scope(account_pk):
        new_owner = lock_person(OwnershipChange.objects.get(pk=change_pk).to_user_id)
        free = Account.objects.select_for_update(no_key=True, skip_locked=True)
        account = free.filter(pk=account_pk).first()
        if account is None:
            return False
        change = _pending(account)
        if change is None or change.pk != change_pk or not _is_due(change):
            return False
        if change.kind == Kind.OFFER:
            _expire(change, actor=actor)
            return True
        try:
            # What a refusal leaves half done is undone before the change is stopped.
            with transaction.atomic():
                _complete(account, change, new_owner=new_owner, actor=actor)
        except DomainError as refusal:
            # It will not become possible by waiting; people are told, and may start anew.
            _stop(change, actor=actor, reason=str(refusal))
        return True


def _complete(account: Account, change: OwnershipChange, *, new_owner: User, actor: Actor) -> None:
    """Make ``new_owner`` the owner; all three rows are locked and the change is pending.

    All is checked before anything is written. Raises AccountClosed, OwnerChanged, NewOwnerUnusable.
    """
    _require_open(account)
    former = _owner_of(account)
    if former.user_id != change.from_user_id:
        raise OwnerChanged
    _require_usable(new_owner)
    if change.kind == Kind.OFFER:
        _require_member(account, new_owner)
    # The index allows one owner at any moment; that there is one again, a trigger sees at commit.
    former.is_owner, former.flags = False, [flag.value for flag in KEPT_FLAGS]
    former.save(update_fields=["is_owner", "flags"])
    membership, _created = Membership.objects.get_or_create(account=account, user=new_owner)
    membership.is_owner, membership.flags = True, []
    membership.save(update_fields=["is_owner", "flags"])
    if not change.former_owner_keeps_access:
        former.delete()
        delete_pending(
            account,
            sent_by=former.user,
            reason="who sent it has left the account",
            actor=actor,
        )
    _end(change, State.COMPLETED)
    _record(Action.OWNERSHIP_CHANGED, change, actor=actor)
    notices.tell_of_new_owner(change)


def _start(change: OwnershipChange, *, after: timedelta) -> OwnershipChange:
    _require_open(change.account)
    _require_usable(change.to_user)
    if change.to_user_id == change.from_user_id:
        raise OwnerAlready
    standing = _pending(change.account)
    if standing is not None:
        if standing.kind != Kind.OFFER or not _is_due(standing):
            raise OwnershipChangePending
        _expire(standing, actor=Actor.system("ownership"))
    change.due_at = Now() + after
    change.save(force_insert=True)
    change.refresh_from_db(fields=["due_at", "created_at"])
    return change


def _count_offer(account: Account) -> None:
    try:
        take([OFFERS.by(str(account.pk))])
    except TooManyAttempts as refusal:
        raise TooManyOffers(refusal.retry_at) from refusal


def _lock(account_pk: int) -> Account:
    return Account.objects.select_for_update(no_key=True).get(pk=account_pk)


def _pending(account: Account) -> OwnershipChange | None:
    """What is under way, locked; an offer that has expired unnoticed is among it."""
    return (
        OwnershipChange.objects.select_for_update(no_key=True, of=("self",))
        .select_related("account", "from_user", "to_user")
        .filter(account=account, state=State.PENDING)
        .first()
    )


def _offer_to(account: Account, user: User) -> OwnershipChange:
    change = _pending(account)
    if (
        change is None
        or change.kind != Kind.OFFER
        or change.to_user_id != user.pk
        or _is_due(change)
    ):
        raise OwnershipChangeOver
    return change


def _is_due(change: OwnershipChange) -> bool:
    """By the clock of the database, which set the time, whatever this machine's says."""
    return OwnershipChange.objects.filter(pk=change.pk, due_at__lte=Now()).exists()


def _owner_of(account: Account) -> Membership:
    owners = Membership.objects.select_for_update(no_key=True, of=("self",))
    return owners.select_related("user").get(account=account, is_owner=True)


def _require_open(account: Account) -> None:
    if account.status == Account.Status.CLOSED:
        raise AccountClosed


def _require_usable(user: User) -> None:
    if not is_usable(user):
        raise NewOwnerUnusable(
            _("%(person)s cannot own an account: the user ID is closed or not verified.")
            % {"person": user.email}
        )


def _require_member(account: Account, user: User) -> None:
    """Locked, so that nobody removes them before this is done."""
    memberships = Membership.objects.select_for_update(no_key=True)
    if memberships.filter(account=account, user=user).first() is None:
        raise NewOwnerUnusable(
            _("%(person)s is not a user of this account. Add them first.") % {"person": user.email}
        )


def _stop(change: OwnershipChange, *, actor: Actor, reason: str) -> None:
    _end(change, State.STOPPED)
    details = {"reason": reason} if reason else {}
    _record(Action.OWNERSHIP_CHANGE_STOPPED, change, actor=actor, details=details)
    notices.tell_of_stopped_change(change)


def _expire(change: OwnershipChange, *, actor: Actor) -> None:
    _end(change, State.EXPIRED)
    _record(Action.OWNERSHIP_OFFER_EXPIRED, change, actor=actor)
    notices.tell_of_expired_offer(change)


def _end(change: OwnershipChange, state: OwnershipChange.State) -> None:
    change.state, change.ended_at = state, Now()
    change.save(update_fields=["state", "ended_at"])
    change.refresh_from_db(fields=["ended_at"])


def _record(
    action: Action,
    change: OwnershipChange,
    *,
    actor: Actor,
    details: dict[str, str] | None = None,
) -> None:
    record(
        action,
        actor=actor,
        account_id=change.account_id,
        subject=f"user {change.to_user.email}",
        details={
            "from": change.from_user.email,
            "to": change.to_user.email,
            "former_owner_keeps_access": change.former_owner_keeps_access,
            **(details or {}),
        },
    )
