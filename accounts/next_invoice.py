"""Who will get an account's next invoice, and why; and who will not, and why not."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.addressing import Addressing
from accounts.models import InvoiceAddress
from accounts.recipients import reasons_in_words
from mail.addresses import comparable
from mail.models import SuppressedAddress
from mail.return_words import why_suppressed


@dataclass(frozen=True, slots=True)
class Reader:
    """One address: why it gets the next invoice (``reasons``), or else ``withheld`` says why not.

    ``note`` is something to know besides.
    """

    address: str
    name: str
    reasons: str
    withheld: str = ""
    note: str = ""


def readers_of_next_invoice(addressing: Addressing) -> list[Reader]:
    """Those who get it first. One statement, however many there are."""
    waiting = [each for each in addressing.invoice_addresses if each.confirmed_at is None]
    addresses = {recipient.address for recipient in addressing.recipients}
    compared = {comparable(address) for address in addresses}
    suppressed = {
        each.address: each for each in SuppressedAddress.objects.filter(address__in=compared)
    }
    disabled = {each.user.email for each in addressing.memberships if not each.user.is_active}
    now = timezone.now()
    found = [
        Reader(
            address=recipient.address,
            name=recipient.name,
            reasons=reasons_in_words(recipient.reasons),
            withheld=str(why_suppressed(suppressed[comparable(recipient.address)]))
            if comparable(recipient.address) in suppressed
            else "",
            note=_("Their user ID is disabled, but mail still goes to the address.")
            if recipient.address in disabled
            else "",
        )
        for recipient in addressing.recipients
    ]
    found += [
        Reader(each.email, "", "", withheld=_unconfirmed(each, now=now))
        for each in waiting
        if each.email not in addresses
    ]
    return sorted(found, key=lambda reader: bool(reader.withheld))


def _unconfirmed(address: InvoiceAddress, *, now: datetime) -> str:
    if address.expires_at <= now:
        return _("Was not confirmed in time. Send the email again.")
    return _("Waits to be confirmed by its reader.")
