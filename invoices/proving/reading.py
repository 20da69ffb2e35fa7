"""Issued documents with all their rows, some at a time: a fixed number of statements for each lot.

A lot is limited by its lines, not only by its documents, so that memory stays the same however
many documents there are and however long they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Model, Q, QuerySet, Sum

from audit.actions import Action
from audit.models import AuditEvent
from common.money import ZERO
from common.scoping import all_accounts_scope
from invoices.models import (
    Delivery,
    Document,
    FurtherDelivery,
    Invoice,
    InvoiceAllowance,
    InvoiceLine,
    InvoiceTaxLine,
    NumberSeries,
    Settlement,
)

_DOCUMENTS_AT_ONCE = 200
# A document of more lines is a lot of its own.
_LINES_AT_ONCE = 4_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """An issued document and every row that belongs to it."""

    invoice: Invoice
    lines: Sequence[InvoiceLine]
    allowances: Sequence[InvoiceAllowance]
    tax_lines: Sequence[InvoiceTaxLine]
    deliveries: Sequence[Delivery]
    further: Sequence[FurtherDelivery]
    files: Sequence[Document]
    settlement: Settlement | None
    # The totals of the credit notes that name it and are not void.
    credited: Decimal
    # Whether the log says that it was voided; asked for void documents only.
    is_void_logged: bool = False

    @property
    def number(self) -> str:
        return self.invoice.number or str(self.invoice)


@contextmanager
def one_moment(reason: str) -> Iterator[None]:
    """Every account's rows as they are at one moment, to read; in a transaction of the caller's, as
    they are in that one.
    """
    if connection.in_atomic_block:
        with all_accounts_scope(reason):
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with all_accounts_scope(reason):
            yield


def all_series(prefix: str | None) -> list[NumberSeries]:
    """The series with ``prefix``, or all of them, in the order of their prefixes."""
    series = NumberSeries.objects.select_related("seller").order_by("prefix")
    return list(series if prefix is None else series.filter(prefix=prefix))


def bundles_of(series: NumberSeries) -> Iterator[list[Bundle]]:
    """The documents of ``series`` by number, lot by lot. Needs a scope over all accounts."""
    after = (0, 0)
    while True:
        # Two documents under one number would be two rows here: the key decides between them.
        rest = Q(sequence__gt=after[0]) | Q(sequence=after[0], pk__gt=after[1])
        found = list(
            Invoice.objects.filter(rest, series=series)
            .exclude(state=Invoice.State.DRAFT)
            .select_related("preceding")
            .order_by("sequence", "pk")[:_DOCUMENTS_AT_ONCE]
        )
        if not found:
            return
        for lot in _lots(found):
            yield _bundles(lot)
        after = (found[-1].sequence or 0, found[-1].pk)


def _lots(invoices: Sequence[Invoice]) -> Iterator[list[Invoice]]:
    counted = InvoiceLine.objects.filter(invoice__in=[each.pk for each in invoices])
    rows = counted.order_by().values_list("invoice_id").annotate(number=Count("pk"))
    lines = dict(rows)
    lot: list[Invoice] = []
    held = 0
    for invoice in invoices:
        if lot and held + lines.get(invoice.pk, 0) > _LINES_AT_ONCE:
            yield lot
            lot, held = [], 0
        lot.append(invoice)
        held += lines.get(invoice.pk, 0)
    if lot:
        yield lot


def _bundles(invoices: Sequence[Invoice]) -> list[Bundle]:
    rows = _Rows.of(invoices)
    return [
        Bundle(
            invoice=invoice,
            lines=rows.lines[invoice.pk],
            allowances=rows.allowances[invoice.pk],
            tax_lines=rows.tax_lines[invoice.pk],
            deliveries=rows.deliveries[invoice.pk],
            further=rows.further[invoice.pk],
            files=rows.files[invoice.pk],
            settlement=next(iter(rows.settlements[invoice.pk]), None),
            credited=rows.credited.get(invoice.pk, ZERO),
            is_void_logged=f"invoice {invoice.number}" in rows.void_logged,
        )
        for invoice in invoices
    ]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of several documents, by document."""

    lines: "defaultdict[int, list[InvoiceLine]]"
    allowances: "defaultdict[int, list[InvoiceAllowance]]"
    tax_lines: "defaultdict[int, list[InvoiceTaxLine]]"
    deliveries: "defaultdict[int, list[Delivery]]"
    further: "defaultdict[int, list[FurtherDelivery]]"
    files: "defaultdict[int, list[Document]]"
    settlements: "defaultdict[int, list[Settlement]]"
    credited: dict[int, Decimal] = field(default_factory=dict)
    void_logged: frozenset[str] = frozenset()

    @classmethod
    def of(cls, invoices: Sequence[Invoice]) -> "_Rows":
        pks = [invoice.pk for invoice in invoices]
        return cls(
            lines=_by_document(InvoiceLine.objects.filter(invoice__in=pks)),
            allowances=_by_document(InvoiceAllowance.objects.filter(invoice__in=pks)),
            tax_lines=_by_document(InvoiceTaxLine.objects.filter(invoice__in=pks)),
            deliveries=_by_document(_with_emails(Delivery.objects.filter(invoice__in=pks))),
            further=_by_document(_with_emails(FurtherDelivery.objects.filter(invoice__in=pks))),
            files=_by_document(Document.objects.filter(invoice__in=pks)),
            settlements=_by_document(Settlement.objects.filter(invoice__in=pks)),
            credited=_credited(pks),
            void_logged=_void_logged(invoices),
        )


def _with_emails(deliveries: "QuerySet[Any]") -> "QuerySet[Any]":
    """Without what the messages say, which is most of their bytes."""
    return deliveries.select_related("email").defer(
        "email__text_body", "email__html_body", "email__headers"
    )


def _by_document(rows: "Iterable[Any]") -> "defaultdict[int, list[Any]]":
    found: defaultdict[int, list[Model]] = defaultdict(list)
    for row in rows:
        found[row.invoice_id].append(row)
    return found


def _credited(pks: Sequence[int]) -> dict[int, Decimal]:
    notes = Invoice.objects.filter(preceding__in=pks, state=Invoice.State.ISSUED)
    return dict(notes.order_by().values_list("preceding_id").annotate(total=Sum("gross_total")))


def _void_logged(invoices: Sequence[Invoice]) -> frozenset[str]:
    subjects = [f"invoice {each.number}" for each in invoices if each.state == Invoice.State.VOID]
    if not subjects:
        return frozenset()
    events = AuditEvent.objects.filter(action=Action.INVOICE_VOIDED, subject__in=subjects)
    return frozenset(events.values_list("subject", flat=True))
