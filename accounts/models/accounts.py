"""The entity that buys and is billed."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from common.codes import known_country, known_currency, known_locale, known_time_zone

# Field sizes that hold what people really have: the longest company names registered in Europe
# run past 200 characters.
NAME_LENGTH = 250
ADDRESS_LENGTH = 200


class Account(models.Model):
    """The entity that buys and is billed, known outside by its number.

    Account Details (company, phone, address, tax number) stand here; the billing contact overrides
    them block by block (``accounts.contacts``). Neither this table nor Membership is under
    row-level security: they are the gate that opens an account's scope.
    """

    class Kind(models.TextChoices):
        PERSONAL = "personal"
        ORGANISATION = "organisation"

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        CLOSED = "closed"

    class TaxNumberStatus(models.TextChoices):
        UNCHECKED = "unchecked"
        VALID = "valid"
        INVALID = "invalid"

    # From 100001 up, never reused: see accounts.numbering.
    number = models.BigIntegerField(unique=True, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    name = models.CharField(max_length=NAME_LENGTH)
    # The customer's key in the system that charges come from.
    external_reference = models.CharField(max_length=100, null=True, blank=True, unique=True)
    timezone = models.CharField(max_length=64, default="UTC", validators=[known_time_zone])
    locale = models.CharField(max_length=10, default="en", validators=[known_locale])
    currency = models.CharField(max_length=3, validators=[known_currency], help_text="ISO 4217")

    company = models.CharField(max_length=NAME_LENGTH, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    address_line_1 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    address_line_2 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    address_line_3 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    subdivision = models.CharField(max_length=100, blank=True)
    country = models.CharField(
        max_length=2, validators=[known_country], help_text="ISO 3166-1 alpha-2"
    )

    tax_number = models.CharField(max_length=40, blank=True)
    tax_number_status = models.CharField(
        max_length=20, choices=TaxNumberStatus.choices, default=TaxNumberStatus.UNCHECKED
    )
    registration_id = models.CharField(max_length=60, blank=True, help_text="EN 16931 BT-47")
    registration_scheme = models.CharField(max_length=4, blank=True, help_text="ISO 6523 code")
    electronic_address = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-49")
    electronic_address_scheme = models.CharField(max_length=4, blank=True, help_text="EAS code")
    buyer_reference = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-10")
    order_number = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-13")
    contract_number = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-12")
    project_number = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-11")
    payment_terms_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="empty: the seller's own terms"
    )

    # Payment methods, contacts and the subscription are the owner's alone.
    billing_reserved_to_owner = models.BooleanField(
        "Only the owner may change billing settings", default=False, db_default=False
    )
    # 0078, lifted by the owner: user managers grant more than they hold.
    managers_may_grant_all = models.BooleanField(
        "User managers may grant any right but user management", default=False, db_default=False
    )
    order_number_required = models.BooleanField(
        "Bill nothing without an order number", default=False, db_default=False
    )
    # From when two-factor authentication is required of every member; null: it is not.
    two_factor_required_from = models.DateTimeField(null=True, blank=True, editable=False)
    two_factor_refuses_sms = models.BooleanField(
        "Authenticator apps only, no text messages", default=False, db_default=False, editable=False
    )
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(number__gte=100001), name="account_number_from_100001"
            ),
            models.CheckConstraint(
                condition=models.Q(country__regex="^[A-Z]{2}$"),
                name="account_country_is_a_code",
                violation_error_message="A country is two capital letters, such as GB.",
            ),
            models.CheckConstraint(
                condition=models.Q(currency__regex="^[A-Z]{3}$"),
                name="account_currency_is_a_code",
                violation_error_message="A currency is three capital letters, such as EUR.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"
