from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from taxes.vocabulary import RateClass, Scheme

# A scheme that the seller relies on rather than registers for; it may have no number.
_SCHEMES_WITHOUT_NUMBER = (Scheme.SMALL_BUSINESS, Scheme.EU_THRESHOLD)


class TaxRate(models.Model):
    """A percentage that a country charges from a day until its next row of the same class.

    The end is not stored: rates of one country and class can neither overlap nor leave a gap by
    mistake. A row without a percentage ends the one before it. The starting table ships with the
    program (``taxes.starting_table``); staff add rows as laws change.
    """

    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    rate_class = models.CharField(max_length=20, choices=RateClass.choices)
    percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="17.5 for 17.5 %; empty: from this day on there is no such rate",
    )
    valid_from = models.DateField(help_text="the first day; it ends where the next one begins")
    source = models.CharField(
        max_length=200, blank=True, help_text="the law or publication it was taken from"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["country", "rate_class", "-valid_from"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["country", "rate_class", "valid_from"], name="tax_rate_begins_once"
            ),
            models.CheckConstraint(
                condition=Q(percent__isnull=True) | Q(percent__gte=0, percent__lte=100),
                name="tax_rate_is_a_percentage",
                violation_error_message="A rate is a percentage from 0 to 100.",
            ),
            models.CheckConstraint(
                condition=Q(country__regex="^[A-Z]{2}$"), name="tax_rate_country_is_a_code"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.rate_class} from {self.valid_from}: {self.percent}"


class TaxRegistration(models.Model):
    """Where, for what and since when a seller is registered for tax, or exempt from it.

    ``seller_code`` is the code of an ``invoices.Seller``, not a foreign key: this package lies
    below the one that sellers are in (docs/decisions/0022). Neither a seller's code nor a
    registration that an invoice was issued under changes; one that ends gets a ``valid_to``.
    """

    seller_code = models.SlugField(max_length=40, help_text="the seller's code")
    country = models.CharField(
        max_length=2, help_text="where it holds; for a One Stop Shop, the state that runs it"
    )
    scheme = models.CharField(max_length=20, choices=Scheme.choices, default=Scheme.DOMESTIC)
    number = models.CharField(
        max_length=40, blank=True, help_text="as printed on invoices, with its country's prefix"
    )
    valid_from = models.DateField()
    valid_to = models.DateField(
        null=True, blank=True, help_text="the first day on which it no longer holds"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["seller_code", "country", "scheme", "-valid_from"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["seller_code", "country", "scheme", "valid_from"],
                name="tax_registration_begins_once",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="tax_registration_ends_after_it_begins",
                violation_error_message="The first day on which it no longer holds comes after"
                " the first on which it does.",
            ),
            models.CheckConstraint(
                condition=~Q(number="") | Q(scheme__in=_SCHEMES_WITHOUT_NUMBER),
                name="tax_registration_has_a_number",
                violation_error_message="A registration has a number; only what is relied on"
                " without registering has none.",
            ),
            models.CheckConstraint(
                condition=Q(country__regex="^[A-Z]{2}$"), name="tax_registration_country_is_a_code"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seller_code}: {self.get_scheme_display()}, {self.country} {self.number}"
