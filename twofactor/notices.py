"""Mail about a person's methods and codes: whoever did not do it must learn of it.

ASVS 6.3.5, 6.3.7.
"""

import uuid
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import lazy

from audit.acting import client_address
from mail.addresses import Mailbox
from mail.notices import send_notice
from twofactor.methods import is_enabled
from users.models import User
from users.notices import absolute
from users.sessions import browser_in_words, user_agent_of

# In the words of the message's reader, and not of whoever sent the request.
_browser_in_words = lazy(browser_in_words, str)


def tell_turned_on(request: HttpRequest, user: User) -> None:
    _tell("two_factor_on", request, user)


def tell_turned_off(request: HttpRequest, user: User) -> None:
    _tell("two_factor_off", request, user)


def tell_method_added(request: HttpRequest, user: User, *, method: str) -> None:
    """``method`` is what the person calls it: an app's name, or a telephone number."""
    is_on = is_enabled(user)
    _tell("two_factor_method_added", request, user, method=method, is_on=is_on)


def tell_method_removed(request: HttpRequest, user: User, *, method: str, is_off: bool) -> None:
    """``is_off``: it was the last one, so two-factor authentication is off."""
    _tell("two_factor_method_removed", request, user, method=method, is_off=is_off)


def tell_codes_made(request: HttpRequest, user: User) -> None:
    _tell("recovery_codes_made", request, user)


def tell_not_finished(request: HttpRequest, user: User) -> None:
    """Somebody knows the password of ``user`` and not the codes; told at most once a day (UTC)."""
    with transaction.atomic():
        _tell("sign_in_not_finished", request, user, once=f"{timezone.now():%Y-%m-%d}")


def tell_recovery_code_used(request: HttpRequest, user: User, *, left: int, is_few: bool) -> None:
    """In the transaction that used it; ``left`` are unused, and ``is_few`` asks for more."""
    codes_url = absolute(reverse("twofactor:recovery_codes"))
    _tell("recovery_code_used", request, user, left=left, is_few=is_few, codes_url=codes_url)


def _tell(name: str, request: HttpRequest, user: User, *, once: str = "", **words: Any) -> None:
    """Each time, as nothing else tells two changes apart; or ``once``, whatever that names."""
    send_notice(
        name,
        to=Mailbox(user.email, user.get_full_name()),
        language=user.language,
        time_zone=user.timezone,
        dedup_key=f"{name}/{user.pk}/{once or uuid.uuid4()}",
        context={
            "email": user.email,
            # Open to whoever can no longer sign in.
            "reset_url": absolute(reverse("users:password_reset")),
            **_circumstances(request),
            **words,
        },
    )


def _circumstances(request: HttpRequest) -> dict[str, object]:
    """What ``mail/parts/circumstances`` wants: when it was done, with what browser, from where."""
    return {
        "at": timezone.now(),
        "browser": _browser_in_words(user_agent_of(request)),
        "remote_address": client_address(request),
    }
