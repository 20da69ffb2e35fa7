"""Tables of the invoices package, by subject."""

from invoices.models.delivery import Delivery, Document, FurtherDelivery
from invoices.models.invoices import Invoice
from invoices.models.lines import InvoiceAllowance, InvoiceLine, InvoiceTaxLine
from invoices.models.sellers import NumberSeries, Seller
from invoices.models.settlement import Settlement

__all__ = [
    "Delivery",
    "Document",
    "FurtherDelivery",
    "Invoice",
    "InvoiceAllowance",
    "InvoiceLine",
    "InvoiceTaxLine",
    "NumberSeries",
    "Seller",
    "Settlement",
]
