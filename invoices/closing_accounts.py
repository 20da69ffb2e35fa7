"""What closing an account means for its invoices, in sentences for whoever is about to close it."""

from collections.abc import Iterator

from django.db.models import Count, F, Sum
from django.utils.translation import ngettext

from accounts.models import Account
from invoices.models import Invoice
from invoices.templatetags.formats import money


def open_invoices(account: Account) -> Iterator[str]:
    """A sentence for each currency. Needs the account's scope."""
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
        .annotate(amount=Sum("still_open"), count=Count("pk"))
    )
    for row in rows:
        yield ngettext(
            "%(count)s invoice is not paid yet: %(amount)s. It remains to be paid.",
            "%(count)s invoices are not paid yet: %(amount)s. They remain to be paid.",
            row["count"],
        ) % {"count": row["count"], "amount": money(row["amount"], row["currency"])}
