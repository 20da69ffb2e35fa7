from django.apps import AppConfig

from accounts import closing_hooks
from backups import registry
from invoices import voiding_hooks


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        closing_hooks.OBSTACLES.provide("billing.closing_accounts.charges_without_order_number")
        closing_hooks.PREVIEWS.provide("billing.closing_accounts.unbilled_charges")
        registry.ACKNOWLEDGED.provide("billing.after_restore.stop_moving_runs")
        voiding_hooks.PREVIEWS.provide("billing.after_voiding.charges_that_come_back")
        voiding_hooks.VOIDED.provide("billing.after_voiding.release_charges")
