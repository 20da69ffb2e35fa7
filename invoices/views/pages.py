from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access, account_page, render_page
from accounts.permissions import Permission
from invoices.in_words import document_standing, document_state, kind_in_words, xml_in_words
from invoices.ledger import ledger_of
from invoices.listing import documents_of
from invoices.models import Document, Invoice, InvoiceLine
from invoices.parties import Party, PaymentMeans
from invoices.response import response_to, settled_so_far
from invoices.standing import open_amount

# An invoice of a month's metered usage can have thousands of lines.
LINES_A_PAGE = 200


@dataclass(frozen=True, slots=True)
class LinesPage:
    """``first`` is the position to ask for the page with; ``following`` is None on the last one."""

    lines: list[InvoiceLine]
    first: int
    preceding: int | None
    following: int | None


@require_safe
@account_page(Permission.INVOICES_VIEW)
def invoice_page(request: HttpRequest, access: Access, invoice_number: str) -> HttpResponse:
    invoice = find_invoice(access, invoice_number)
    settlement, today = invoice.settlement, timezone.localdate()
    means = [PaymentMeans.from_json(means) for means in invoice.payment_means or ()]
    followers = _followers(invoice)
    files = _files(invoice)
    pdf, xml = files.get(Document.Kind.PDF), files.get(Document.Kind.UBL)
    context = {
        "invoice": invoice,
        "kind": kind_in_words(invoice),
        "state": document_standing(invoice, settlement, today=today),
        "response": response_to(
            invoice,
            settlement,
            means=means,
            credit_notes=[one.number or "" for one in followers if _is_credit(one)],
            today=today,
        ),
        "settled": settled_so_far(invoice, settlement),
        "open_amount": open_amount(invoice, settlement),
        "followers": [(kind_in_words(one), one) for one in followers],
        "seller": Party.from_json(invoice.seller_party),
        "buyer": Party.from_json(invoice.buyer_party),
        "payment_means": means,
        "lines_page": _lines_page(invoice, request.GET.get("from", "1")),
        "allowances": invoice.allowances.filter(account=access.account, line=None),
        "tax_lines": invoice.tax_lines.filter(account=access.account),
        "ledger": ledger_of(invoice),
        "pdf": pdf,
        "pdf_state": document_state(pdf),
        "xml": xml if xml and xml.state == Document.State.STORED else None,
        "why_no_xml": xml_in_words(xml, invoice),
        "may_send": _is_stored(pdf) and invoice.state == Invoice.State.ISSUED,
    }
    return render_page(request, access, "invoices/page.html", context)


def find_invoice(access: Access, invoice_number: str) -> Invoice:
    """The numbered document of the account, with its settlement; 404 for any other number."""
    found = documents_of(access.account).select_related("settlement", "preceding")
    invoice = found.filter(number=invoice_number).first()
    if invoice is None:
        raise Http404
    return invoice


def _followers(invoice: Invoice) -> list[Invoice]:
    """Numbered documents that correct this one."""
    return list(
        Invoice.objects.filter(account=invoice.account_id, preceding=invoice)
        .exclude(state=Invoice.State.DRAFT)
        .only("number", "kind", "state", "issue_date")
        .order_by("issue_date", "pk")
    )


def _is_credit(follower: Invoice) -> bool:
    """Whether it takes something back; a void one does not."""
    return follower.kind == Invoice.Kind.CREDIT_NOTE and follower.state == Invoice.State.ISSUED


def _files(invoice: Invoice) -> dict[str, Document]:
    rows = Document.objects.filter(account=invoice.account_id, invoice=invoice)
    return {document.kind: document for document in rows}


def _is_stored(document: Document | None) -> bool:
    return document is not None and document.state == Document.State.STORED


def _lines_page(invoice: Invoice, wanted: str) -> LinesPage:
    """The lines from position ``wanted`` on; positions count 1, 2, 3 without a gap."""
    first = max(int(wanted), 1) if wanted.isdecimal() and len(wanted) < 9 else 1
    lines = list(
        InvoiceLine.objects.filter(
            account=invoice.account_id, invoice=invoice, position__gte=first
        ).order_by("position")[: LINES_A_PAGE + 1]
    )
    is_more = len(lines) > LINES_A_PAGE
    return LinesPage(
        lines=lines[:LINES_A_PAGE],
        first=first,
        preceding=max(first - LINES_A_PAGE, 1) if first > 1 else None,
        following=first + LINES_A_PAGE if is_more else None,
    )
