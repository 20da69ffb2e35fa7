"""The rate table as the database has it now."""

from taxes.models import TaxRate
from taxes.rate_table import Rate, RateTable
from taxes.vocabulary import RateClass


def load_rate_table() -> RateTable:
    """Every rate, in one query: a few hundred rows, so read once per run, not per line."""
    rows = TaxRate.objects.values_list("country", "rate_class", "percent", "valid_from")
    return RateTable(
        Rate(
            country=country,
            rate_class=RateClass(rate_class),
            percent=percent,
            valid_from=valid_from,
        )
        for country, rate_class, percent, valid_from in rows
    )
