"""Pages of a person: open to whoever is signed in, about nobody but themselves."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from users.models import User
from users.redirecting import led_to_sign_in
from users.signin import check_current_password

P = ParamSpec("P")
PersonView = Callable[Concatenate[HttpRequest, User, P], HttpResponse]

# A page that shows a form, and takes what the form sends.
shows_and_takes = require_http_methods(["GET", "HEAD", "POST"])


def person_page(view: PersonView[P]) -> Callable[..., HttpResponse]:
    """Make a view into one that is called with the signed-in person, and never without one."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return led_to_sign_in(request)
        return view(request, user, *args, **kwargs)

    return page


def is_own_password(request: HttpRequest, user: User, form: forms.Form, *, field: str) -> bool:
    """Whether the valid ``form`` has the password of ``user`` in ``field``; if not, it says so.

    Raises TooManyAttempts.
    """
    if check_current_password(request, user, form.cleaned_data[field]):
        return True
    form.add_error(field, _("This is not your password. Enter it again."))
    return False
