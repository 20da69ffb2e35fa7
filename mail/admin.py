from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from audit.acting import actor_of
from audit.admin import DeclaredFiltersAdmin, ReadOnlyAdmin
from mail.forms import SuppressedAddressForm
from mail.models import HeldBatch, OutgoingEmail, SuppressedAddress
from mail.outbox import EmailNotFailed, retry
from mail.suppressing import release, suppress


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "recipient_address", "account_id", "state", "said")
    list_filter = ("state", "created_at")
    search_fields = ("=recipient_address", "=message_id", "=account_id")
    search_help_text = gettext_lazy("An address, an account id or a Message-ID, in full.")
    ordering = ("-created_at", "-id")
    # Counting a million rows to say "of 1,000,000" costs more than the page.
    show_full_result_count = False
    list_per_page = 50
    actions = ("send_again",)
    exclude = ("lease_token", "leased_until", "boundary", "dedup_key")

    @admin.display(description=gettext_lazy("last answer"))
    def said(self, email: OutgoingEmail) -> str:
        if email.state == OutgoingEmail.State.BOUNCED:
            return email.returned_words
        return email.last_error or email.server_response

    @admin.action(
        description=gettext_lazy("Send again what has failed or come back"),
        permissions=["send_again"],
    )
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutgoingEmail]) -> None:
        actor = actor_of(request)
        queued = 0
        for email in queryset:
            try:
                retry(email, actor=actor)
            except EmailNotFailed as refusal:
                self.message_user(request, f"{email}: {refusal}", messages.WARNING)
            else:
                queued += 1
        if queued:
            self.message_user(
                request,
                ngettext("%d message is sent again.", "%d messages are sent again.", queued)
                % queued,
                messages.SUCCESS,
            )

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Staff who may see outgoing mail and change it, had it anything to change."""
        return request.user.has_perm("mail.change_outgoingemail")


@admin.register(HeldBatch)
class HeldBatchAdmin(ReadOnlyAdmin):
    list_display = ("batch_id", "held_since")


@admin.register(SuppressedAddress)
class SuppressedAddressAdmin(DeclaredFiltersAdmin):
    """Staff add an address and delete it, which lets mail go there again; both are audited."""

    form = SuppressedAddressForm
    list_display = ("address", "kind", "reason", "since")
    list_filter = ("kind",)
    search_fields = ("=address",)
    ordering = ("-since",)

    def has_change_permission(
        self, request: HttpRequest, obj: SuppressedAddress | None = None
    ) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: SuppressedAddress, form: Any, change: bool
    ) -> None:
        obj.pk = suppress(obj.address, reason=obj.reason, actor=actor_of(request)).pk

    def delete_model(self, request: HttpRequest, obj: SuppressedAddress) -> None:
        release(obj, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SuppressedAddress]) -> None:
        for suppressed in queryset:
            release(suppressed, actor=actor_of(request))
