from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from audit.acting import actor_of
from audit.actions import Action
from audit.admin import AuditedAdmin, ReadOnlyAdmin, ReadOnlyInline
from common.exceptions import DomainError
from invoices.forms import SellerForm, VoidingForm
from invoices.models import (
    Delivery,
    Document,
    Invoice,
    InvoiceAllowance,
    InvoiceLine,
    InvoiceTaxLine,
    NumberSeries,
    Seller,
    Settlement,
)
from invoices.numbering import start_series
from invoices.numbering_report import report_file
from invoices.retrying import retry_document
from invoices.voiding import consequences_of_voiding, obstacle_to_voiding, void_invoice


@admin.register(Seller)
class SellerAdmin(AuditedAdmin):
    """What is changed here is printed on new documents; issued ones keep their copy."""

    added_action = Action.SELLER_CHANGED
    changed_action = Action.SELLER_CHANGED
    form = SellerForm
    list_display = ("code", "legal_name", "country", "accounting_currency")
    search_fields = ("code", "legal_name", "trading_name")
    ordering = ("code",)

    def subject_of(self, obj: Seller) -> str:
        return f"seller {obj.code}"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The code is how tax registrations name the seller: it stays as it is."""
        return () if obj is None else ("code",)


class NextSeriesForm(ActionForm):
    """What stands beside the list of actions."""

    next_prefix = forms.CharField(label="Prefix of the next series:", max_length=20, required=False)


@admin.register(NumberSeries)
class NumberSeriesAdmin(AuditedAdmin):
    """Series count by themselves. Once a number was given, only the end of one can be declared.

    A series is followed by the next one in one step, an action of the list: between two steps there
    would be no series, and nothing could be issued.
    """

    added_action = Action.SELLER_CHANGED
    changed_action = Action.SELLER_CHANGED
    list_display = ("prefix", "seller", "kind", "is_current", "last_sequence", "last_issue_date")
    list_filter = ("seller", "kind", "is_current")
    list_select_related = ("seller",)
    ordering = ("seller", "kind", "-is_current", "prefix")
    _counters = ("last_sequence", "last_issue_date", "last_hash")
    action_form = NextSeriesForm
    actions = ["start_next", "download_report"]

    @admin.action(description="Download every number with its state", permissions=["view"])
    def download_report(
        self, request: HttpRequest, queryset: QuerySet[NumberSeries]
    ) -> HttpResponse:
        content = report_file(queryset.order_by("prefix"))
        headers = {"Content-Disposition": 'attachment; filename="numbers.csv"'}
        return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)

    @admin.action(description="Start the next series", permissions=["change"])
    def start_next(self, request: HttpRequest, queryset: QuerySet[NumberSeries]) -> None:
        prefix = request.POST.get("next_prefix", "").strip()
        chosen = list(queryset[:2])
        if len(chosen) != 1 or not prefix:
            self.message_user(
                request,
                "Choose one series and enter the prefix of the one that follows it.",
                messages.WARNING,
            )
            return
        try:
            started = start_series(chosen[0], prefix=prefix, actor=actor_of(request))
        except DomainError as refusal:
            self.message_user(request, str(refusal), messages.WARNING)
        else:
            self.message_user(request, f"The next number is {started.number(1)}.", messages.SUCCESS)

    def subject_of(self, obj: NumberSeries) -> str:
        return f"series {obj.prefix} of seller {obj.seller.code}"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None or obj.last_sequence == 0:
            return self._counters
        return ("seller", "kind", "prefix", "digits", *self._counters)


class _Lines(ReadOnlyInline):
    model = InvoiceLine
    fields = (
        "position",
        "description",
        "quantity",
        "unit_price",
        "net_amount",
        "tax_category",
        "tax_rate",
        "tax_reason",
    )


class _Allowances(ReadOnlyInline):
    model = InvoiceAllowance
    fields = ("position", "is_charge", "amount", "reason", "tax_category", "tax_rate")


class _TaxLines(ReadOnlyInline):
    model = InvoiceTaxLine
    fields = ("category", "rate", "taxable_amount", "tax_amount", "exemption_reason")


class _Settlement(ReadOnlyInline):
    model = Settlement
    fields = ("total", "credited", "allocated", "credit_applied", "written_off")


class _Documents(ReadOnlyInline):
    model = Document
    fields = ("kind", "state", "attempts", "last_error", "size", "sha256", "stored_at")


class _Deliveries(ReadOnlyInline):
    model = Delivery
    fields = ("address", "reasons", "email")


@admin.register(Invoice)
class InvoiceAdmin(AuditedAdmin):
    """Drafts and documents, to look at. Drafts come from billing runs and go with them.

    Of a draft staff may enter the rate at which its tax is stated in the seller's currency.
    """

    added_action = Action.DRAFT_CHANGED
    changed_action = Action.DRAFT_CHANGED
    _open_in_drafts = ("exchange_rate", "exchange_rate_date", "exchange_rate_source")

    list_display = (
        "__str__",
        "account",
        "seller",
        "kind",
        "state",
        "issue_date",
        "gross_total",
        "currency",
    )
    list_filter = ("state", "kind", "seller")
    list_select_related = ("account", "seller")
    search_fields = ("=number", "=account__number", "account__name", "=public_id")
    search_help_text = "A document’s or an account’s number in full, or a part of a name."
    ordering = ("-pk",)
    show_full_result_count = False
    list_per_page = 50
    inlines = (_TaxLines, _Allowances, _Settlement, _Documents, _Deliveries, _Lines)

    def get_urls(self) -> list[URLPattern]:
        voiding = path(
            "<int:pk>/void/", self.admin_site.admin_view(self.void), name="invoices_invoice_void"
        )
        return [voiding, *super().get_urls()]

    def void(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Asks why and says what follows; voids when that is sent."""
        if not self.has_void_permission(request):
            raise PermissionDenied
        invoice = get_object_or_404(Invoice.objects.select_related("preceding"), pk=pk)
        form = VoidingForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                void_invoice(invoice, reason=form.cleaned_data["reason"], actor=actor_of(request))
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, f"{invoice} is void.", messages.SUCCESS)
                return redirect("admin:invoices_invoice_change", pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Void {invoice}",
            "invoice": invoice,
            "form": form,
            "obstacle": "" if form.errors else obstacle_to_voiding(invoice),
            "consequences": consequences_of_voiding(invoice),
        }
        return TemplateResponse(request, "admin/invoices/invoice/void.html", context)

    def has_void_permission(self, request: HttpRequest) -> bool:
        """Staff who may change documents, had these anything else to change."""
        return request.user.has_perm("invoices.change_invoice")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        issued = context["original"] and context["original"].state == Invoice.State.ISSUED
        context["can_be_voided"] = issued and self.has_void_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_draft = obj is not None and obj.state == Invoice.State.DRAFT
        return is_draft and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        names = (field.name for field in Invoice._meta.concrete_fields)
        return tuple(name for name in names if name not in self._open_in_drafts)


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    list_display = ("invoice", "account", "kind", "state", "attempts", "stored_at", "last_error")
    list_filter = ("state", "kind")
    list_select_related = ("invoice", "account")
    search_fields = ("=invoice__number", "=account__number", "=sha256")
    ordering = ("-pk",)
    show_full_result_count = False
    list_per_page = 50
    exclude = ("lease_token", "leased_until")
    actions = ["retry"]

    @admin.action(description="Render parked documents again", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        retried = 0
        for document in queryset:
            try:
                retry_document(document, actor=actor_of(request))
            except DomainError as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
            else:
                retried += 1
        if retried:
            self.message_user(request, f"{retried} will be rendered again.", messages.SUCCESS)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Staff who may change documents, had these anything to change."""
        return request.user.has_perm("invoices.change_document")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("invoice", "account", "address", "reasons", "state")
    list_select_related = ("invoice", "account", "email")
    search_fields = ("=invoice__number", "=account__number", "=address")
    ordering = ("-pk",)
    show_full_result_count = False
    list_per_page = 50

    @admin.display(description="state of the email")
    def state(self, delivery: Delivery) -> str:
        return delivery.email.state if delivery.email else "not queued yet"
