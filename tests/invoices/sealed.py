"""The hash of an issued document, worked out anew."""

from common.scoping import account_scope
from invoices.models import Delivery, Invoice, InvoiceAllowance, InvoiceLine, InvoiceTaxLine
from invoices.sealing import content_hash, digests


def rehash(invoice: Invoice) -> str:
    """The content hash, worked out from what the database holds now."""
    with account_scope(invoice.account_id):
        fresh = Invoice.objects.select_related("preceding").get(pk=invoice.pk)
        mine = {"account": invoice.account_id, "invoice": invoice.pk}
        return content_hash(
            fresh,
            of_lists=digests(
                lines=InvoiceLine.objects.filter(**mine),
                allowances=InvoiceAllowance.objects.filter(**mine),
                tax_lines=InvoiceTaxLine.objects.filter(**mine),
                recipients=Delivery.objects.filter(**mine),
            ),
            preceding_number=fresh.preceding.number if fresh.preceding else None,
        )
