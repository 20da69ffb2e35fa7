"""What closing an account means for charges that are not billed yet, in sentences for its owner."""

from collections.abc import Iterator

from django.db.models import Count, F, QuerySet, Sum
from django.utils.translation import ngettext

from accounts.models import Account
from billing.models import BillingEntry
from common.money import round_money
from invoices.templatetags.formats import money


def unbilled_charges(account: Account) -> Iterator[str]:
    """A sentence for each currency: a billing run bills closed accounts as it does all others."""
    rows = (
        _free(account)
        .order_by("currency")
        .values("currency")
        .annotate(
            net=Sum(F("quantity") * F("unit_price") / F("price_base_quantity")), count=Count("pk")
        )
    )
    for row in rows:
        net = money(round_money(row["net"], currency=row["currency"]), row["currency"])
        yield ngettext(
            "%(count)s charge is not billed yet: about %(net)s before tax. It comes with a final"
            " invoice, in a billing run after it is due.",
            "%(count)s charges are not billed yet: about %(net)s before tax. They come with a final"
            " invoice, in a billing run after they are due.",
            row["count"],
        ) % {"count": row["count"], "net": net}


def charges_without_order_number(account: Account) -> Iterator[str]:
    """They could never be billed: nobody can enter the number once the account is closed."""
    if not account.order_number_required or account.order_number:
        return
    waiting = _free(account).filter(order_number="").count()
    if waiting:
        yield ngettext(
            "%(count)s charge waits for an order number. Enter one under Contact details, What"
            " invoices quote.",
            "%(count)s charges wait for an order number. Enter one under Contact details, What"
            " invoices quote.",
            waiting,
        ) % {"count": waiting}


def _free(account: Account) -> "QuerySet[BillingEntry]":
    return BillingEntry.objects.filter(account=account, invoice_line__isnull=True)
