"""What the invited person does with an invitation: accepts, declines, asks for another.

The link proves that its reader reads the mail of the invited address, also when it has expired.
Each workflow takes the account's lock, then the invitation's, and looks again under them; accepting
takes the person's before both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import invitation_mail
from accounts.invitations import PURPOSE, Examined, State, examine, find_by_link
from accounts.memberships import add_member
from accounts.models import Account, Invitation, Membership
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.scoping import account_scope
from common.tokens import is_token
from users.creating import create_verified_user
from users.locked_people import lock_person
from users.models import User
from users.rate_limits import Limit, TooManyAttempts, take

# Whoever can send an invitation again is asked as often at most.
ASKED_AGAIN = Limit("asked to send an invitation again", most=1, window=timedelta(days=1))
ASKED_ELSEWHERE = Limit("asked for an invitation elsewhere", most=1, window=timedelta(days=10))
_CAN_BE_ASKED_AGAIN = frozenset({State.EXPIRED, State.WITHOUT_BACKING})


class LinkUnusable(DomainError):
    """Altered, used, ended by a newer one, or never ours: which of them is not told."""

    def __init__(self) -> None:
        super().__init__(_("This link does not work any more."))


class NotOpen(DomainError):
    """The invitation cannot be answered so now; its page says what can be done instead."""

    def __init__(self) -> None:
        super().__init__(_("This invitation cannot be accepted now."))


class SentToSomebodyElse(DomainError):
    """Whoever is signed in reads another address; nothing is consumed."""

    def __init__(self) -> None:
        super().__init__(_("This invitation was sent to another address."))


class AskedAlready(DomainError):
    """One mail about it is enough."""

    def __init__(self) -> None:
        super().__init__(_("You have asked already. Your question has been sent by email."))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """What is needed for a user ID besides the address. ``password`` was checked by the form."""

    first_name: str
    last_name: str
    password: str
    language: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of accepting. Without ``membership`` it is a user ID and no more."""

    user: User
    membership: Membership | None
    # False when the person had been a member before; nothing was changed then.
    is_new: bool = True


def accept(row: UUID, token_hash: str, *, user: User, actor: Actor) -> Joined:
    """Make the invited person a member. A second click, or a member already, changes nothing.

    Raises LinkUnusable, SentToSomebodyElse, NotOpen.
    """
    with transaction.atomic():
        # They may have closed their user ID, or changed its address, since the request began.
        person = lock_person(user.pk)
        with _held(row, token_hash) as examined:
            if person.email != examined.invitation.email or person.email_verified_at is None:
                raise SentToSomebodyElse
            if not person.is_active:
                raise NotOpen
            return _join(examined, user=person, actor=actor)


def create_user_and_accept(
    row: UUID, token_hash: str, *, person: NewPerson, actor: Actor
) -> Joined:
    """A user ID for the invited address, and the membership in the same transaction.

    From an expired invitation the user ID alone (row Z3). Raises LinkUnusable, NotOpen,
    users.creating.EmailTaken.
    """
    with _held(row, token_hash) as examined:
        if examined.state not in {State.OPEN, State.EXPIRED}:
            raise NotOpen
        user = create_verified_user(
            email=examined.invitation.email,
            password=person.password,
            first_name=person.first_name,
            last_name=person.last_name,
            language=person.language,
            timezone=person.timezone,
            actor=actor,
        )
        if examined.state is State.EXPIRED:
            return Joined(user, None)
        itself = Actor.person(user, remote_address=actor.remote_address)
        return _join(examined, user=user, actor=itself)


def decline(row: UUID, token_hash: str, *, user: User | None, actor: Actor) -> None:
    """End the invitation, and mail its inviter. ``user`` is whoever is signed in, if anybody.

    Raises LinkUnusable, SentToSomebodyElse, NotOpen.
    """
    with _held(row, token_hash) as examined:
        invitation = examined.invitation
        if user is not None and user.email != invitation.email:
            raise SentToSomebodyElse
        if examined.state is State.ENDED:
            raise NotOpen
        _end(invitation, Invitation.State.DECLINED)
        record(
            Action.INVITATION_DECLINED,
            actor=actor,
            account_id=examined.account.pk,
            subject=f"invitation {invitation.email}",
        )
        invitation_mail.tell_of_decline(invitation)


