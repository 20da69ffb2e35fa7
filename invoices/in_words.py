"""How a document, its file and its mails stand, in words for the customer. Pure: reads no table."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.money import ZERO
from invoices.models import Delivery, Document, Invoice, Settlement
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


def open_amount(invoice: Invoice, settlement: Settlement) -> Decimal:
    """What is still to be paid, in the document's currency; zero for what asks for no payment."""
    if invoice.kind == Invoice.Kind.CREDIT_NOTE or invoice.state == Invoice.State.VOID:
        return ZERO
    settled = (
        settlement.credited
        + settlement.allocated
        + settlement.credit_applied
        + settlement.written_off
    )
    return max(invoice.amount_due - settled, ZERO)


def invoice_state(invoice: Invoice, settlement: Settlement, *, today: date) -> State:
    """``today`` is the reader's day; what is due today is not overdue."""
    if invoice.state == Invoice.State.VOID:
        return State(_("Void"), Tone.QUIET)
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        return State(_("Credited"), Tone.GOOD)
    if open_amount(invoice, settlement) == ZERO:
        return State(_("Nothing to pay"), Tone.GOOD)
    if invoice.due_date is not None and invoice.due_date < today:
        return State(_("Overdue"), Tone.LATE)
    return State(_("Open"), Tone.OPEN)


def document_state(document: Document | None) -> State:
    if document is None or document.state == Document.State.PARKED:
        return State(_("Could not be prepared; our staff have been told"), Tone.ATTENTION)
    if document.state == Document.State.STORED:
        return State(_("Ready"), Tone.GOOD)
    return State(_("Being prepared"), Tone.OPEN)


def delivery_state(delivery: Delivery) -> State:
    """What became of the mail to one recipient; ``delivery.email`` must have been read with it."""
    if delivery.email is None:
        return State(_("Waits for the PDF"), Tone.OPEN)
    words, tone = _EMAIL_STATES[OutgoingEmail.State(delivery.email.state)]
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
