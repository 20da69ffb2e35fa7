"""What the status codes of returned mail (RFC 3463) mean: to us, and in words for customers."""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mail.models import SuppressedAddress

_CODE = r"(?<![\d.])[%s]\.\d{1,3}\.\d{1,3}(?![\d.])"
# An enhanced status code (RFC 3463), wherever it stands among other words and figures.
STATUS = re.compile(_CODE % "245")
# One that something was refused with: what it says of success is of no interest in a refusal.
REFUSAL = re.compile(_CODE % "45")

_PERMANENT = "5"
# Subjects and details of permanent refusals that are about our message, our servers or how we send:
# the address may be in order, and another message may arrive.
_NOT_THE_ADDRESS = (
    "1.7",  # the sender's address
    "1.8",
    "2.3",  # too long for this mailbox
    "3.",  # the mail system: too big, full, not speaking our way
    "5.",  # the protocol
    "6.",  # the content
    "7.",  # policy: reputation, spam, missing authentication
)
_WHY: dict[str, Promise] = {
    "1.0": _("The mail server says that there is no such address."),
    "1.1": _("The mail server says that there is no such mailbox."),
    "1.2": _("There is no mail server for the part after the @."),
    "1.3": _("The mail server does not understand the address."),
    "1.6": _("The mailbox has moved, and its new address is not known."),
    "1.10": _("The part after the @ takes no mail."),
    "2.0": _("The mailbox takes no mail."),
    "2.1": _("The mailbox is closed."),
    "2.2": _("The mailbox is full."),
    "4.1": _("The mail server did not answer."),
    "4.4": _("There is no mail server for the part after the @."),
    "4.6": _("The mail server sends mail round in a circle."),
    "4.7": _("The mail server could not be reached for days."),
}
_RETURNED = _("The mail server returned it.")
_COMPLAINT = _("Its reader marked our mail as spam.")
_STAFF = _("Our support team stopped it.")


def says_address_is_dead(status: str) -> bool:
    """Whether a refusal for good is about the address itself; one without a code is taken so."""
    if not status:
        return True
    kind, _dot, rest = status.partition(".")
    return kind == _PERMANENT and not _is_among(rest, _NOT_THE_ADDRESS)


def why_suppressed(suppressed: SuppressedAddress) -> Promise:
    """A sentence for customers."""
    match suppressed.kind:
        case SuppressedAddress.Kind.COMPLAINT:
            return _COMPLAINT
        case SuppressedAddress.Kind.RETURNED:
            return why_returned(suppressed.status)
        case _:
            return _STAFF


def why_returned(status: str) -> Promise:
    """A sentence for customers on a status code."""
    return _WHY.get(status.partition(".")[2], _RETURNED)


def _is_among(rest: str, kinds: tuple[str, ...]) -> bool:
    return any(rest.startswith(kind) if kind.endswith(".") else rest == kind for kind in kinds)
