"""What goes with each change of a person's methods: one at a time, and the session goes on anew."""

from django.db import transaction
from django.http import HttpRequest
from django_otp import login as remember_device_of_session
from django_otp.models import Device

from twofactor.methods import Kind, kind_of, kind_of_session
from users.models import User
from users.sessions import end_other_sessions


def lock_methods(user: User) -> None:
    """Until the end of the transaction nobody else changes the methods of ``user``."""
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=user.pk)


def renew_session(request: HttpRequest, user: User, *, device: Device | None = None) -> None:
    """End the other sessions of ``user`` and go on here under a new key (ASVS 7.2.4, 7.4.3).

    ``device`` is one whose code has been shown just now, for ``note_device``.
    """
    with transaction.atomic():
        end_other_sessions(request, user)
        request.session.cycle_key()
        if device is not None:
            note_device(request, device)


def note_device(request: HttpRequest, device: Device) -> None:
    """The session counts as begun with ``device``, whose code has been shown just now.

    But for one that was begun with an app and would be worth less: some accounts take no text
    messages.
    """
    if kind_of_session(request) is Kind.APP and kind_of(device) is not Kind.APP:
        return
    remember_device_of_session(request, device)  # type: ignore[no-untyped-call]
