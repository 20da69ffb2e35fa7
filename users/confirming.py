"""Acts for which a person shows anew that it is they who sit there.

Who signed in, or confirmed it, within ``RECENT`` is not asked (ASVS 7.5.1). What is asked for, the
password and a second factor where there is one, ``twofactor`` knows; it answers the refusal.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from common.exceptions import DomainError
from users.models import User

RECENT = timedelta(minutes=15)
# In the session: when its person last signed in or confirmed that it is they, in ISO 8601.
CONFIRMED_AT = "confirmed_at"

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


class ConfirmationNeeded(DomainError):
    """It is too long ago that the signed-in person showed who they are."""

    def __init__(self) -> None:
        super().__init__(_("Confirm that it is you."))


def note_confirmation(request: HttpRequest) -> None:
    """The person in front of this session has shown just now who they are."""
    request.session[CONFIRMED_AT] = timezone.now().isoformat()


def is_recent(request: HttpRequest) -> bool:
    """Whether the session's person showed who they are within ``RECENT``."""
    noted = request.session.get(CONFIRMED_AT)
    return noted is not None and timezone.now() - datetime.fromisoformat(noted) < RECENT


def require_recent(request: HttpRequest) -> None:
    """Raise ConfirmationNeeded unless ``is_recent``; before anything is done or shown.

    The answer asks for it at the same address, and goes on with what was sent.
    """
    if not is_recent(request):
        raise ConfirmationNeeded


def confirmed_recently(
    view: Callable[Concatenate[HttpRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R]:
    """Make a view into one that is called only when ``is_recent``.

    Whoever is not signed in is the view's own business: it goes outside the decorator that finds
    the person.
    """

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if isinstance(request.user, User):
            require_recent(request)
        return view(request, *args, **kwargs)

    return page
