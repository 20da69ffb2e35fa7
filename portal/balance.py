"""What an account owes, by currency, counted by the database in one question."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, F, Min, Q, Sum

from accounts.models import Account
from invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class Owed:
    """Open invoices in one currency; ``overdue`` of them were due before today."""

    currency: str
    amount: Decimal
    count: int
    overdue: int
    first_due: date | None


def owed_by(account: Account, *, today: date) -> list[Owed]:
    """Empty when nothing is open. Needs the account's scope."""
    settled = (
        F("settlement__credited")
        + F("settlement__allocated")
        + F("settlement__credit_applied")
        + F("settlement__written_off")
    )
    rows = (
        Invoice.objects.filter(
            account=account, state=Invoice.State.ISSUED, kind=Invoice.Kind.INVOICE
        )
        .annotate(still_open=F("amount_due") - settled)
        .filter(still_open__gt=0)
        .order_by("currency")
        .values("currency")
        .annotate(
            amount=Sum("still_open"),
            count=Count("pk"),
            overdue=Count("pk", filter=Q(due_date__lt=today)),
            first_due=Min("due_date"),
        )
    )
    return [
        Owed(row["currency"], row["amount"], row["count"], row["overdue"], row["first_due"])
        for row in rows
    ]
