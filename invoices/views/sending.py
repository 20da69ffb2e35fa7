from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Access, account_page, render_page
from accounts.permissions import Permission
from audit.acting import actor_of
from common.exceptions import DomainError
from invoices.customer_forms import AnotherAddressForm
from invoices.in_words import kind_in_words
from invoices.models import Delivery, Invoice
from invoices.sending_again import OnItsWayAlready, SentJustNow, send_again
from invoices.views.pages import find_invoice


# Also on a closed account: its invoices stay to be paid and booked.
@require_POST
@account_page(Permission.INVOICES_VIEW, open_when_closed=True)
def send_again_to_recipient(
    request: HttpRequest, access: Access, invoice_number: str, delivery_id: int
) -> HttpResponse:
    """To one of the recipients frozen at issue."""
    invoice = find_invoice(access, invoice_number)
    delivery = Delivery.objects.filter(
        account=access.account, invoice=invoice, pk=delivery_id
    ).first()
    if delivery is None:
        raise Http404
    try:
        _send(request, access, invoice, delivery.address)
    except (OnItsWayAlready, SentJustNow) as refusal:
        messages.info(request, str(refusal))
    except DomainError as refusal:
        messages.warning(request, str(refusal))
    return _back(access, invoice)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.INVOICES_VIEW, open_when_closed=True)
def send_to_another_address(
    request: HttpRequest, access: Access, invoice_number: str
) -> HttpResponse:
    invoice = find_invoice(access, invoice_number)
    form = AnotherAddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _send(request, access, invoice, form.cleaned_data["email"])
        except (OnItsWayAlready, SentJustNow) as refusal:
            messages.info(request, str(refusal))
            return _back(access, invoice)
        except DomainError as refusal:
            form.add_error("email", str(refusal))
        else:
            return _back(access, invoice)
    context = {"form": form, "invoice": invoice, "kind": kind_in_words(invoice)}
    return render_page(request, access, "invoices/send.html", context)


def _send(request: HttpRequest, access: Access, invoice: Invoice, address: str) -> None:
    further = send_again(invoice, address=address, asked_by=access.user, actor=actor_of(request))
    said = _("%(number)s is being sent to %(address)s.")
    messages.success(request, said % {"number": invoice.number, "address": further.address})


def _back(access: Access, invoice: Invoice) -> HttpResponse:
    return redirect("invoices:page", access.account.number, invoice.number)
