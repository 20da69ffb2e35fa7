"""One page of an account's documents, newest first, found by key and never by counting rows off."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.models import Account
from invoices.models import Invoice

PAGE_LENGTH = 25


@dataclass(frozen=True, slots=True)
class Page:
    """``newer`` and ``older`` are the numbers to ask for the neighbouring pages with, or empty."""

    invoices: list[Invoice]
    newer: str
    older: str


def documents_of(account: Account) -> QuerySet[Invoice]:
    """What the customer may see: every numbered document, void ones too, and no draft."""
    return Invoice.objects.filter(account=account).exclude(state=Invoice.State.DRAFT)


def page_of_documents(account: Account, *, before: str = "", after: str = "") -> Page:
    """The newest documents; those older than number ``before``; or those newer than ``after``.

    Raises Invoice.DoesNotExist when the account has no document of that number.
    """
    documents = documents_of(account).select_related("settlement")
    if after:
        limit = documents_of(account).get(number=after)
        rows = list(documents.filter(_newer_than(limit)).order_by("issue_date", "pk")[:_ONE_MORE])
        is_more = len(rows) == _ONE_MORE
        rows = rows[:PAGE_LENGTH][::-1]
        return Page(rows, newer=_number(rows, 0) if is_more else "", older=_number(rows, -1))
    if before:
        documents = documents.filter(_older_than(documents_of(account).get(number=before)))
    rows = list(documents.order_by("-issue_date", "-pk")[:_ONE_MORE])
    is_more = len(rows) == _ONE_MORE
    rows = rows[:PAGE_LENGTH]
    return Page(
        rows,
        newer=_number(rows, 0) if before else "",
        older=_number(rows, -1) if is_more else "",
    )


_ONE_MORE = PAGE_LENGTH + 1


def _older_than(limit: Invoice) -> Q:
    """Rows after ``limit`` in the index ``invoice_newest_first``."""
    return Q(issue_date__lte=limit.issue_date) & (
        Q(issue_date__lt=limit.issue_date) | Q(pk__lt=limit.pk)
    )


def _newer_than(limit: Invoice) -> Q:
    return Q(issue_date__gte=limit.issue_date) & (
        Q(issue_date__gt=limit.issue_date) | Q(pk__gt=limit.pk)
    )


def _number(rows: list[Invoice], index: int) -> str:
    return (rows[index].number or "") if rows else ""
