"""Wall 1: the one way from a request to an account.

Every view below ``/a/<account number>/`` is wrapped in ``account_page``, which finds the account
through the membership of whoever asks, checks the second factor that the account requires and the
permission that the page declares, and opens the account's scope around the view. A system check
fails on a page that declares none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.checks import declare_requirement
from accounts.models import Account, Membership
from accounts.permissions import Permission, Requirement, in_words, permissions_of
from accounts.two_factor.policy import require_two_factor
from common.exceptions import DomainError
from common.scoping import account_scope
from users.models import User

P = ParamSpec("P")

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Access:
    """One person in one account, as it stands at this request; never kept for the next."""

    user: User
    account: Account
    membership: Membership
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def is_read_only(self) -> bool:
        return self.account.status == Account.Status.CLOSED


class SignInRequired(DomainError):
    """Nobody is signed in; the answer is the way to the sign-in page and back."""


class AccountNotFound(DomainError):
    """No account of this person has the number: answered as if there were none at all."""

    def __init__(self, number: int) -> None:
        super().__init__(_("There is no such page."))
        self.number = number


class PermissionMissing(DomainError):
    """A member lacks the permission that a page or an action needs."""

    def __init__(self, access: Access, permission: Permission) -> None:
        super().__init__(_("You may not %(do_this)s.") % {"do_this": in_words(permission)})
        self.access = access
        self.permission = permission


class AccountClosed(DomainError):
    """A closed account is read-only (0081)."""

    def __init__(self) -> None:
        super().__init__(_("This account is closed. It can be read, but not changed."))


AccountView = Callable[Concatenate[HttpRequest, Access, P], HttpResponse]


def account_page(
    requirement: Requirement, *, open_when_closed: bool = False
) -> Callable[[AccountView[P]], Callable[..., HttpResponse]]:
    """Make a view into a page of one account, open to members with the permission ``requirement``.

    The view is called with the request and an :class:`Access`, inside the account's scope, and must
    return a finished response: what is rendered later would be rendered without the scope. On a
    closed account only what is ``open_when_closed`` may be done; all that is read stays readable.
    """

    def decorate(view: AccountView[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def page(
            request: HttpRequest, account_number: int, *args: Any, **kwargs: Any
        ) -> HttpResponse:
            access = find_access(request, account_number)
            require(access, requirement)
            if access.is_read_only and request.method not in _SAFE and not open_when_closed:
                raise AccountClosed
            with account_scope(access.account):
                return _finished(view(request, access, *args, **kwargs))

        declare_requirement(page, requirement)
        return page

    return decorate


def find_access(request: HttpRequest, account_number: int) -> Access:
    """The account by its number and the membership of whoever asks, read anew on each request.

    Raises SignInRequired, AccountNotFound whether the account is someone else's or nobody's, and
    TwoFactorRequired to a member whose session is not enough for the account.
    """
    user = request.user
    if not isinstance(user, User):
        raise SignInRequired
    membership = (
        Membership.objects.select_related("account")
        .filter(account__number=account_number, user=user)
        .first()
    )
    if membership is None:
        raise AccountNotFound(account_number)
    require_two_factor(request, user, membership)
    return access_of(membership, user=user)


def access_of(membership: Membership, *, user: User) -> Access:
    """What ``membership`` permits ``user``; its account is loaded with it."""
    account = membership.account
    permissions = permissions_of(
        is_owner=membership.is_owner,
        flags=membership.flags,
        billing_reserved=account.billing_reserved_to_owner,
    )
    return Access(user, account, membership, permissions)


def require(access: Access, requirement: Requirement) -> None:
    """Raise PermissionMissing unless ``access`` meets ``requirement``."""
    if isinstance(requirement, Permission) and not access.may(requirement):
        raise PermissionMissing(access, requirement)


def render_page(
    request: HttpRequest, access: Access, template: str, context: dict[str, Any] | None = None
) -> HttpResponse:
    """A page of the account in its frame, which needs ``access``."""
    return render(request, template, {**(context or {}), "access": access})


def _finished(response: HttpResponseBase) -> HttpResponse:
    """Refuse what would read the database after the scope has closed."""
    if not isinstance(response, HttpResponse) or not getattr(response, "is_rendered", True):
        raise TypeError("an account page returns a finished response, neither lazy nor a stream")
    return response
