"""Moving to another email address: confirmed at the new one, undone from the old one.

Whoever sits at somebody's open browser and knows the password could take the user ID away for good.
The former address is told, and for a week its reader can take it back.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common import link_session
from common.exceptions import DomainError
from common.tokens import hash_of_token, is_token, token_for
from mail import links as mail_links
from mail.addresses import Mailbox
from mail.links import LinkTo
from mail.notices import send_notice
from users.creating import EmailTaken, require_unclaimed
from users.former_addresses import undoable_changes_from
from users.links import LinkUnusable, Purpose, end_links, new_link
from users.models import EmailAddressChange, User
from users.notices import absolute, send_link
from users.rate_limits import Limit, take
from users.sessions import end_all_sessions, end_other_sessions

# How long the link to the new address opens anything; typed wrongly, somebody else has it.
CONFIRM_WITHIN = timedelta(hours=24)
UNDO_WITHIN = timedelta(days=7)
# Purposes of links and of what a browser keeps of them.
CONFIRM = "email_change"
UNDO = "email_change_undo"

_BY_USER = Limit("address change by user", 5, timedelta(days=1))
# So that nobody is written to through many user IDs.
_BY_NEW_ADDRESS = Limit("address change by address", 5, timedelta(days=1))


class ChangeOfSomebodyElse(DomainError):
    """Whoever opened the link is not signed in with the user ID that it is about."""

    def __init__(self) -> None:
        super().__init__(_("This link is for another user ID."))


def ask_for_change(request: HttpRequest, user: User, *, new_email: str) -> None:
    """Send a link to ``new_email``. The page that answers is the same if somebody has it already.

    The caller has checked the current password. Raises TooManyAttempts.
    """
    take([_BY_USER.by(str(user.pk)), _BY_NEW_ADDRESS.by(new_email)])
    now = timezone.now()
    with transaction.atomic():
        drop_pending_changes(user)
        change = EmailAddressChange.objects.create(
            user=user, old_email=user.email, new_email=new_email, expires_at=now + CONFIRM_WITHIN
        )
        is_taken = any(
            [
                User.objects.filter(email=new_email).exists(),
                undoable_changes_from(new_email).exclude(user=user).exists(),
            ]
        )
        send_notice(
            "address_change_taken" if is_taken else "address_change_confirm",
            to=Mailbox(new_email),
            language=user.language,
            dedup_key=f"address_change/{change.pk}",
            context={"old_email": user.email, "new_email": new_email},
            link=None if is_taken else LinkTo(f"users.{CONFIRM}", change.pk),
        )
        record(
            Action.USER_ADDRESS_CHANGE_ASKED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"from": user.email, "to": new_email},
        )


def drop_pending_changes(user: User) -> None:
    """Changes that were not confirmed yet are not to be any more."""
    pending = EmailAddressChange.objects.filter(user=user, confirmed_at=None, replaced_at=None)
    pending.update(replaced_at=timezone.now())


def change_to_confirm(row_id: UUID, token_hash: str, *, locked: bool = False) -> EmailAddressChange:
    """Raises LinkUnusable, also when the address was changed in another way meanwhile."""
    change = _find(row_id, locked=locked)
    usable = (
        change is not None
        and is_token(CONFIRM, change.pk, change.nonce, token_hash)
        and change.confirmed_at is None
        and change.replaced_at is None
        and change.expires_at > timezone.now()
        and change.user.is_active
        and change.user.email == change.old_email
    )
    if change is None or not usable:
        raise LinkUnusable
    return change


def change_to_undo(row_id: UUID, token_hash: str, *, locked: bool = False) -> EmailAddressChange:
    """Raises LinkUnusable."""
    change = _find(row_id, locked=locked)
    usable = (
        change is not None
        and is_token(UNDO, change.pk, change.undo_nonce, token_hash)
        and change.undo_until is not None
        and change.undo_until > timezone.now()
        and change.undone_at is None
        and change.user.is_active
    )
    if change is None or not usable:
        raise LinkUnusable
    return change


def require_own_change(request: HttpRequest, change: EmailAddressChange) -> None:
    """Raises ChangeOfSomebodyElse: an address typed wrongly is read by a stranger."""
    if request.user != change.user:
        raise ChangeOfSomebodyElse


def confirm_change(request: HttpRequest) -> EmailAddressChange:
    """Make the new address the one to sign in with; every other session ends.

    Raises LinkUnusable, ChangeOfSomebodyElse, and EmailTaken when somebody has it since.
    """
    now = timezone.now()
    with transaction.atomic():
        change = change_to_confirm(*_kept(request, CONFIRM), locked=True)
        require_own_change(request, change)
        user = change.user
        _move(user, change.new_email)
        change.confirmed_at, change.undo_until = now, now + UNDO_WITHIN
        change.save(update_fields=["confirmed_at", "undo_until"])
        link_session.drop(request, CONFIRM)
        end_other_sessions(request, user)
        record(
            Action.USER_ADDRESS_CHANGED,
            actor=actor_of(request),
            subject=f"user {user.email}",
            details={"from": change.old_email, "to": change.new_email},
        )
        _tell_former_address(change, dedup_key=f"address_changed/{change.pk}")
    return change


def remind_of_change(change: EmailAddressChange) -> None:
    """Tell the former address once more how to take the user ID back: its reader looks for it."""
    # The row is for nothing but its being written, as for every address.
    link = new_link(Purpose.PASSWORD_RESET, email=change.old_email)
    _tell_former_address(change, dedup_key=f"address_changed/{change.pk}/{link.pk}")


def undo_change(request: HttpRequest) -> EmailAddressChange:
    """Give the user ID back to the former address; nobody stays signed in, no password opens it.

    A reset link is sent to that address at once. Changes that were made after this one are void;
    those before it can still be undone, as whoever undoes this one may have made it, to end the
    first owner's way back. Raises LinkUnusable and EmailTaken.
    """
    now, actor = timezone.now(), actor_of(request)
    with transaction.atomic():
        change = change_to_undo(*_kept(request, UNDO), locked=True)
        user = change.user
        former = user.email
        _move(user, change.old_email)
        user.set_unusable_password()
        user.save(update_fields=["password"])
        end_all_sessions(request, user)
        drop_pending_changes(user)
        void = EmailAddressChange.objects.filter(user=user, confirmed_at__gte=change.confirmed_at)
        void.filter(undone_at=None).update(undone_at=now)
        link_session.drop(request, UNDO)
        record(
            Action.USER_ADDRESS_CHANGE_UNDONE,
            actor=actor,
            subject=f"user {user.email}",
            details={"from": former, "to": user.email},
        )
        link = new_link(Purpose.PASSWORD_RESET, email=user.email, user=user)
        send_link("password_reset", link, language=user.language)
    return change


def provide_addresses() -> None:
    """Tell mail how the addresses of both links are made; at start."""
    mail_links.provide(f"users.{CONFIRM}", _resolver(CONFIRM, "users:email_change_link"))
    mail_links.provide(f"users.{UNDO}", _resolver(UNDO, "users:email_undo_link"))


def _tell_former_address(change: EmailAddressChange, *, dedup_key: str) -> None:
    user = change.user
    send_notice(
        "address_changed",
        to=Mailbox(change.old_email, user.get_full_name()),
        language=user.language,
        time_zone=user.timezone,
        dedup_key=dedup_key,
        context={
            "old_email": change.old_email,
            "new_email": change.new_email,
            "undo_until": change.undo_until,
        },
        link=LinkTo(f"users.{UNDO}", change.pk),
    )


def _find(row_id: UUID, *, locked: bool) -> EmailAddressChange | None:
    """With its person; both are locked, so that two changes of one person follow each other."""
    rows = EmailAddressChange.objects.filter(pk=row_id).select_related("user")
    return (rows.select_for_update(no_key=True) if locked else rows).first()


def _move(user: User, address: str) -> None:
    """Raises EmailTaken. Links that went to the former address open nothing any more."""
    end_links(email=user.email, purposes=list(Purpose))
    user.email = address
    user.email_verified_at = timezone.now()
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "email_verified_at"])
            require_unclaimed(user)
    except IntegrityError as error:
        raise EmailTaken from error


def _kept(request: HttpRequest, purpose: str) -> tuple[UUID, str]:
    found = link_session.kept(request, purpose)
    if found is None:
        raise LinkUnusable
    return found


def _resolver(purpose: str, url_name: str) -> Callable[[UUID], str | None]:
    def address(row_id: UUID) -> str | None:
        change = EmailAddressChange.objects.filter(pk=row_id).first()
        if change is None:
            return None
        nonce = change.nonce if purpose == CONFIRM else change.undo_nonce
        token = token_for(purpose, change.pk, nonce)
        try:
            checked = change_to_confirm if purpose == CONFIRM else change_to_undo
            checked(row_id, hash_of_token(token))
        except LinkUnusable:
            return None
        return absolute(reverse(url_name, args=[change.pk, token]))

    return address
