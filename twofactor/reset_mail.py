"""What people are told about a two-factor reset. Queued in the transaction of what they tell."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import timezone

from common.ids import normalise_email
from mail.addresses import Mailbox, UnusableAddress
from mail.headers import one_line
from mail.links import LinkTo
from mail.notices import send_notice
from twofactor.models import TwoFactorReset
from twofactor.reset_hooks import READERS, ResetReader
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
    be started.
    """
    person = reset.user
    for address in [person.email, *_former_addresses(person)]:
        _to_person("two_factor_reset_coming", reset, address=address, when="started")
    _tell_others("two_factor_reset_told", reset, context={"soonest": soonest})
    if person.is_staff or person.is_superuser:
        _tell_superusers(reset)


def remind(reset: TwoFactorReset) -> None:
    """The person, a day before it happens. However often it is called, one message leaves."""
    with suppress(UnusableAddress):
        _to_person("two_factor_reset_coming", reset, address=reset.user.email, when="soon")


def tell_of_confirmation(reset: TwoFactorReset) -> None:
    """The person: it happens sooner than they were told."""
    with suppress(UnusableAddress):
        _to_person("two_factor_reset_coming", reset, address=reset.user.email, when="sooner")


def tell_others_of_confirmation(reset: TwoFactorReset) -> None:
    """Everybody else who was told. Not in an account's scope: they are of several accounts."""
    with transaction.atomic():
        _tell_others("two_factor_reset_told", reset, context={"when": "sooner"}, when="sooner")


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
            "manager": reset.confirmed_by.email if reset.confirmed_by else "",
            "reason": one_line(reset.reason, most=_REASON_SHOWN),
        },
        link=LinkTo(STOP, reset.pk),
    )


def _tell_person(name: str, reset: TwoFactorReset, *, context: Mapping[str, Any]) -> None:
    person = reset.user
    mailbox = Mailbox(person.email, person.get_full_name())
    reader = ResetReader(mailbox, person.language, person.timezone, ())
    _send(name, reset, reader, context={**context, "is_person": True})


def _tell_others(
    name: str, reset: TwoFactorReset, *, context: Mapping[str, Any], when: str = ""
) -> None:
    """Each address once, in the words of the first that named it."""
    person = reset.user
    known = {normalise_email(person.email)}
    for find in READERS.functions():
        for reader in find(person):
            address = normalise_email(reader.mailbox.address)
            if address and address not in known:
                known.add(address)
                _send(name, reset, reader, context={**context, "is_person": False}, when=when)


def _tell_superusers(reset: TwoFactorReset) -> None:
    """All others, in English like all that staff read: whoever is reset opens every account."""
    name, person = "two_factor_reset_of_staff", reset.user
    superusers = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)
    for reader in superusers.order_by("pk"):
        with suppress(UnusableAddress):
            send_notice(
                name,
                to=Mailbox(reader.email, reader.get_full_name()),
                language="en",
                time_zone=reader.timezone,
                dedup_key=_key(name, reset, reader.email),
                context={
                    "email": one_line(person.email, most=_NAME_SHOWN),
                    "started_by": one_line(reset.started_by.email, most=_NAME_SHOWN),
                    "reason": one_line(reset.reason, most=_REASON_SHOWN),
                    "check": one_line(reset.check_made, most=_REASON_SHOWN),
                    "due_at": reset.due_at,
                },
            )


def _send(
    name: str,
    reset: TwoFactorReset,
    reader: ResetReader,
    *,
    context: Mapping[str, Any],
    when: str = "",
) -> None:
    person = reset.user
    # An address that no server takes keeps nobody from being told, and nothing from happening.
    with suppress(UnusableAddress):
        send_notice(
            name,
            to=reader.mailbox,
            language=reader.language,
            time_zone=reader.time_zone,
            dedup_key=_key(name, reset, reader.mailbox.address, when=when),
            context={
                **context,
                "email": one_line(person.email, most=_NAME_SHOWN),
                "due_at": reset.due_at,
                "accounts": reader.accounts,
                "confirm_page": reader.confirm_page,
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
