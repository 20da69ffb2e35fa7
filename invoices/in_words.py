"""How a document, its file and its mails stand, in words for the customer. Pure: reads no table."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invoices.documents import currencies_of
from invoices.models import Document, Invoice, Settlement
from invoices.rendering.einvoice.currencies import too_fine_currency
from invoices.standing import Standing, standing_of
from mail.models import OutgoingEmail


class Tone(StrEnum):
    """How a state is coloured; never the only thing that tells it."""

    GOOD = "green"
    OPEN = "blue"
    LATE = "red"
    ATTENTION = "orange"
    QUIET = "secondary"


@dataclass(frozen=True, slots=True)
class State:
    words: str
    tone: Tone


def kind_in_words(invoice: Invoice) -> str:
    return _("Credit note") if invoice.kind == Invoice.Kind.CREDIT_NOTE else _("Invoice")


def document_standing(invoice: Invoice, settlement: Settlement, *, today: date) -> State:
    """``today`` is the reader's day; what is due today is not overdue."""
    standing = standing_of(invoice, settlement, today=today)
    if standing is Standing.CREDITED and invoice.kind == Invoice.Kind.INVOICE:
        return State(_("Credited in full"), Tone.GOOD)
    words, tone = _STANDINGS[standing]
    return State(str(words), tone)


_STANDINGS: dict[Standing, tuple[Promise, Tone]] = {
    Standing.OPEN: (gettext_lazy("Open"), Tone.OPEN),
    Standing.OVERDUE: (gettext_lazy("Overdue"), Tone.LATE),
    Standing.NOTHING_TO_PAY: (gettext_lazy("Nothing to pay"), Tone.GOOD),
    Standing.CREDITED: (gettext_lazy("Credited"), Tone.GOOD),
    Standing.VOID: (gettext_lazy("Void"), Tone.QUIET),
}


def document_state(document: Document | None) -> State:
    if document is None or document.state == Document.State.PARKED:
        return State(_("Could not be prepared; our staff have been told"), Tone.ATTENTION)
    if document.state == Document.State.STORED:
        return State(_("Ready"), Tone.GOOD)
    return State(_("Being prepared"), Tone.OPEN)


def xml_in_words(document: Document | None, invoice: Invoice) -> str:
    """Why there is no XML yet or at all; empty when there is."""
    if document is not None and document.state == Document.State.STORED:
        return ""
    if currency := too_fine_currency(*currencies_of(invoice)):
        return _(
            "There is no XML for this document: the European standard knows no amounts with three"
            " decimals, as %(currency)s has."
        ) % {"currency": currency}
    return _("There is no XML for this document.")


def email_state(email: OutgoingEmail | None, *, is_void: bool = False) -> State:
    """What became of a mail; None is one that waits for its attachment.

    ``is_void``: of a document that was voided, which stops what has not left.
    """
    if is_void and (email is None or email.state == OutgoingEmail.State.FAILED):
        return State(_("Not sent: the document is void"), Tone.QUIET)
    if email is None:
        return State(_("Waits for the PDF"), Tone.OPEN)
    words, tone = _EMAIL_STATES[OutgoingEmail.State(email.state)]
    return State(str(words), tone)


_EMAIL_STATES: dict[OutgoingEmail.State, tuple[Promise, Tone]] = {
    OutgoingEmail.State.QUEUED: (gettext_lazy("About to be sent"), Tone.OPEN),
    OutgoingEmail.State.WITHHELD: (gettext_lazy("Held back by our staff"), Tone.ATTENTION),
    OutgoingEmail.State.SENDING: (gettext_lazy("Being sent"), Tone.OPEN),
    OutgoingEmail.State.SENT: (gettext_lazy("Sent"), Tone.GOOD),
    OutgoingEmail.State.DEFERRED: (gettext_lazy("Delayed, will be tried again"), Tone.ATTENTION),
    OutgoingEmail.State.UNCERTAIN: (
        gettext_lazy("Connection lost, will be sent again"),
        Tone.ATTENTION,
    ),
    OutgoingEmail.State.FAILED: (gettext_lazy("Could not be delivered"), Tone.LATE),
    OutgoingEmail.State.BOUNCED: (gettext_lazy("Returned by the mail server"), Tone.LATE),
}
