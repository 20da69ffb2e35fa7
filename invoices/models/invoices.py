from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate, Now

from accounts.models import Account
from common.ids import new_public_id
from invoices.models.columns import AMOUNT
from invoices.models.sellers import DocumentKind, NumberSeries, Seller
from taxes.vocabulary import TaxGroup


class Invoice(models.Model):
    """An invoice or a credit note: a draft, then issued (numbered and frozen), perhaps void.

    What an issued document says stands here and in its lines, tax lines and allowances, with a copy
    of both parties, so that nothing printed is looked up again. Triggers refuse every later change
    but voiding. Whether it is paid is computed from ``Settlement``, never stored. BT- and BG-
    numbers are terms of EN 16931-1. Amounts are in ``currency``; a credit note's are positive.
    """

    Kind = DocumentKind

    class State(models.TextChoices):
        DRAFT = "draft"
        ISSUED = "issued"
        VOID = "void"

    public_id = models.CharField(max_length=20, unique=True, default=new_public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoices")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=20, choices=DocumentKind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    # Supplies outside the scope of tax stand on a document of their own (BR-O-11 to 14).
    tax_group = models.CharField(max_length=20, choices=TaxGroup.choices, default=TaxGroup.TAXED)
    # The billing run that drafted it: a plain id, since billing lies above this package.
    batch_id = models.UUIDField(null=True, editable=False)

    series = models.ForeignKey(NumberSeries, on_delete=models.PROTECT, null=True, editable=False)
    sequence = models.PositiveIntegerField(null=True, editable=False)
    number = models.CharField(max_length=40, null=True, editable=False)  # noqa: DJ001 - BT-1; NULL in drafts
    issue_date = models.DateField(null=True, editable=False)  # BT-2, a day of the seller's zone
    issued_at = models.DateTimeField(null=True, editable=False)
    tax_point_date = models.DateField(null=True)  # BT-7; empty when lines have their own
    delivery_date = models.DateField(null=True)  # BT-72
    due_date = models.DateField(null=True)  # BT-9
    payment_terms = models.CharField(max_length=500, blank=True)  # BT-20
    # Invoicing period (BG-14), half-open: period_end is the first day after it (BT-74 plus one).
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    locale = models.CharField(max_length=10)

    currency = models.CharField(max_length=3)  # BT-5
    accounting_currency = models.CharField(max_length=3)  # BT-6
    # Units of accounting currency for one of currency; the day and the source it was taken from.
    exchange_rate = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    exchange_rate_date = models.DateField(null=True)
    exchange_rate_source = models.CharField(max_length=60, blank=True)

    buyer_reference = models.CharField(max_length=100, blank=True)  # BT-10
    project_number = models.CharField(max_length=100, blank=True)  # BT-11
    contract_number = models.CharField(max_length=100, blank=True)  # BT-12
    order_number = models.CharField(max_length=100, blank=True)  # BT-13
    preceding = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="followed_by",
    )  # BG-3
    notes = models.TextField(blank=True)  # BT-22

    # Copies made at issue, as invoices.parties writes them.
    seller_party = models.JSONField(null=True, editable=False)  # BG-4
    buyer_party = models.JSONField(null=True, editable=False)  # BG-7
    deliver_to = models.JSONField(null=True, editable=False)  # BG-15
    payment_means = models.JSONField(null=True, editable=False)  # BG-16

    line_total = models.DecimalField(**AMOUNT, default=0)  # BT-106
    allowance_total = models.DecimalField(**AMOUNT, default=0)  # BT-107
    charge_total = models.DecimalField(**AMOUNT, default=0)  # BT-108
    net_total = models.DecimalField(**AMOUNT, default=0)  # BT-109
    tax_total = models.DecimalField(**AMOUNT, default=0)  # BT-110
    tax_total_accounting = models.DecimalField(**AMOUNT, null=True)  # BT-111
    gross_total = models.DecimalField(**AMOUNT, default=0)  # BT-112
    prepaid_amount = models.DecimalField(**AMOUNT, default=0)  # BT-113
    rounding_amount = models.DecimalField(**AMOUNT, default=0)  # BT-114
    amount_due = models.DecimalField(**AMOUNT, default=0)  # BT-115

    # Which spelling of the content was hashed: invoices.sealing.VERSION at the time.
    content_version = models.PositiveSmallIntegerField(null=True, editable=False)
    # SHA-256 in hex of the frozen content, which includes previous_hash: see invoices.sealing.
    content_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    previous_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    voided_at = models.DateTimeField(null=True, editable=False)
    void_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # What composite foreign keys refer to: see common.tenancy.
            models.UniqueConstraint(fields=["account", "id"], name="invoice_tenant_key"),
            models.UniqueConstraint(fields=["series", "sequence"], name="invoice_sequence_once"),
            # Over all sellers: an address names a document by its number alone.
            models.UniqueConstraint(fields=["number"], name="invoice_number_once"),
            models.CheckConstraint(
                condition=Q(state="draft", number__isnull=True, sequence__isnull=True)
                | Q(
                    ~Q(state="draft"),
                    ~Q(content_hash=""),
                    series__isnull=False,
                    sequence__isnull=False,
                    number__isnull=False,
                    issue_date__isnull=False,
                    issued_at__isnull=False,
                    seller_party__isnull=False,
                    buyer_party__isnull=False,
                ),
                name="invoice_issued_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(state="void", voided_at__isnull=False)
                | Q(~Q(state="void"), voided_at__isnull=True),
                name="invoice_void_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(net_total=F("line_total") - F("allowance_total") + F("charge_total")),
                name="invoice_net_is_br_co_13",
            ),
            models.CheckConstraint(
                condition=Q(gross_total=F("net_total") + F("tax_total")),
                name="invoice_gross_is_br_co_15",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount_due=F("gross_total") - F("prepaid_amount") + F("rounding_amount")
                ),
                name="invoice_due_is_br_co_16",
            ),
            models.CheckConstraint(
                condition=Q(gross_total__gte=0), name="invoice_total_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(period_start__isnull=True, period_end__isnull=True)
                | Q(period_end__gt=F("period_start")),
                name="invoice_period_is_in_order",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-issue_date", "-id"], name="invoice_newest_first"),
            # What the list of an account's documents finds by: a number from its beginning on or by
            # its digits, and the few documents among many that are not open invoices.
            models.Index("account", Collate("number", "C"), name="invoice_by_number"),
            models.Index(fields=["account", "sequence"], name="invoice_by_sequence"),
            models.Index(
                fields=["account", "-issue_date", "-id"],
                condition=Q(kind="credit_note"),
                name="invoice_newest_credit_note",
            ),
            models.Index(
                fields=["account", "-issue_date", "-id"],
                condition=Q(state="void"),
                name="invoice_newest_void",
            ),
            models.Index(
                fields=["batch_id", "account"],
                condition=Q(state="draft"),
                name="invoice_drafts_of_run",
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"draft {self.public_id}"
