from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from invoices.models.columns import AMOUNT, PERCENT, QUANTITY
from invoices.models.invoices import Invoice
from taxes.vocabulary import TaxCategory

# An account's rows are reached through composite foreign keys (account_id, …) that the migration
# writes; Django's own single-column ones would let a row point into another account.


class InvoiceLine(models.Model):
    """One line (BG-25). ``net_amount`` = quantity × unit price ÷ base, less allowances, rounded."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, db_constraint=False, related_name="lines"
    )
    position = models.PositiveIntegerField()  # BT-126
    description = models.CharField(max_length=500)  # BT-153
    note = models.CharField(max_length=1000, blank=True)  # BT-127
    seller_item_id = models.CharField(max_length=60, blank=True)  # BT-155
    buyer_item_id = models.CharField(max_length=60, blank=True)  # BT-156
    standard_item_id = models.CharField(max_length=60, blank=True)  # BT-157
    standard_item_scheme = models.CharField(max_length=4, blank=True)
    object_identifier = models.CharField(max_length=100, blank=True)  # BT-128
    order_line_reference = models.CharField(max_length=60, blank=True)  # BT-132
    accounting_reference = models.CharField(max_length=100, blank=True)  # BT-133
    source_reference = models.CharField(max_length=100, blank=True)

    quantity = models.DecimalField(**QUANTITY)  # BT-129
    unit_code = models.CharField(max_length=3, default="C62")  # BT-130, UN/ECE Recommendation 20
    unit_price = models.DecimalField(**QUANTITY)  # BT-146, net, never negative (BR-27)
    price_base_quantity = models.DecimalField(**QUANTITY, default=1)  # BT-149
    net_amount = models.DecimalField(**AMOUNT)  # BT-131

    product_category = models.CharField(max_length=40)
    tax_point = models.DateField()
    tax_category = models.CharField(max_length=2, choices=TaxCategory.choices)  # BT-151
    tax_rate = models.DecimalField(**PERCENT)  # BT-152
    exemption_code = models.CharField(max_length=40, blank=True)  # BT-121, VATEX
    exemption_reason = models.CharField(max_length=500, blank=True)  # BT-120
    tax_country = models.CharField(max_length=2, blank=True)
    tax_reason = models.CharField(max_length=500)
    # Service period (BG-26), half-open.
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    # The line that this one of a credit note takes back; it keeps that line's rate.
    credits_line = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="credited_by",
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "id"], name="line_tenant_key"),
            models.UniqueConstraint(fields=["invoice", "position"], name="line_position_once"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="line_price_is_br_27"),
            models.CheckConstraint(
                condition=Q(price_base_quantity__gt=0), name="line_base_quantity_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(tax_category="S", tax_rate__gt=0) | Q(~Q(tax_category="S"), tax_rate=0),
                name="line_rate_fits_category",
            ),
            models.CheckConstraint(
                condition=Q(period_start__isnull=True, period_end__isnull=True)
                | Q(period_end__gt=F("period_start")),
                name="line_period_is_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.description}"


class InvoiceAllowance(models.Model):
    """An allowance or a charge, on the document (BG-20, BG-21) or on a line (BG-27, BG-28)."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, db_constraint=False, related_name="allowances"
    )
    line = models.ForeignKey(
        InvoiceLine,
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="allowances",
    )
    position = models.PositiveIntegerField()
    is_charge = models.BooleanField(default=False)
    amount = models.DecimalField(**AMOUNT)
    base_amount = models.DecimalField(**AMOUNT, null=True)
    percentage = models.DecimalField(**PERCENT, null=True)
    reason = models.CharField(max_length=200, blank=True)
    reason_code = models.CharField(max_length=3, blank=True)  # UNTDID 5189 or 7161
    # Of the document's own; one on a line takes the line's.
    tax_category = models.CharField(max_length=2, choices=TaxCategory.choices, blank=True)
    tax_rate = models.DecimalField(**PERCENT, null=True)
    exemption_code = models.CharField(max_length=40, blank=True)
    exemption_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["invoice", "position"], name="allowance_position_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="allowance_is_not_negative"),
            models.CheckConstraint(
                condition=Q(line__isnull=False) | Q(~Q(tax_category=""), tax_rate__isnull=False),
                name="allowance_of_document_is_taxed",
            ),
            models.CheckConstraint(
                condition=~Q(reason="", reason_code=""), name="allowance_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{'charge' if self.is_charge else 'allowance'} {self.amount} {self.reason}"


class InvoiceTaxLine(models.Model):
    """The tax of one category and rate (BG-23), rounded once (BR-CO-17)."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, db_constraint=False, related_name="tax_lines"
    )
    category = models.CharField(max_length=2, choices=TaxCategory.choices)  # BT-118
    rate = models.DecimalField(**PERCENT)  # BT-119
    taxable_amount = models.DecimalField(**AMOUNT)  # BT-116
    tax_amount = models.DecimalField(**AMOUNT)  # BT-117
    exemption_code = models.CharField(max_length=40, blank=True)  # BT-121
    exemption_reason = models.TextField(blank=True)  # BT-120, several joined

    class Meta:
        ordering: ClassVar[list[str]] = ["category", "-rate"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["invoice", "category", "rate"], name="tax_line_group_once"
            ),
            models.CheckConstraint(
                condition=Q(category="S") | Q(rate=0, tax_amount=0), name="tax_line_zero_is_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.rate}"
