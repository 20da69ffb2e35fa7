"""Addresses that nothing is sent to: staff put them on the list and take them off again."""

from django.db import transaction

from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.ids import normalise_email
from mail.addresses import envelope_address
from mail.models import SuppressedAddress


class AlreadySuppressed(DomainError):
    """The address is on the list."""


def suppress(address: str, *, reason: str, actor: Actor) -> SuppressedAddress:
    """Send nothing to ``address`` from now on: mail for it fails and says ``reason``.

    Raises mail.addresses.UnusableAddress and AlreadySuppressed.
    """
    normalised = normalise_email(address)
    envelope_address(normalised)
    with transaction.atomic():
        row, is_new = SuppressedAddress.objects.get_or_create(
            address=normalised, defaults={"reason": reason}
        )
        if not is_new:
            raise AlreadySuppressed(f"{row.address} is suppressed already: {row.reason}")
        _record(Action.ADDRESS_SUPPRESSED, row, actor)
    return row


def release(suppressed: SuppressedAddress, *, actor: Actor) -> None:
    """Let mail go to the address again. What has failed meanwhile is sent again by hand."""
    with transaction.atomic():
        removed, _ = SuppressedAddress.objects.filter(pk=suppressed.pk).delete()
        if removed:
            _record(Action.ADDRESS_RELEASED, suppressed, actor)


def _record(action: Action, row: SuppressedAddress, actor: Actor) -> None:
    record(action, actor=actor, subject=f"address {row.address}", details={"reason": row.reason})
