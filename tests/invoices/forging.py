"""What a superuser can do who changes documents and makes everything fit again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from common.roles import as_owner
from common.scoping import all_accounts_scope
from invoices.models import Invoice, NumberSeries
from tests.invoices.sealed import rehash

_TABLES = (
    "invoices_invoice",
    "invoices_invoiceline",
    "invoices_invoicetaxline",
    "invoices_numberseries",
    "invoices_document",
    "invoices_delivery",
    "invoices_settlement",
    "mail_outgoingemail",
)


@contextmanager
def without_guards() -> Iterator[None]:
    """As the owner, with the triggers of issued documents switched off, in one transaction."""
    with as_owner(), all_accounts_scope("forging documents"), connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def run(statement: str, *parameters: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def reseal(series: NumberSeries) -> None:
    """Recompute every hash of the chain, so that it fits what the rows say now."""
    previous, last = "", None
    for invoice in Invoice.objects.filter(series=series).order_by("sequence"):
        Invoice.objects.filter(pk=invoice.pk).update(previous_hash=previous)
        previous = rehash(invoice)
        Invoice.objects.filter(pk=invoice.pk).update(content_hash=previous)
        last = invoice
    NumberSeries.objects.filter(pk=series.pk).update(
        last_hash=previous,
        last_sequence=last.sequence if last else 0,
        last_issue_date=last.issue_date if last else None,
    )
