"""*Response*: how a document stands today, in a sentence for whoever has to act on it. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.money import ZERO
from invoices.in_words import State, Tone
from invoices.models import Invoice, Settlement
from invoices.parties import PaymentMeans
from invoices.standing import Standing, open_amount, standing_of
from invoices.templatetags.formats import money, short_day

_SETTLED: tuple[tuple[str, Promise], ...] = (
    ("credited", gettext_lazy("Credited")),
    ("allocated", gettext_lazy("Paid")),
    ("credit_applied", gettext_lazy("Paid from credit")),
    ("written_off", gettext_lazy("Written off")),
)


def response_to(
    invoice: Invoice,
    settlement: Settlement,
    *,
    means: Sequence[PaymentMeans],
    credit_notes: Iterable[str],
    today: date,
) -> State:
    """``credit_notes`` are the numbers of those that take the invoice back, in order."""
    match standing_of(invoice, settlement, today=today):
        case Standing.VOID:
            words = _("Void since %(day)s") % {"day": short_day(invoice.voided_at)}
            return State(words, Tone.QUIET)
        case Standing.CREDITED if invoice.kind == Invoice.Kind.CREDIT_NOTE:
            return State(_what_credit_does(invoice), Tone.GOOD)
        case Standing.CREDITED:
            return State(_credited_in_full(list(credit_notes)), Tone.GOOD)
        case Standing.NOTHING_TO_PAY:
            return State(_("Nothing to pay"), Tone.GOOD)
        case Standing.OVERDUE:
            return State(_overdue(invoice, means), Tone.LATE)
        case _:
            return State(_awaited(invoice, means), Tone.OPEN)


def settled_so_far(invoice: Invoice, settlement: Settlement) -> list[tuple[str, str]]:
    """What money has done so far, and what is left; empty where nothing has happened yet."""
    parts: list[tuple[str, Decimal]] = [
        (str(name), amount)
        for column, name in _SETTLED
        if (amount := getattr(settlement, column)) > ZERO
    ]
    if not parts:
        return []
    left = (_("Still to be paid"), open_amount(invoice, settlement))
    return [(name, money(amount, invoice.currency)) for name, amount in (*parts, left)]


def _what_credit_does(note: Invoice) -> str:
    if note.preceding is None:
        return _("To your credit; it has not been set off yet.")
    return _("Taken off invoice %(number)s") % {"number": note.preceding.number}


def _credited_in_full(numbers: list[str]) -> str:
    if not numbers:
        return _("Credited in full")
    return _("Credited in full by %(numbers)s") % {"numbers": ", ".join(numbers)}


def _overdue(invoice: Invoice, means: Sequence[PaymentMeans]) -> str:
    day = {"day": short_day(invoice.due_date)}
    if _awaits_transfer(means):
        return _("Awaiting bank transfer, overdue since %(day)s") % day
    return _("Overdue since %(day)s") % day


def _awaited(invoice: Invoice, means: Sequence[PaymentMeans]) -> str:
    debit = next((one for one in means if one.is_debit), None)
    if debit and debit.collection_date:
        return _("Direct debit on %(day)s") % {"day": short_day(debit.collection_date)}
    if invoice.due_date is None:
        return _("Awaiting bank transfer") if _awaits_transfer(means) else _("Open")
    day = {"day": short_day(invoice.due_date)}
    if _awaits_transfer(means):
        return _("Awaiting bank transfer, due %(day)s") % day
    return _("Open, due %(day)s") % day


def _awaits_transfer(means: Sequence[PaymentMeans]) -> bool:
    return any(one.is_transfer for one in means)
