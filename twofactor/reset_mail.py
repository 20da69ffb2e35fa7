"""What people are told about a two-factor reset. Queued in the transaction of what they tell."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.utils import timezone

from common.ids import normalise_email
from mail.addresses import Mailbox, UnusableAddress
from mail.headers import one_line
from mail.links import LinkTo
from mail.notices import send_notice
from twofactor.models import TwoFactorReset
from twofactor.reset_hooks import TOLD, Told
from users.models import EmailAddressChange, User

# Of the link that stops a reset.
STOP = "twofactor.reset_stop"
_NAME_SHOWN = 120
_REASON_SHOWN = 500
# Of an address's hash, in hexadecimal digits: it tells the readers of one reset apart.
_KEY_LENGTH = 24


def tell_of_start(reset: TwoFactorReset, *, soonest: datetime) -> None:
    """The person, with a way to stop it, and everybody whom it could harm.

    Raises UnusableAddress for the person's own address: a reset that nobody can be told of must not
    begin.
    """
    person = reset.user
    for address in [person.email, *_former_addresses(person)]:
        _to_person("two_factor_reset_started", reset, address=address, when="started")
    _tell_others("two_factor_reset_told", reset, context={"soonest": soonest})


def remind(reset: TwoFactorReset) -> None:
    """The person, a day before it happens. However often it is called, one message leaves."""
    with suppress(UnusableAddress):
        _to_person("two_factor_reset_started", reset, address=reset.user.email, when="soon")


def tell_of_confirmation(reset: TwoFactorReset) -> None:
    """The person: it happens sooner than they were told."""
    with suppress(UnusableAddress):
        _to_person("two_factor_reset_started", reset, address=reset.user.email, when="sooner")


def tell_of_stop(reset: TwoFactorReset, *, by_person: bool) -> None:
    """Everybody who was told that it would happen."""
    context = {"by_person": by_person}
    _tell_person("two_factor_reset_stopped", reset, context=context)
    _tell_others("two_factor_reset_stopped", reset, context=context)


def tell_of_completion(reset: TwoFactorReset) -> None:
    _tell_person("two_factor_reset_done", reset, context={})
    _tell_others("two_factor_reset_done", reset, context={})


def _to_person(name: str, reset: TwoFactorReset, *, address: str, when: str) -> None:
    """With the link that stops it. ``when`` says what this message adds to the ones before."""
    person = reset.user
    send_notice(
        name,
        to=Mailbox(address, person.get_full_name()),
        language=person.language,
        time_zone=person.timezone,
        dedup_key=_key(name, reset, address, when=when),
        context={
            "email": person.email,
            "due_at": reset.due_at,
            "when": when,
            "reason": one_line(reset.reason, most=_REASON_SHOWN),
        },
        link=LinkTo(STOP, reset.pk),
    )


def _tell_person(name: str, reset: TwoFactorReset, *, context: Mapping[str, Any]) -> None:
    person = reset.user
    told = Told(Mailbox(person.email, person.get_full_name()), person.language, person.timezone, ())
    _send(name, reset, told, context={**context, "is_person": True})


def _tell_others(name: str, reset: TwoFactorReset, *, context: Mapping[str, Any]) -> None:
    """Each address once, in the words of the first that named it."""
    person = reset.user
    known = {normalise_email(person.email)}
    for find in TOLD.functions():
        for told in find(person):
            address = normalise_email(told.mailbox.address)
            if address and address not in known:
                known.add(address)
                _send(name, reset, told, context={**context, "is_person": False})


def _send(name: str, reset: TwoFactorReset, told: Told, *, context: Mapping[str, Any]) -> None:
    person = reset.user
    # An address that no server takes keeps nobody from being told, and nothing from happening.
    with suppress(UnusableAddress):
        send_notice(
            name,
            to=told.mailbox,
            language=told.language,
            time_zone=told.time_zone,
            dedup_key=_key(name, reset, told.mailbox.address),
            context={
                **context,
                "email": one_line(person.email, most=_NAME_SHOWN),
                "due_at": reset.due_at,
                "accounts": told.accounts,
                "confirm_page": told.confirm_page,
            },
        )


def _key(name: str, reset: TwoFactorReset, address: str, *, when: str = "") -> str:
    reader = sha256(normalise_email(address).encode()).hexdigest()[:_KEY_LENGTH]
    return f"{name}/{reset.pk}/{when}/{reader}"


def _former_addresses(person: User) -> list[str]:
    """Where somebody can still take the user ID back: whoever moved it away may have asked."""
    changes = EmailAddressChange.objects.filter(
        user=person, undo_until__gt=timezone.now(), undone_at=None
    )
    return sorted({change.old_email for change in changes} - {person.email})
