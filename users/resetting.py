"""A new password for whoever reads the mail of an address."""

from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from users.changing_address import drop_pending_changes, remind_of_change
from users.former_addresses import undoable_change_from
from users.links import LinkUnusable, Purpose, end_links, kept_link, new_link, use_link
from users.models import EmailedLink, User
from users.notices import send_link, tell_password_changed
from users.rate_limits import Limit, by_client, take
from users.sessions import end_all_sessions

# Nobody forgets a password more often; a stranger cannot fill somebody's mailbox.
_BY_ADDRESS = Limit("password reset by address", 5, timedelta(days=1))
# An office behind one address may have a bad day.
_BY_CLIENT = Limit("password reset by client", 50, timedelta(days=1))


def ask_for_reset(request: HttpRequest, *, email: str) -> None:
    """Send exactly one mail to ``email``, whoever it belongs to (ASVS 6.3.8).

    The same statements for every address: what differs is in the mail. Raises TooManyAttempts.
    """
    take([_BY_ADDRESS.by(email), *by_client(_BY_CLIENT, request)])
    with transaction.atomic():
        user, change = User.objects.filter(email=email).first(), undoable_change_from(email)
        person = user or (change.user if change else None)
        if person is None:
            link = new_link(Purpose.SIGN_UP, email=email)
            send_link("no_user_id", link, language=get_language() or "en")
        elif not person.is_active:
            # The row is for nothing but its being written, as the others are.
            link = new_link(Purpose.PASSWORD_RESET, email=email)
            send_link("user_id_disabled", link, language=person.language)
        elif user is None and change is not None:
            remind_of_change(change)
        else:
            link = new_link(Purpose.PASSWORD_RESET, email=email, user=person)
            send_link("password_reset", link, language=person.language)
        record(Action.USER_PASSWORD_RESET_ASKED, actor=actor_of(request), subject=f"user {email}")


def user_of_reset(link: EmailedLink) -> User:
    """Whose password ``link`` sets. Raises LinkUnusable."""
    user = link.user
    if user is None or not user.is_active or user.email != link.email:
        raise LinkUnusable
    return user


def reset_password(request: HttpRequest, *, password: str) -> User:
    """Set the password of whoever the link in this browser was sent to; sign nobody in.

    Ends every session of theirs and what was on its way under the old password, and counts as
    verification: the link was read at the address. Raises LinkUnusable, LinkExpired.
    """
    actor = actor_of(request)
    with transaction.atomic():
        found = user_of_reset(kept_link(request, Purpose.PASSWORD_RESET))
        User.objects.select_for_update(no_key=True).get(pk=found.pk)
        # Again: it may have been used, and the user ID closed, before the person was locked.
        link = kept_link(request, Purpose.PASSWORD_RESET, locked=True)
        user = user_of_reset(link)
        user.set_password(password)
        user.email_verified_at = user.email_verified_at or timezone.now()
        user.save(update_fields=["password", "email_verified_at"])
        use_link(request, link)
        end_links(email=user.email, purposes=[Purpose.PASSWORD_RESET, Purpose.VERIFY_ADDRESS])
        drop_pending_changes(user)
        end_all_sessions(request, user)
        record(Action.USER_PASSWORD_RESET, actor=actor, subject=f"user {user.email}")
        tell_password_changed(user)
    return user
