"""Whose details are printed, and who else gets invoices."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.models.accounts import ADDRESS_LENGTH, NAME_LENGTH, Account
from common.codes import known_country
from common.tokens import new_nonce


class Contact(models.Model):
    """Admin contact or billing contact of an account; need not be able to sign in.

    Every field may be empty: an empty block falls back (``accounts.contacts``).
    """

    class Kind(models.TextChoices):
        ADMIN = "admin"
        BILLING = "billing"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contacts")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    company = models.CharField(max_length=NAME_LENGTH, blank=True)
    tax_number = models.CharField(max_length=40, blank=True)
    tax_number_status = models.CharField(
        max_length=20,
        choices=Account.TaxNumberStatus.choices,
        default=Account.TaxNumberStatus.UNCHECKED,
    )
    address_line_1 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    address_line_2 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    address_line_3 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    subdivision = models.CharField(max_length=100, blank=True)
    country = models.CharField(
        max_length=2, blank=True, validators=[known_country], help_text="ISO 3166-1 alpha-2"
    )
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(max_length=254, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "kind"], name="contact_kind_is_unique"),
            models.CheckConstraint(
                condition=models.Q(country="") | models.Q(country__regex="^[A-Z]{2}$"),
                name="contact_country_is_a_code",
                violation_error_message="A country is two capital letters, such as GB.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} contact of {self.account}"


class InvoiceAddress(models.Model):
    """A further address that gets the account's invoices, once its reader has confirmed it.

    Needs no user ID. A new nonce ends the links that were sent before.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoice_addresses")
    email = models.EmailField(max_length=254)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    nonce = models.CharField(max_length=64, default=new_nonce)
    sent_count = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "invoice addresses"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "email"], name="invoice_address_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.email} for {self.account}"
