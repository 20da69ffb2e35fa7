"""An account's documents as a file for a spreadsheet or for whoever keeps the books."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.models import Account
from common.exceptions import DomainError
from common.money import exponent
from common.spreadsheets import neutral, spreadsheet
from invoices.listing import Wanted, documents_found
from invoices.models import Invoice
from invoices.rows import Row, row_of

# Made whole, since a stream would be read after the account's scope has closed. So many take two
# seconds of a processor.
MOST_ROWS = 20_000
_ROWS_AT_ONCE = 2_000
_COLUMNS = (
    "number",
    "kind",
    "state",
    "issue_date",
    "due_date",
    "period_start",
    "period_end",
    "currency",
    "net_total",
    "tax_total",
    "gross_total",
    "amount_due",
    "order_number",
    "buyer_reference",
    "payment_means",
    "preceding__number",
    "settlement",
)


class TooManyDocuments(DomainError):
    """The file would leave documents out, which whoever adds it up could not see."""

    def __init__(self) -> None:
        super().__init__(
            _("More than %(most)s documents fit. Choose dates, and download them in parts.")
            % {"most": number_format(MOST_ROWS, force_grouping=True)}
        )


def documents_file(account: Account, wanted: Wanted, *, today: date) -> bytes:
    """Comma-separated, for a spreadsheet.

    Amounts have a full stop and no grouping, days are ISO 8601; those of credit notes are negative.
    Raises TooManyDocuments.
    """
    found = documents_found(account, wanted, today=today).select_related("settlement", "preceding")
    rows = found.only(*_COLUMNS).order_by("-issue_date", "-pk")[: MOST_ROWS + 1]
    documents = rows.iterator(chunk_size=_ROWS_AT_ONCE)
    return spreadsheet(chain([_head()], _lines(documents, today=today)))


def _lines(documents: Iterable[Invoice], *, today: date) -> Iterator[list[str]]:
    for place, invoice in enumerate(documents):
        if place == MOST_ROWS:
            raise TooManyDocuments
        yield _cells(row_of(invoice, today=today))


def _head() -> list[str]:
    return [
        _("Number"),
        _("Kind"),
        _("Date"),
        _("Due by"),
        _("Period from"),
        _("Period to"),
        _("Net"),
        _("Tax"),
        _("Total"),
        _("Currency"),
        _("Amount due"),
        _("State"),
        _("Corrects invoice"),
        _("Order number"),
        _("Your reference"),
        _("Payment reference"),
    ]


def _cells(row: Row) -> list[str]:
    invoice = row.invoice
    # Amounts and days are made here and by nobody else: a minus sign before digits is a number.
    return [
        neutral(invoice.number or ""),
        neutral(row.kind),
        _day(invoice.issue_date),
        _day(invoice.due_date),
        _day(invoice.period_start),
        _day(invoice.period_end and invoice.period_end - timedelta(days=1)),
        *_amounts(invoice),
        invoice.currency,
        _figure(row.open_amount, invoice.currency),
        neutral(row.state.words),
        neutral((invoice.preceding and invoice.preceding.number) or ""),
        neutral(invoice.order_number),
        neutral(invoice.buyer_reference),
        neutral(_payment_reference(invoice)),
    ]


def _amounts(invoice: Invoice) -> Iterator[str]:
    sign = -1 if invoice.kind == Invoice.Kind.CREDIT_NOTE else 1
    for amount in (invoice.net_total, invoice.tax_total, invoice.gross_total):
        yield _figure(sign * amount, invoice.currency)


def _figure(amount: Decimal, currency: str) -> str:
    return f"{amount:.{exponent(currency)}f}"


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _payment_reference(invoice: Invoice) -> str:
    """What a transfer quotes: that of the first means of payment that has one."""
    means = invoice.payment_means or ()
    return next((one["reference"] for one in means if one.get("reference")), "")
