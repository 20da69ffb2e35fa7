"""How a document stands: computed from what money has done to it, never stored.

Said twice, for one row in Python and for many in SQL; a test holds that both say the same of every
document.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from django.db.models import F, Q
from django.db.models.expressions import Combinable

from common.money import ZERO
from invoices.models import Invoice, Settlement


class Standing(StrEnum):
    """Every numbered document stands in exactly one of these."""

    OPEN = "open"
    OVERDUE = "overdue"
    NOTHING_TO_PAY = "nothing_to_pay"
    # A credit note, or an invoice that credit notes take back as a whole.
    CREDITED = "credited"
    VOID = "void"


def open_amount(invoice: Invoice, settlement: Settlement) -> Decimal:
    """What is still to be paid, in the document's currency; zero for what asks for no payment.

    What is settled to its whole total is settled, also where the amount due was rounded up.
    """
    if invoice.kind == Invoice.Kind.CREDIT_NOTE or invoice.state == Invoice.State.VOID:
        return ZERO
    settled = (
        settlement.credited
        + settlement.allocated
        + settlement.credit_applied
        + settlement.written_off
    )
    return max(invoice.amount_due - settled, ZERO) if settled < settlement.total else ZERO


def standing_of(invoice: Invoice, settlement: Settlement, *, today: date) -> Standing:
    """``today`` is the reader's day; what is due today is not overdue."""
    if invoice.state == Invoice.State.VOID:
        return Standing.VOID
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        return Standing.CREDITED
    if open_amount(invoice, settlement) > ZERO:
        is_late = invoice.due_date is not None and invoice.due_date < today
        return Standing.OVERDUE if is_late else Standing.OPEN
    if settlement.credited > ZERO and settlement.credited >= invoice.amount_due:
        return Standing.CREDITED
    return Standing.NOTHING_TO_PAY


def settled() -> Combinable:
    """In SQL: all that has settled an invoice, added up as the index over open ones has it."""
    return (
        F("settlement__credited")
        + F("settlement__allocated")
        + F("settlement__credit_applied")
        + F("settlement__written_off")
    )


def asks_for_payment() -> Q:
    """In SQL: invoices of which something is still to be paid."""
    return Q(
        state=Invoice.State.ISSUED,
        kind=Invoice.Kind.INVOICE,
        settlement__total__gt=settled(),
        amount_due__gt=settled(),
    )


def stands(*standings: Standing, today: date) -> Q:
    """In SQL: numbered documents that stand in one of ``standings``."""
    found = Q()
    for standing in standings:
        found |= _condition(standing, today)
    return found


def _condition(standing: Standing, today: date) -> Q:
    is_open = asks_for_payment()
    is_settled = Q(state=Invoice.State.ISSUED, kind=Invoice.Kind.INVOICE) & (
        Q(settlement__total__lte=settled()) | Q(amount_due__lte=settled())
    )
    is_late = Q(due_date__isnull=False, due_date__lt=today)
    is_credited = Q(settlement__credited__gt=0, settlement__credited__gte=F("amount_due"))
    match standing:
        case Standing.OPEN:
            return is_open & ~is_late
        case Standing.OVERDUE:
            return is_open & is_late
        case Standing.NOTHING_TO_PAY:
            return is_settled & ~is_credited
        case Standing.CREDITED:
            is_note = Q(state=Invoice.State.ISSUED, kind=Invoice.Kind.CREDIT_NOTE)
            return is_note | (is_settled & is_credited)
        case Standing.VOID:
            return Q(state=Invoice.State.VOID)
