from collections.abc import Iterable

from django.apps import AppConfig

from accounts import closing_hooks
from backups import registry
from mail import calling_off_hooks
from taxes import seller_codes


class InvoicesConfig(AppConfig):
    name = "invoices"
    verbose_name = "Invoices"

    def ready(self) -> None:
        seller_codes.provide(self._seller_codes)
        closing_hooks.PREVIEWS.provide("invoices.closing_accounts.open_invoices")
        registry.SERIES_HEADS.provide("invoices.after_restore.current_heads")
        registry.REFERRED_DOCUMENTS.provide("invoices.archive.referred_documents")
        registry.ACKNOWLEDGED.provide("invoices.after_restore.park_what_may_have_been_mailed")
        calling_off_hooks.CALLED_OFF.provide("invoices.voiding.why_never_sent")

    def _seller_codes(self) -> Iterable[str]:
        sellers = self.get_model("Seller")._default_manager
        return sellers.values_list("code", flat=True)