def ask_again(row: UUID, token_hash: str, *, actor: Actor) -> User:
    """Ask for the invitation to be sent again, once a day; returns who was asked.

    Raises LinkUnusable, NotOpen, AskedAlready.
    """
    with _held(row, token_hash) as examined:
        if examined.state not in _CAN_BE_ASKED_AGAIN:
            raise NotOpen
        _count(ASKED_AGAIN, str(row))
        _record_asking(examined, actor=actor)
        return invitation_mail.ask_to_send_again(examined)


def ask_elsewhere(row: UUID, token_hash: str, *, user: User, actor: Actor) -> User:
    """Ask for an invitation at the address that ``user`` signs in with; returns who was asked.

    Raises LinkUnusable, NotOpen, AskedAlready.
    """
    with _held(row, token_hash) as examined:
        if not may_ask_elsewhere(examined, user=user):
            raise NotOpen
        _count(ASKED_ELSEWHERE, f"{row} {user.pk}")
        _record_asking(examined, actor=actor)
        return invitation_mail.ask_for_own_address(examined, user=user)


def may_ask_elsewhere(examined: Examined, *, user: User) -> bool:
    """Whether ``user`` is somebody else than the invited, and no member yet."""
    if examined.state in {State.ENDED, State.ACCOUNT_CLOSED}:
        return False
    if user.email == examined.invitation.email:
        return False
    return not Membership.objects.filter(account=examined.account, user=user).exists()


@contextmanager
def _held(row: UUID, token_hash: str) -> Iterator[Examined]:
    """The invitation as it is under the account's lock and its own. Raises LinkUnusable."""
    found = find_by_link(row, token_hash)
    if found is None:
        raise LinkUnusable
    with account_scope(found.account):
        account = Account.objects.select_for_update(no_key=True).get(pk=found.account.pk)
        invitation = (
            Invitation.objects.select_for_update(no_key=True, of=("self",))
            .select_related("invited_by")
            .get(pk=row)
        )
        invitation.account = account
        # A new link may have been sent while the locks were waited for.
        if not is_token(PURPOSE, row, invitation.nonce, token_hash):
            raise LinkUnusable
        yield examine([invitation])[0]


def _join(examined: Examined, *, user: User, actor: Actor) -> Joined:
    invitation, account = examined.invitation, examined.account
    already = Membership.objects.filter(account=account, user=user).first()
    if already is not None:
        if examined.state is not State.ENDED:
            _end_as_superfluous(invitation, actor=actor)
        return Joined(user, already, is_new=False)
    if examined.state is not State.OPEN:
        raise NotOpen
    membership = add_member(
        account,
        user=user,
        flags=invitation.flags,
        receives_invoices=invitation.receives_invoices,
        actor=actor,
    )
    _end(invitation, Invitation.State.ACCEPTED, accepted_by=user)
    record(
        Action.INVITATION_ACCEPTED,
        actor=actor,
        account_id=account.pk,
        subject=f"invitation {invitation.email}",
        details={"invited_by": invitation.invited_by.email},
    )
    invitation_mail.tell_of_acceptance(invitation, membership)
    return Joined(user, membership)


def _end_as_superfluous(invitation: Invitation, *, actor: Actor) -> None:
    """The person became a member by another way; their access stays as it is."""
    _end(invitation, Invitation.State.DELETED)
    record(
        Action.INVITATION_DELETED,
        actor=actor,
        account_id=invitation.account_id,
        subject=f"invitation {invitation.email}",
        details={"reason": "a member already"},
    )


def _end(
    invitation: Invitation, state: Invitation.State, *, accepted_by: User | None = None
) -> None:
    invitation.state = state
    invitation.ended_at = timezone.now()
    invitation.accepted_by = accepted_by
    invitation.save(update_fields=["state", "ended_at", "accepted_by"])


def _count(limit: Limit, key: str) -> None:
    try:
        take([limit.by(key)])
    except TooManyAttempts as refusal:
        raise AskedAlready from refusal


def _record_asking(examined: Examined, *, actor: Actor) -> None:
    record(
        Action.INVITATION_ASKED_FOR,
        actor=actor,
        account_id=examined.account.pk,
        subject=f"invitation {examined.invitation.email}",
    )
