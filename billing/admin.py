from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.acting import actor_of
from audit.admin import ReadOnlyAdmin
from billing.billing_run import (
    approve_run,
    counts,
    discard_item,
    resume_run,
    retry_item,
    stop_run,
)
from billing.models import BillingEntry, BillingRun, BillingRunItem
from common.exceptions import DomainError


class _Operated(ReadOnlyAdmin):
    """Rows that staff move on by actions, each of which may be refused for a reason of its own."""

    def do(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        work: Callable[..., object],
        *,
        done: str,
    ) -> None:
        """Call ``work`` for each of ``rows``; say what was ``done`` to which, and why not."""
        for row in rows:
            name = self.name_of(row)
            try:
                work(row, actor=actor_of(request))
            except DomainError as refusal:
                self.message_user(request, f"{name}: {refusal}", messages.WARNING)
            else:
                self.message_user(request, f"{name}: {done}", messages.SUCCESS)

    def name_of(self, row: Any) -> str:
        return str(row)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Staff who may change these rows, had they anything to change."""
        return request.user.has_perm(f"billing.change_{self.opts.model_name}")


@admin.register(BillingRun)
class BillingRunAdmin(_Operated):
    list_display = ("created_at", "as_of", "state", "waiting_because", "started_by", "approved_by")
    list_filter = ("state",)
    ordering = ("-created_at",)
    actions = ["approve", "stop", "resume"]
    fields = (
        "state",
        "as_of",
        "only_account",
        "waiting_because",
        "progress",
        ("started_by", "approved_by"),
        ("created_at", "finished_at"),
    )
    readonly_fields = ("progress",)

    def name_of(self, row: BillingRun) -> str:
        """Without its state, which the action has just changed."""
        return f"Billing run of {row.as_of:%Y-%m-%d}"

    @admin.display(description="accounts")
    def progress(self, run: BillingRun) -> str:
        """How many of the run's accounts have got how far."""
        return ", ".join(f"{number} {state}" for state, number in sorted(counts(run).items()))

    @admin.action(description="Approve: issue the drafts", permissions=["operate"])
    def approve(self, request: HttpRequest, queryset: QuerySet[BillingRun]) -> None:
        self.do(request, queryset, approve_run, done="approved; its drafts are being issued.")

    @admin.action(
        description="Stop: issue nothing more and hold back mail that has not left",
        permissions=["operate"],
    )
    def stop(self, request: HttpRequest, queryset: QuerySet[BillingRun]) -> None:
        self.do(request, queryset, stop_run, done="stopped.")

    @admin.action(description="Resume: let held mail go", permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[BillingRun]) -> None:
        self.do(request, queryset, resume_run, done="resumed.")


@admin.register(BillingRunItem)
class BillingRunItemAdmin(_Operated):
    list_display = ("run", "account", "state", "attempts", "last_error")
    list_filter = ("state",)
    list_select_related = ("run", "account")
    search_fields = ("=account__number", "account__name")
    ordering = ("-pk",)
    show_full_result_count = False
    list_per_page = 50
    exclude = ("lease_token", "leased_until")
    actions = ["retry", "discard"]

    @admin.action(description="Try parked accounts again", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[BillingRunItem]) -> None:
        self.do(request, queryset, retry_item, done="will be tried again.")

    @admin.action(description="Discard drafts: bill their charges anew", permissions=["operate"])
    def discard(self, request: HttpRequest, queryset: QuerySet[BillingRunItem]) -> None:
        self.do(request, queryset, discard_item, done="drafts discarded, charges free again.")


@admin.register(BillingEntry)
class BillingEntryAdmin(ReadOnlyAdmin):
    list_display = ("due_on", "account", "description", "quantity", "unit_price", "currency")
    list_filter = ("seller",)
    list_select_related = ("account",)
    search_fields = ("=account__number", "=source_reference", "=item_id")
    search_help_text = "An account’s number, a source reference or an item’s id, in full."
    ordering = ("-due_on", "-pk")
    show_full_result_count = False
    list_per_page = 50
