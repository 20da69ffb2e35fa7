"""An account's documents as its list shows them: what fits, a page of it by key, and its sums."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Collate

from accounts.models import Account
from invoices.models import Invoice
from invoices.standing import Standing, asks_for_payment, settled, stands

PAGE_LENGTH = 25
# By the one that is too many a page knows that others follow.
_ONE_MORE = PAGE_LENGTH + 1
# Sums over more would cost more than the page itself: the reader is asked for dates first.
MOST_SUMMED = 2_000
# An integer's, so that a longer one is not asked for.
_MOST_SEQUENCE_DIGITS = 9
_AMOUNT = Invoice._meta.get_field("amount_due")
# What a line of the list needs. Copies of parties and means of payment are larger than all of it.
_COLUMNS = (
    "account",
    "number",
    "kind",
    "state",
    "issue_date",
    "due_date",
    "currency",
    "gross_total",
    "amount_due",
    "settlement",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader looks for; ``since`` and ``until`` are issue dates, both included.

    ``number`` is the beginning of a number as it is printed, or its digits alone.
    """

    number: str = ""
    kind: str = ""
    standings: tuple[Standing, ...] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """``newer`` and ``older`` are the numbers to ask for the neighbouring pages with, or empty."""

    invoices: list[Invoice]
    newer: str
    older: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Of documents in one currency: totals, with credit notes deducted, and what is still due."""

    currency: str
    count: int
    total: Decimal
    due: Decimal


def documents_of(account: Account) -> QuerySet[Invoice]:
    """What the customer may see: every numbered document, void ones too, and no draft."""
    return Invoice.objects.filter(account=account).exclude(state=Invoice.State.DRAFT)


def documents_found(account: Account, wanted: Wanted, *, today: date) -> QuerySet[Invoice]:
    """Those that fit, with their settlements, in no order. Needs the account's scope."""
    found = documents_of(account).select_related("settlement")
    if wanted.number:
        found = found.annotate(
            # Compared byte by byte: a range in a language's order is not what begins with a text.
            exact_number=Collate("number", "C")
        ).filter(_numbered(wanted.number))
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.since:
        found = found.filter(issue_date__gte=wanted.since)
    if wanted.until:
        found = found.filter(issue_date__lte=wanted.until)
    if wanted.standings:
        # The account once more: the policy alone would not let an index of settlements be used.
        found = found.filter(stands(*wanted.standings, today=today), settlement__account=account)
    return found


def page_of_documents(
    account: Account,
    wanted: Wanted | None = None,
    *,
    today: date,
    before: str = "",
    after: str = "",
) -> Page:
    """The newest that fit; those older than number ``before``; or those newer than ``after``.

    Raises Invoice.DoesNotExist when the account has no document of that number.
    """
    found = documents_found(account, wanted or Wanted(), today=today).only(*_COLUMNS)
    if after:
        limit = documents_of(account).get(number=after)
        rows = list(found.filter(_newer_than(limit)).order_by("issue_date", "pk")[:_ONE_MORE])
        is_more = len(rows) == _ONE_MORE
        rows = rows[:PAGE_LENGTH][::-1]
        return Page(rows, newer=_number(rows, 0) if is_more else "", older=_number(rows, -1))
    if before:
        found = found.filter(_older_than(documents_of(account).get(number=before)))
    rows = list(found.order_by("-issue_date", "-pk")[:_ONE_MORE])
    is_more = len(rows) == _ONE_MORE
    rows = rows[:PAGE_LENGTH]
    return Page(
        rows,
        newer=_number(rows, 0) if before else "",
        older=_number(rows, -1) if is_more else "",
    )


def sums_of(account: Account, wanted: Wanted, *, today: date) -> list[Sums] | None:
    """One for each currency, in one statement; None where more than MOST_SUMMED would be read.

    Void documents count as documents and add nothing.
    """
    found = documents_found(account, wanted, today=today).select_related(None).order_by()
    some = found.annotate(signed=_signed_total(), still_due=_still_due()).values_list(
        "currency", "signed", "still_due"
    )
    inner, parameters = some[: MOST_SUMMED + 1].query.sql_with_params()
    with connection.cursor() as cursor:
        # The ORM groups what it reads from tables, not what a limited selection holds.
        cursor.execute(
            "SELECT currency, count(*), sum(total), sum(due)"  # noqa: S608 - made by the ORM
            f" FROM ({inner}) AS found (currency, total, due) GROUP BY currency ORDER BY currency",
            parameters,
        )
        sums = [Sums(*row) for row in cursor.fetchall()]
    return None if sum(each.count for each in sums) > MOST_SUMMED else sums


def _signed_total() -> Case:
    return Case(
        When(state=Invoice.State.VOID, then=Value(Decimal(0))),
        When(kind=Invoice.Kind.CREDIT_NOTE, then=-F("gross_total")),
        default=F("gross_total"),
        output_field=_AMOUNT,
    )


def _still_due() -> Case:
    return Case(
        When(asks_for_payment(), then=F("amount_due") - settled()),
        default=Value(Decimal(0)),
        output_field=_AMOUNT,
    )


def _numbered(text: str) -> Q:
    """Begins with ``text``, or is the document that counts so much in its series."""
    if not text.isascii():
        return Q(pk=None)
    following = f"{text[:-1]}{chr(ord(text[-1]) + 1)}"
    begins = Q(exact_number__gte=text, exact_number__lt=following)
    if text.isdecimal() and len(text) <= _MOST_SEQUENCE_DIGITS:
        return begins | Q(sequence=int(text))
    return begins


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
