"""The charges of a void document: due again, so that no money is lost without anybody saying so."""

from billing.models import BillingEntry
from invoices.models import Invoice


def charges_that_come_back(invoice: Invoice) -> str:
    """Said before it is voided (``invoices.voiding_hooks``)."""
    return _in_words(
        BillingEntry.objects.filter(
            account=invoice.account_id, invoice_line__invoice=invoice
        ).count()
    )


def release_charges(invoice: Invoice) -> str:
    """Make the charges of a void document free again, in the transaction that voids it."""
    released = BillingEntry.objects.filter(
        account=invoice.account_id, invoice_line__invoice=invoice
    ).update(invoice_line=None)
    return _in_words(released)


def _in_words(number: int) -> str:
    if not number:
        return ""
    if number == 1:
        return "1 charge becomes due again and is billed by the next run."
    return f"{number:,} charges become due again and are billed by the next run."
