from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Access, account_page, render_page
from accounts.addressing import read_addressing
from accounts.bouncing import returned_among
from accounts.changing_contacts import (
    change_contact,
    contact_of,
    keep_invoices_for_owner,
    owner_who_would_lose_invoices,
)
from accounts.contacts import contact_blocks, printed_name_and_address
from accounts.details import change_account, lock_account
from accounts.forms.contacts import BillingContactForm, ContactForm, ReferencesForm
from accounts.invoice_addresses import MOST_ADDRESSES
from accounts.member_mail import owner_of
from accounts.models import Contact
from accounts.next_invoice import readers_of_next_invoice
from accounts.permissions import Permission
from audit.acting import actor_of

# The button that leads back from the question to the form.
_EDIT = "edit"


@require_safe
@account_page(Permission.BILLING_CONTACT_MANAGE)
def contacts(request: HttpRequest, access: Access) -> HttpResponse:
    account, owner = access.account, owner_of(access.account)
    addressing = read_addressing(account)
    admin, billing = (contact_of(account, kind) for kind in Contact.Kind)
    context = {
        "admin": contact_blocks(admin, account=account, owner=owner),
        "billing": contact_blocks(billing, account=account, owner=owner),
        "may_change_admin": access.may(Permission.CONTACTS_MANAGE),
        "may_change_details": access.may(Permission.ACCOUNT_MANAGE),
        "printed": printed_name_and_address(addressing.details, locale=account.locale),
        "details": addressing.details,
        "readers": readers_of_next_invoice(addressing),
        "returned": returned_among(addressing.recipients, account=account),
        "extra": addressing.invoice_addresses,
        "may_add": len(addressing.invoice_addresses) < MOST_ADDRESSES,
        "most": MOST_ADDRESSES,
        "now": timezone.now(),
    }
    return render_page(request, access, "accounts/contacts/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.CONTACTS_MANAGE)
def admin_contact(request: HttpRequest, access: Access) -> HttpResponse:
    if request.method == "POST":
        contact = _lock_contact(access, Contact.Kind.ADMIN)
        form = ContactForm(request.POST, contact=contact)
        if form.is_valid():
            return _save(request, access, contact, form)
    else:
        form = ContactForm(contact=contact_of(access.account, Contact.Kind.ADMIN))
    return render_page(request, access, "accounts/contacts/admin.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.BILLING_CONTACT_MANAGE)
def billing_contact(request: HttpRequest, access: Access) -> HttpResponse:
    """Before invoices leave the owner, a page of its own asks; it carries along all that was typed.

    Without a script: its fields are hidden ones of the same form.
    """
    if request.method == "POST":
        contact = _lock_contact(access, Contact.Kind.BILLING)
        form = BillingContactForm(request.POST, contact=contact)
        if form.is_valid() and _EDIT not in request.POST:
            owner = owner_who_would_lose_invoices(
                contact.account, billing_email=form.cleaned_data["email"]
            )
            if owner is not None and not form.cleaned_data["is_confirmed"]:
                context: dict[str, Any] = {
                    "form": form,
                    "owner": owner,
                    "new_address": form.cleaned_data["email"],
                }
                return render_page(request, access, "accounts/contacts/takes_over.html", context)
            if owner is not None and form.cleaned_data["keep_owner"]:
                keep_invoices_for_owner(contact.account, actor=actor_of(request))
            return _save(request, access, contact, form)
    else:
        form = BillingContactForm(contact=contact_of(access.account, Contact.Kind.BILLING))
    return render_page(request, access, "accounts/contacts/billing.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Permission.BILLING_CONTACT_MANAGE)
def references(request: HttpRequest, access: Access) -> HttpResponse:
    if request.method == "POST":
        account = lock_account(access.account)
        form = ReferencesForm(request.POST, account=account)
        if form.is_valid():
            changed = change_account(account, values=form.values(), actor=actor_of(request))
            _say(request, is_changed=changed)
            return redirect("settings:contacts", account.number)
    else:
        form = ReferencesForm(account=access.account)
    return render_page(request, access, "accounts/contacts/references.html", {"form": form})


def _lock_contact(access: Access, kind: Contact.Kind) -> Contact:
    """The contact as it is now; the account's lock covers both contacts."""
    return contact_of(lock_account(access.account), kind)


def _save(
    request: HttpRequest, access: Access, contact: Contact, form: ContactForm
) -> HttpResponse:
    changed = change_contact(
        contact, values=form.values(), changed_by=access.user, actor=actor_of(request)
    )
    _say(request, is_changed=changed)
    return redirect("settings:contacts", access.account.number)


def _say(request: HttpRequest, *, is_changed: bool) -> None:
    said = _("Saved. New invoices show it.") if is_changed else _("Nothing was changed.")
    messages.success(request, said)
