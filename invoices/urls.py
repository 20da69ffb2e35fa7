from django.urls import path, register_converter

from invoices.views import documents, pages


class InvoiceNumberConverter:
    """An invoice's number as it is printed: capitals, digits and hyphens."""

    regex = "[A-Z0-9-]{1,40}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(InvoiceNumberConverter, "invoice")

app_name = "invoices"

urlpatterns = [
    path("invoices/", pages.invoice_list, name="list"),
    path("invoices/<invoice:invoice_number>/", pages.invoice_page, name="page"),
    path("invoices/<invoice:invoice_number>/pdf", documents.download_pdf, name="pdf"),
]
