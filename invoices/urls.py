from django.urls import path, register_converter

from invoices.views import documents, lists, pages, sending


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
    path("invoices/", lists.invoice_list, name="list"),
    path("invoices/csv", lists.invoice_list_csv, name="list_csv"),
    path("invoices/<invoice:invoice_number>/", pages.invoice_page, name="page"),
    path("invoices/<invoice:invoice_number>/pdf", documents.download_pdf, name="pdf"),
    path("invoices/<invoice:invoice_number>/pdf/view", documents.view_pdf, name="view_pdf"),
    path("invoices/<invoice:invoice_number>/xml", documents.download_xml, name="xml"),
    path(
        "invoices/<invoice:invoice_number>/send-again/<int:delivery_id>/",
        sending.send_again_to_recipient,
        name="send_again",
    ),
    path(
        "invoices/<invoice:invoice_number>/send-to-another-address/",
        sending.send_to_another_address,
        name="send_elsewhere",
    ),
]
