from collections.abc import Iterable

from django.apps import AppConfig

from taxes import seller_codes


class InvoicesConfig(AppConfig):
    name = "invoices"
    verbose_name = "Invoices"

    def ready(self) -> None:
        seller_codes.provide(self._seller_codes)

    def _seller_codes(self) -> Iterable[str]:
        sellers = self.get_model("Seller")._default_manager
        return sellers.values_list("code", flat=True)
