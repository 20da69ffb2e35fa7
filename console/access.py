"""Who may open the operator's pages: staff, who sign in where everybody does, with two factors."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from twofactor.methods import STANDING_ALONE, is_enabled, kind_of_session
from twofactor.requirements import RequiredBy, SecondFactorNeeded
from users.models import User
from users.redirecting import led_to_sign_in

P = ParamSpec("P")
StaffView = Callable[Concatenate[HttpRequest, P], HttpResponse]

# Who owns an account, and who is offered one. The operator's tables ask for the same to edit one.
CHANGE_ACCOUNTS = "accounts.change_account"


def staff_page(
    *, permission: str | None = None
) -> Callable[[StaffView[P]], Callable[..., HttpResponse]]:
    """Whoever is not signed in is asked to; whoever is no staff is told so.

    Staff read every page of the console. What they do there needs ``permission``, one of Django's.
    Each request needs a session in which they have shown a second factor that they still have.
    """

    def decorate(view: StaffView[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user = request.user
            if not isinstance(user, User):
                return led_to_sign_in(request)
            if not user.is_staff or (permission and not user.has_perm(permission)):
                raise PermissionDenied
            require_second_factor(request)
            return view(request, *args, **kwargs)

        return page

    return decorate


def staff_member(request: HttpRequest) -> User:
    """Whoever acts on a page that is for staff alone."""
    if not isinstance(request.user, User) or not request.user.is_staff:
        raise PermissionDenied
    return request.user


def has_second_factor(request: HttpRequest) -> bool:
    """Whether the session was begun, or gone on with, by a code of a method that is still there.

    A method of somebody who has not turned two-factor on proves nothing: whoever knows the password
    is asked for no code, and can set up a method of their own.
    """
    if kind_of_session(request) is None:
        return False
    return isinstance(request.user, User) and is_enabled(request.user)


def require_second_factor(request: HttpRequest) -> None:
    """Raises SecondFactorNeeded."""
    if not has_second_factor(request):
        is_shown = request.method in {"GET", "HEAD"}
        raise SecondFactorNeeded(request.get_full_path() if is_shown else "")


def requirements_of(user: User) -> list[RequiredBy]:
    """The operator's pages require it of staff (for ``twofactor.requirements``)."""
    return [RequiredBy("The console", STANDING_ALONE)] if user.is_staff else []
