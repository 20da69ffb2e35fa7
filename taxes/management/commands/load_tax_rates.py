from typing import Any

from django.core.management.base import BaseCommand

from taxes.models import TaxRate
from taxes.starting_table import add_missing_rates, read_starting_table


class Command(BaseCommand):
    help = (
        "Add the tax rates that ship with the program and are not in the database yet."
        " Rates that are there, changed or not, stay as they are."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        table = read_starting_table()
        added = add_missing_rates(TaxRate)
        self.stdout.write(
            f"{added} of {len(table.rates)} rates added; the table is as of {table.as_of}."
        )
