"""Addresses that nothing is sent to.

Staff put them on the list, and reports of returned mail do. Staff take them off, and the customers
whose invoices go there (accounts.bouncing).
"""

from django.db import transaction

from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.ids import normalise_email
from mail.addresses import comparable, envelope_address
from mail.models import SuppressedAddress


class AlreadySuppressed(DomainError):
    """The address is on the list."""


def suppress(address: str, *, reason: str, actor: Actor) -> SuppressedAddress:
    """Send nothing to ``address`` from now on: mail for it fails and says ``reason``.

    Raises mail.addresses.UnusableAddress and AlreadySuppressed.
    """
    envelope_address(normalise_email(address))
    with transaction.atomic():
        row, is_new = SuppressedAddress.objects.get_or_create(
            address=comparable(address), defaults={"reason": reason}
        )
        if not is_new:
            raise AlreadySuppressed(f"{row.address} is suppressed already: {row.reason}")
        _record(Action.ADDRESS_SUPPRESSED, row, actor)
    return row


def suppress_for_report(
    address: str, *, kind: SuppressedAddress.Kind, status: str, words: str, actor: Actor
) -> SuppressedAddress | None:
    """Put an address on the list because of what became of a message; None if it was on it.

    A complaint about an address that was listed for returned mail replaces that reason, since it
    binds more: only staff lift it. Needs a transaction.
    """
    reason = _reason(kind, words)
    row, is_new = SuppressedAddress.objects.get_or_create(
        address=comparable(address),
        defaults={"kind": kind, "status": status, "reason": reason},
    )
    if is_new:
        _record(Action.ADDRESS_SUPPRESSED, row, actor)
        return row
    if kind == SuppressedAddress.Kind.COMPLAINT:
        SuppressedAddress.objects.filter(pk=row.pk, kind=SuppressedAddress.Kind.RETURNED).update(
            kind=kind, status=status, reason=reason
        )
    return None


def release(suppressed: SuppressedAddress, *, actor: Actor, why: str = "") -> bool:
    """Let mail go to the address again; False when it was off the list already.

    What has failed meanwhile is sent again by hand.
    """
    with transaction.atomic():
        removed, _ = SuppressedAddress.objects.filter(pk=suppressed.pk).delete()
        if removed:
            _record(Action.ADDRESS_RELEASED, suppressed, actor, why=why)
    return bool(removed)


def _reason(kind: SuppressedAddress.Kind, words: str) -> str:
    """For staff and their logs, in English like all the program says of its work."""
    said = "its reader complained" if kind == SuppressedAddress.Kind.COMPLAINT else "returned mail"
    longest = SuppressedAddress._meta.get_field("reason").max_length
    return (f"{said}: {words}" if words else said)[:longest]


def _record(action: Action, row: SuppressedAddress, actor: Actor, *, why: str = "") -> None:
    details = {"kind": row.kind, "reason": row.reason, **({"why": why} if why else {})}
    record(action, actor=actor, subject=f"address {row.address}", details=details)
