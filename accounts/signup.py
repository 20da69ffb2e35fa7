"""Signing up: the address first, then one form that makes a user ID and its first account.

Nothing is kept of a person, and no password, before the address is proved: a stranger cannot leave
a user ID behind for its owner to walk into.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language

from accounts.models import Account
from accounts.new_accounts import open_own_account
from audit.acting import actor_of, client_address
from audit.actions import Action
from audit.recording import Actor, record
from users.changing_address import remind_of_change
from users.creating import create_verified_user
from users.former_addresses import undoable_change_from
from users.links import Purpose, kept_link, new_link, use_link
from users.models import User
from users.notices import absolute, send_link
from users.rate_limits import Limit, by_client, take
from users.signin import start_session

# A mail that was lost twice is a fault of another kind; a stranger cannot fill somebody's mailbox.
_BY_ADDRESS = Limit("sign-up by address", 5, timedelta(days=1))
# A class of students behind one address may sign up together.
_BY_CLIENT = Limit("sign-up by client", 50, timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomer:
    """What the form asks for. ``organisation`` is empty for somebody who buys for themselves."""

    first_name: str
    last_name: str
    organisation: str
    country: str
    password: str
    language: str
    timezone: str


def ask_to_sign_up(request: HttpRequest, *, email: str) -> None:
    """Send exactly one mail to ``email``, whether there is a user ID for it or not (ASVS 6.3.8).

    The same statements for every address: what differs is in the mail. Raises TooManyAttempts.
    """
    take([_BY_ADDRESS.by(email), *by_client(_BY_CLIENT, request)])
    with transaction.atomic():
        user, change = User.objects.filter(email=email).first(), undoable_change_from(email)
        person = user or (change.user if change else None)
        if person is None:
            link = new_link(Purpose.SIGN_UP, email=email)
            send_link("sign_up", link, language=get_language() or "en")
        elif not person.is_active:
            # The row is for nothing but its being written, as the others are.
            link = new_link(Purpose.PASSWORD_RESET, email=email)
            send_link("user_id_disabled", link, language=person.language)
        elif user is None and change is not None:
            remind_of_change(change)
        else:
            link = new_link(Purpose.PASSWORD_RESET, email=email, user=person)
            context = {"sign_in_url": absolute(reverse("users:sign_in"))}
            send_link("sign_up_known", link, language=person.language, context=context)
        record(Action.USER_SIGN_UP_ASKED, actor=actor_of(request), subject=f"user {email}")


def finish_sign_up(request: HttpRequest, customer: NewCustomer) -> Account:
    """The user ID, its account and a session, for the address that this browser's link was sent to.

    Raises LinkUnusable, LinkExpired, and EmailTaken when there is a user ID for it by now.
    """
    with transaction.atomic():
        link = kept_link(request, Purpose.SIGN_UP, locked=True)
        user = create_verified_user(
            email=link.email,
            password=customer.password,
            first_name=customer.first_name,
            last_name=customer.last_name,
            language=customer.language,
            timezone=customer.timezone,
            actor=actor_of(request),
        )
        kind = Account.Kind.ORGANISATION if customer.organisation else Account.Kind.PERSONAL
        account = open_own_account(
            user,
            kind=kind,
            name=customer.organisation or user.get_full_name(),
            country=customer.country,
            time_zone=customer.timezone,
            actor=Actor.person(user, remote_address=client_address(request)),
        )
        use_link(request, link)
        start_session(request, user)
    return account
