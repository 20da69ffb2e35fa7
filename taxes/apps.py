from django.apps import AppConfig

from accounts import tax_numbers
from taxes.tax_ids import in_form


class TaxesConfig(AppConfig):
    name = "taxes"
    verbose_name = "Taxes"

    def ready(self) -> None:
        tax_numbers.provide(in_form)
