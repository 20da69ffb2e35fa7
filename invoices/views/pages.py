from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access, account_page, render_page
from accounts.permissions import Permission
from accounts.recipients import reasons_in_words
from invoices.in_words import (
    State,
    delivery_state,
    document_state,
    invoice_state,
    kind_in_words,
    open_amount,
)
from invoices.listing import documents_of, page_of_documents
from invoices.models import Delivery, Document, Invoice, InvoiceLine
from invoices.parties import Party, PaymentMeans

# An invoice of a month's metered usage can have thousands of lines.
LINES_A_PAGE = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    invoice: Invoice
    kind: str
    state: State
    open_amount: Decimal


@dataclass(frozen=True, slots=True)
class Recipient:
    delivery: Delivery
    state: State
    reasons: str


@dataclass(frozen=True, slots=True)
class LinesPage:
    """``first`` is the position to ask for the page with; ``following`` is None on the last one."""

    lines: list[InvoiceLine]
    first: int
    preceding: int | None
    following: int | None


@require_safe
@account_page(Permission.INVOICES_VIEW)
def invoice_list(request: HttpRequest, access: Access) -> HttpResponse:
    wanted = request.GET.get("number", "").strip().upper()
    if wanted and documents_of(access.account).filter(number=wanted).exists():
        return redirect("invoices:page", access.account.number, wanted)
    try:
        page = page_of_documents(
            access.account,
            before=request.GET.get("before", ""),
            after=request.GET.get("after", ""),
        )
    except Invoice.DoesNotExist as error:
        raise Http404 from error
    context = {
        "rows": rows_of(page.invoices, today=timezone.localdate()),
        "page": page,
        "not_found": wanted,
    }
    return render_page(request, access, "invoices/list.html", context)


@require_safe
@account_page(Permission.INVOICES_VIEW)
def invoice_page(request: HttpRequest, access: Access, invoice_number: str) -> HttpResponse:
    invoice = find_invoice(access, invoice_number)
    document = Document.objects.filter(
        account=access.account, invoice=invoice, kind=Document.Kind.PDF
    ).first()
    context = {
        "invoice": invoice,
        "kind": kind_in_words(invoice),
        "state": invoice_state(invoice, invoice.settlement, today=timezone.localdate()),
        "open_amount": open_amount(invoice, invoice.settlement),
        "seller": Party.from_json(invoice.seller_party),
        "buyer": Party.from_json(invoice.buyer_party),
        "payment_means": [PaymentMeans.from_json(means) for means in invoice.payment_means or ()],
        "lines_page": _lines_page(invoice, request.GET.get("from", "1")),
        "allowances": invoice.allowances.filter(account=access.account, line=None),
        "tax_lines": invoice.tax_lines.filter(account=access.account),
        "recipients": _recipients(invoice),
        "document": document,
        "document_state": document_state(document),
    }
    return render_page(request, access, "invoices/page.html", context)


def rows_of(invoices: list[Invoice], *, today: date) -> list[Row]:
    """``invoices`` as the list shows them; each must have been read with its settlement."""
    return [
        Row(
            invoice=invoice,
            kind=kind_in_words(invoice),
            state=invoice_state(invoice, invoice.settlement, today=today),
            open_amount=open_amount(invoice, invoice.settlement),
        )
        for invoice in invoices
    ]


def find_invoice(access: Access, invoice_number: str) -> Invoice:
    """The numbered document of the account, with its settlement; 404 for any other number."""
    found = documents_of(access.account).select_related("settlement", "preceding")
    invoice = found.filter(number=invoice_number).first()
    if invoice is None:
        raise Http404
    return invoice


def _recipients(invoice: Invoice) -> list[Recipient]:
    deliveries = (
        Delivery.objects.filter(account=invoice.account_id, invoice=invoice)
        .select_related("email")
        .order_by("pk")
    )
    return [
        Recipient(delivery, delivery_state(delivery), reasons_in_words(delivery.reasons))
        for delivery in deliveries
    ]


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
