"""Everybody who could send a request to a page of an account, each with a session of their own."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.test import Client
from django.utils import timezone

from accounts.models import Account
from accounts.permissions import Flag, Permission
from tests.accounts.test_permissions import TABLE
from tests.factories import add_member, make_account, make_staff, make_user
from tests.people import sign_in, signed_in
from tests.two_factor import two_factor_on
from users.models import User


@dataclass(frozen=True)
class Role:
    """Who asks, and what the hand-written table of permissions gives them in ``account``.

    ``permissions`` is None for whoever is no member.
    """

    name: str
    browser: Client
    account: Account
    user: User | None = None
    permissions: frozenset[Permission] | None = None
    is_signed_in: bool = True
    is_staff: bool = False
    # The password was right, and the code is yet to come: nobody, but for the page that asks it.
    is_half_signed_in: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Accounts:
    """The account that most ask for, one that is suspended, one that is closed, and another's."""

    active: Account
    suspended: Account
    closed: Account
    elsewhere: Account


def make_accounts() -> Accounts:
    return Accounts(
        active=make_account(owner=make_user("owner@hartwell.example"), name="Hartwell & Sons"),
        suspended=make_account(
            owner=make_user("owner@late.example"), name="Late Ltd", status=Account.Status.SUSPENDED
        ),
        closed=make_account(
            owner=make_user("owner@gone.example"),
            name="Gone Ltd",
            status=Account.Status.CLOSED,
            closed_at=timezone.now(),
        ),
        elsewhere=make_account(owner=make_user("owner@elsewhere.example"), name="Elsewhere Ltd"),
    )


def make_roles(accounts: Accounts) -> list[Role]:
    """Every role of the matrix (docs/security.md), around ``accounts.active`` where they can be."""
    account = accounts.active
    return [
        Role("nobody", Client(), account, is_signed_in=False),
        *_without_a_session(account),
        _half_signed_in(account),
        _outsider("no membership", make_user("lonely@nowhere.example"), account),
        _outsider("another account’s owner", _owner(accounts.elsewhere), account),
        _staff(account),
        *(_member(f"{flag} alone", account, [flag]) for flag in Flag),
        *(_member(f"all but {flag}", account, set(Flag) - {flag}) for flag in Flag),
        _member("no flag", account, []),
        _member("owner", account, [], owner=_owner(account)),
        _member("suspended owner", accounts.suspended, [], owner=_owner(accounts.suspended)),
        _member("closed owner", accounts.closed, [], owner=_owner(accounts.closed)),
    ]


def _without_a_session(account: Account) -> list[Role]:
    """Whoever had a session and must not have one: the program treats them as nobody."""
    unverified = make_user("unverified@hartwell.example", email_verified_at=None)
    disabled = make_user("disabled@hartwell.example")
    found = []
    for name, user in (("unverified", unverified), ("disabled", disabled)):
        add_member(account, user, *Flag)
        found.append(Role(name, signed_in(user), account, user, is_signed_in=False))
    disabled.is_active = False
    disabled.save(update_fields=["is_active"])
    return found


def _half_signed_in(account: Account) -> Role:
    """Somebody who could do everything, here and on the operator's pages (21; ASVS 6.3.4)."""
    user = make_user("half@hartwell.example", is_staff=True, is_superuser=True)
    add_member(account, user, *Flag)
    two_factor_on(user)
    browser = Client()
    sign_in(browser, user.email)
    return Role(
        "half signed in", browser, account, user, is_signed_in=False, is_half_signed_in=True
    )


def _outsider(name: str, user: User, account: Account) -> Role:
    return Role(name, signed_in(user), account, user)


def _staff(account: Account) -> Role:
    user = make_staff()
    return Role("staff", signed_in(user), account, user, is_staff=True)


def _member(
    name: str, account: Account, flags: Collection[Flag], *, owner: User | None = None
) -> Role:
    if owner is not None:
        return Role(name, signed_in(owner), account, owner, frozenset(Permission))
    user = make_user(f"{name.replace(' ', '-')}@hartwell.example")
    add_member(account, user, *flags)
    return Role(name, signed_in(user), account, user, granted_by(TABLE, flags))


def granted_by(
    table: Mapping[Permission, Collection[Flag]], flags: Collection[Flag]
) -> frozenset[Permission]:
    """What ``flags`` grant by the hand-written table, not by the program's."""
    return frozenset(
        permission for permission, holders in table.items() if set(holders) & set(flags)
    )


def _owner(account: Account) -> User:
    return account.memberships.select_related("user").get(is_owner=True).user
