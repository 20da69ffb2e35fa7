"""Extra invoice addresses: the account's side, and that of their readers, who need no user ID."""

from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Access, AccountClosed, account_page, render_page
from accounts.forms.invoice_addresses import InvoiceAddressForm
from accounts.invoice_addresses import (
    CONFIRM,
    MOST_ADDRESSES,
    STOP,
    InvoiceAddressConfirmed,
    InvoiceAddressLinkEnded,
    InvoiceAddressLinkExpired,
    add_address,
    confirm_address,
    find_to_confirm,
    find_to_stop,
    remove_address,
    send_again,
    stop_address,
)
from accounts.models import InvoiceAddress
from accounts.permissions import Permission
from audit.acting import actor_of
from common import link_session
from common.exceptions import DomainError
from users.rate_limits import TooManyAttempts


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.BILLING_CONTACT_MANAGE)
def add(request: HttpRequest, access: Access) -> HttpResponse:
    form = InvoiceAddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            address = add_address(
                access.account,
                email=form.cleaned_data["email"],
                added_by=access.user,
                actor=actor_of(request),
            )
        except TooManyAttempts:
            form.add_error("email", _too_many())
        except AccountClosed:
            raise
        except DomainError as refusal:
            form.add_error("email", str(refusal))
        else:
            said = _("We have sent an email to %(address)s, whose reader has 10 days to confirm.")
            messages.success(request, said % {"address": address.email})
            return _back(access)
    context = {"form": form, "most": MOST_ADDRESSES}
    return render_page(request, access, "accounts/invoice_addresses/add.html", context)


@require_POST
@account_page(Permission.BILLING_CONTACT_MANAGE)
def send_confirmation_again(request: HttpRequest, access: Access, row: UUID) -> HttpResponse:
    address = _find(access, row)
    try:
        send_again(address, sent_by=access.user, actor=actor_of(request))
    except InvoiceAddressConfirmed as refusal:
        messages.info(request, str(refusal))
    except TooManyAttempts:
        messages.warning(request, _too_many())
    else:
        said = _("Sent again to %(address)s. The link in the former email has ended.")
        messages.success(request, said % {"address": address.email})
    return _back(access)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.BILLING_CONTACT_MANAGE)
def remove(request: HttpRequest, access: Access, row: UUID) -> HttpResponse:
    address = InvoiceAddress.objects.filter(account=access.account, pk=row).first()
    if request.method == "POST":
        if address is None:
            messages.info(request, _("This address was removed before. Nothing was changed."))
        else:
            remove_address(address, actor=actor_of(request))
            said = _("Removed %(address)s. It gets no more invoices.")
            messages.success(request, said % {"address": address.email})
        return _back(access)
    if address is None:
        raise Http404
    context = {"address": address}
    return render_page(request, access, "accounts/invoice_addresses/remove.html", context)


@sensitive_variables("token_hash")
@require_safe
def confirm_link(request: HttpRequest, row: UUID, token_hash: str) -> HttpResponse:
    return _open(
        request,
        CONFIRM,
        row,
        token_hash,
        find=find_to_confirm,
        page="accounts:confirm_invoice_address",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    try:
        kept = _kept(request, CONFIRM)
        if request.method == "POST":
            confirm_address(*kept, actor=actor_of(request))
            return redirect("accounts:confirm_invoice_address")
        address = find_to_confirm(*kept)
    except InvoiceAddressLinkExpired as refusal:
        return _ended(request, expired=refusal.address)
    except InvoiceAddressLinkEnded:
        return _ended(request)
    return render(request, "accounts/invoice_addresses/confirm.html", {"address": address})


@sensitive_variables("token_hash")
@require_safe
def stop_link(request: HttpRequest, row: UUID, token_hash: str) -> HttpResponse:
    return _open(
        request, STOP, row, token_hash, find=find_to_stop, page="accounts:stop_invoice_address"
    )


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest) -> HttpResponse:
    try:
        kept = _kept(request, STOP)
        if request.method == "POST":
            address = stop_address(*kept, actor=actor_of(request))
            link_session.drop(request, STOP)
            return render(request, "accounts/invoice_addresses/stopped.html", {"address": address})
        address = find_to_stop(*kept)
    except InvoiceAddressLinkEnded:
        return _ended(request)
    return render(request, "accounts/invoice_addresses/stop.html", {"address": address})


def _open(
    request: HttpRequest,
    purpose: str,
    row: UUID,
    token_hash: str,
    *,
    find: Callable[[UUID, str], InvoiceAddress],
    page: str,
) -> HttpResponse:
    """Take the token out of the address; one that is not genuine makes no session."""
    try:
        find(row, token_hash)
    except InvoiceAddressLinkExpired:
        # Its page says when it expired.
        pass
    except InvoiceAddressLinkEnded:
        return link_session.open_page_without(request, purpose, page=page)
    return link_session.open_page(request, purpose, row, token_hash, page=page)


def _kept(request: HttpRequest, purpose: str) -> tuple[UUID, str]:
    kept = link_session.kept(request, purpose)
    if kept is None:
        raise InvoiceAddressLinkEnded
    return kept


def _ended(request: HttpRequest, *, expired: InvoiceAddress | None = None) -> HttpResponse:
    context = {"expired": expired}
    return render(
        request, "accounts/invoice_addresses/link_ended.html", context, status=HTTPStatus.GONE
    )


def _find(access: Access, row: UUID) -> InvoiceAddress:
    address = InvoiceAddress.objects.filter(account=access.account, pk=row).first()
    if address is None:
        raise Http404
    return address


def _back(access: Access) -> HttpResponse:
    return redirect("settings:contacts", access.account.number)


def _too_many() -> str:
    return _("Too many confirmation emails were sent. Try again tomorrow.")
