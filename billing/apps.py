from django.apps import AppConfig

from backups import registry


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        registry.ACKNOWLEDGED.provide("billing.after_restore.stop_moving_runs")
