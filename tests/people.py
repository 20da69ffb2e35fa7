"""Alice the owner, Bob the member with billing, Charlie the stranger, Dora without any flag.

Charlie owns an account of his own, so that whatever he is refused, it is not for want of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import pytest
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from accounts.models import Account
from accounts.permissions import Flag
from tests.factories import PASSWORD, add_member, make_account, make_staff, make_user
from tests.two_factor import two_factor_on
from users.confirming import CONFIRMED_AT, RECENT
from users.models import User


class Answer(Protocol):
    """What tests ask of an answer to a request."""

    status_code: int

    @property
    def content(self) -> bytes: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def __getitem__(self, header: str) -> str: ...


@dataclass(frozen=True)
class People:
    """Who is who around Alice's ``account``."""

    alice: User
    bob: User
    charlie: User
    dora: User
    account: Account
    charlies_account: Account


@pytest.fixture
def people(db: None) -> People:
    alice = make_user("alice@hartwell.example", first_name="Alice", last_name="Hartwell")
    bob = make_user("bob@hartwell.example", first_name="Bob", last_name="Ferris")
    charlie = make_user("charlie@elsewhere.example", first_name="Charlie", last_name="Moss")
    dora = make_user("dora@hartwell.example", first_name="Dora", last_name="Lind")
    account = make_account(owner=alice, name="Hartwell & Sons")
    add_member(account, bob, Flag.BILLING)
    add_member(account, dora)
    charlies_account = make_account(owner=charlie, name="Elsewhere Ltd")
    return People(alice, bob, charlie, dora, account, charlies_account)


@pytest.fixture
def staff(db: None) -> User:
    return make_staff()


def signed_in(user: User) -> Client:
    """A browser in which ``user`` has a session, without the cost of checking the password."""
    browser = Client()
    browser.force_login(user)
    session = browser.session
    session[CONFIRMED_AT] = timezone.now().isoformat()
    if user.is_staff:
        # Staff's pages are for whoever has shown a second factor.
        session[DEVICE_ID_SESSION_KEY] = two_factor_on(user).persistent_id
    session.save()
    return browser


def stale(user: User) -> Client:
    """A browser in which ``user`` signed in too long ago for a far-reaching act."""
    browser = signed_in(user)
    let_confirmation_lapse(browser)
    return browser


def let_confirmation_lapse(browser: Client) -> None:
    """As if whoever is signed in there had last shown who they are a while ago."""
    session = browser.session
    session[CONFIRMED_AT] = (timezone.now() - RECENT - timedelta(seconds=1)).isoformat()
    session.save()


def sign_in(
    browser: Client, email: str, password: str = PASSWORD, *, next_page: str = "", **meta: Any
) -> Answer:
    """Send the sign-in form; ``meta`` is what the server adds to a request, as REMOTE_ADDR."""
    sent = {"email": email, "password": password, "next": next_page}
    return browser.post("/sign-in/", sent, **meta)
