"""Signing in and out: the password check, its limits, the session, and the audit of all three."""

from datetime import timedelta

from django.contrib.auth import SESSION_KEY, authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common.exceptions import DomainError
from common.ids import normalise_email
from users.confirming import note_confirmation
from users.devices import device_of
from users.locked_people import lock_person
from users.models import User
from users.rate_limits import Counter, Limit, by_client, take
from users.session_store import SIGNED_IN_AT
from users.sessions import clear_up, describe_client
from users.sign_in_hooks import HOLDS, WAITING

# As PyPI does: a person who mistypes never gets there, a program that guesses does in a second.
MAX_FAILURES = 10
WINDOW = timedelta(minutes=5)
_BY_ADDRESS = Limit("sign-in by address", MAX_FAILURES, WINDOW)
_BY_CLIENT = Limit("sign-in by client", MAX_FAILURES, WINDOW)
_BY_DEVICE = Limit("sign-in by device", MAX_FAILURES, WINDOW)


class WrongCredentials(DomainError):
    """The same for an unknown address, a wrong password and a disabled user ID (ASVS 6.3.8)."""

    def __init__(self) -> None:
        super().__init__(_("This email address and password do not belong together."))


class AddressUnverified(DomainError):
    """The password is right; whose address it is has yet to be shown. Nobody is signed in."""

    def __init__(self, user: User) -> None:
        super().__init__(_("Confirm your email address first."))
        self.user = user


class MoreIsAsked(DomainError):
    """The password is right, and does not suffice. Nobody is signed in.

    ``page`` is the path of the page that asks for more, and begins the session then.
    """

    def __init__(self, page: str) -> None:
        super().__init__(_("There is one more step to sign in."))
        self.page = page


def sign_in(request: HttpRequest, *, email: str, password: str, next_page: str = "") -> User:
    """Check the password and start a session under a new key.

    ``next_page`` is where the person was going, for MoreIsAsked. Raises that, TooManyAttempts,
    AddressUnverified, and WrongCredentials in the same time for every address, known or not: the
    password is hashed once either way (Django's ModelBackend).
    """
    address = normalise_email(email)
    # Before the password is looked at, so that guesses sent at the same moment are all counted.
    attempt = take(_counters(request, address))
    user = authenticate(request, username=address, password=password)
    if not isinstance(user, User):
        record(Action.USER_SIGN_IN_FAILED, actor=actor_of(request), subject=_subject(address))
        raise WrongCredentials
    attempt.give_back()
    if user.email_verified_at is None:
        raise AddressUnverified(user)
    start_session(request, user, next_page=next_page)
    return user


def start_session(request: HttpRequest, user: User, *, next_page: str = "") -> None:
    """Sign in whoever has shown to know the password, or to read the mail, of ``user`` just now.

    Raises MoreIsAsked for somebody who has a second factor: every way in leads through here.
    """
    with transaction.atomic():
        # Whoever turns a second factor on waits for this, or this for them: they end the sessions
        # that there are, and none may begin beside that.
        lock_person(user.pk)
        page = _held(request, user, next_page=next_page)
        if page is None:
            open_session(request, user)
    if page is not None:
        raise MoreIsAsked(page)


def _held(request: HttpRequest, user: User, *, next_page: str) -> str | None:
    pages = (hold(request, user, next_page=next_page) for hold in HOLDS.functions())
    return next((page for page in pages if page), None)


def open_session(request: HttpRequest, user: User, *, method: str = "password") -> None:
    """A session under a new key, whatever the browser had before.

    For ``start_session``, and for whoever asks for the second factor and has got it: by ``method``.
    """
    with transaction.atomic():
        clear_up()
        has_same_person = SESSION_KEY in request.session
        login(request, user)
        if has_same_person:
            # Django changes the key for a newcomer alone.
            request.session.cycle_key()
        request.session[SIGNED_IN_AT] = timezone.now().isoformat()
        note_confirmation(request)
        describe_client(request)
        record(
            Action.USER_SIGNED_IN,
            actor=actor_of(request),
            subject=_subject(user.email),
            details={"method": method},
        )


def page_of_waiting(request: HttpRequest) -> str | None:
    """Where a sign-in that this browser has begun waits for more; None when none does."""
    pages = (find(request) for find in WAITING.functions())
    return next((page for page in pages if page), None)


def sign_out(request: HttpRequest) -> bool:
    """End the session, here and in the database; False when nobody is signed in."""
    actor = actor_of(request)
    with transaction.atomic():
        logout(request)
        if actor.user_id is None:
            return False
        record(Action.USER_SIGNED_OUT, actor=actor, subject=_subject(actor.label))
    return True


def check_current_password(request: HttpRequest, user: User, password: str) -> bool:
    """Whether ``password`` is the signed-in person's own, within the same limits as signing in.

    If so, the session goes on under a new key, as after signing in (ASVS 7.2.4).
    """
    attempt = take(_counters(request, user.email))
    if not user.check_password(password):
        record(Action.USER_SIGN_IN_FAILED, actor=actor_of(request), subject=_subject(user.email))
        return False
    attempt.give_back()
    with transaction.atomic():
        request.session.cycle_key()
    return True


def _counters(request: HttpRequest, address: str) -> list[Counter]:
    """A browser that the person has used before has a counter of its own: nobody else fills it."""
    device = device_of(request, email=address)
    if device is not None:
        return [_BY_DEVICE.by(f"{address}\0{device.key}")]
    return [_BY_ADDRESS.by(address), *by_client(_BY_CLIENT, request)]


def _subject(address: str) -> str:
    return f"user {address}"
