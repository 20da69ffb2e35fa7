from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from twofactor.models import SmsMessage
from twofactor.sms.numbers import with_range


@admin.register(SmsMessage)
class SmsMessageAdmin(ReadOnlyAdmin):
    """To see whom today's messages go to when they cost much, and why they do not leave.

    Numbers by their end and what they start with: enough to know a range again.
    """

    list_display = ("created_at", "user", "country", "shown_number", "state", "price", "error")
    list_filter = ("state", "country", "created_at")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=gateway_reference")
    search_help_text = "An email address or the gateway’s id of a message, in full."
    ordering = ("-created_at",)
    show_full_result_count = False
    list_per_page = 50
    fields = (
        *("created_at", "user", "country", "shown_number", "state", "price"),
        *("gateway", "gateway_reference", "error"),
    )

    @admin.display(description="number")
    def shown_number(self, message: SmsMessage) -> str:
        return with_range(message.number)
