"""Whoever has a method changes methods only after showing one that is as good (0142)."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from twofactor.methods import Kind, kind_of_session, methods_of
from twofactor.requirements import requirements_of
from users.confirming import ConfirmationNeeded, require_recent
from users.models import User

# Where text messages are refused: a code of one would let its reader add an app of their own.
_AS_GOOD_AS_AN_APP = frozenset({Kind.APP, Kind.RECOVERY_CODE})
_MARK = "changes_methods"

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


def changes_methods(
    view: Callable[Concatenate[HttpRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R]:
    """Make a view into one that is called only when its person showed lately who they are.

    And, in this session, a code of ``kinds_that_do``. As ``confirmed_recently``, it goes outside
    the decorator that finds the person.
    """

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if isinstance(request.user, User):
            require_recent(request)
            kinds = kinds_that_do(request.user)
            if kinds and kind_of_session(request) not in kinds:
                raise ConfirmationNeeded
        return view(request, *args, **kwargs)

    setattr(page, _MARK, True)
    return page


def kinds_that_do(user: User) -> frozenset[Kind]:
    """Codes of which kinds let ``user`` change their methods; none while two-factor is off.

    Off, the password is all that there is: a method that was set up and lost would shut its person
    out for ever.
    """
    methods = methods_of(user)
    if not methods.is_enabled:
        return frozenset()
    refuses_sms = any(Kind.SMS not in each.accepts for each in requirements_of(user))
    return _AS_GOOD_AS_AN_APP if methods.apps and refuses_sms else frozenset(Kind)


def is_about_methods(request: HttpRequest) -> bool:
    """Whether the view at the address of ``request`` is one of ``changes_methods``."""
    match = request.resolver_match
    return match is not None and getattr(match.func, _MARK, False)
