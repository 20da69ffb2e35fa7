import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Account
from common.claims import Claimable
from invoices.models import InvoiceLine, Seller
from invoices.models.columns import QUANTITY


class BillingEntry(models.Model):
    """One chargeable thing, consumed by exactly one invoice line.

    Made by an import or, later, by prices and usage. Due once ``due_on`` has come; free while
    ``invoice_line`` is empty. A trigger refuses changes to an entry that a line has consumed.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="billing_entries")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=500)
    item_id = models.CharField(max_length=60, blank=True)
    quantity = models.DecimalField(**QUANTITY)
    unit_code = models.CharField(max_length=3, default="C62")
    # Net of tax and never negative (EN 16931 BR-27): what is taken back has a negative quantity.
    unit_price = models.DecimalField(**QUANTITY)
    price_base_quantity = models.DecimalField(**QUANTITY, default=1)
    product_category = models.CharField(max_length=40)
    tax_point = models.DateField()
    # Half-open, in the account's time zone.
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    due_on = models.DateField()
    order_number = models.CharField(max_length=100, blank=True)
    # The reference of the system it came from, printed with the line; not an order number.
    source_reference = models.CharField(max_length=100, blank=True)
    # SHA-256 in hex that makes taking the same charge twice impossible: see billing.charges.
    dedup_key = models.CharField(max_length=64)
    invoice_line = models.OneToOneField(
        InvoiceLine,
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="billing_entry",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "billing entries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # Not unique=True on the column, which would add a second index for LIKE.
            models.UniqueConstraint(fields=["dedup_key"], name="entry_taken_once"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="entry_price_is_br_27"),
            models.CheckConstraint(
                condition=Q(price_base_quantity__gt=0), name="entry_base_quantity_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(period_start__isnull=True, period_end__isnull=True)
                | Q(period_end__gt=F("period_start")),
                name="entry_period_is_in_order",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account", "due_on", "id"],
                condition=Q(invoice_line__isnull=True),
                name="entry_free",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description} for {self.account_id}"


class BillingRun(models.Model):
    """The job that turns due billing entries into drafts and, once approved, into documents."""

    class State(models.TextChoices):
        DRAFTING = "drafting"
        WAITING = "waiting", "waiting for approval"
        ISSUING = "issuing"
        FINISHED = "finished"
        STOPPED = "stopped"

    # Made by the program: invoices and mail carry it as a plain id.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFTING)
    # Entries due on or before this day are billed. It never back-dates a document.
    as_of = models.DateField()
    # The day whose daily run this is; a day has one, however many schedulers ask. Else empty.
    daily_for = models.DateField(null=True, unique=True, editable=False)
    only_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Issue without waiting, whatever the limits: said by the person who started the run.
    approve_at_once = models.BooleanField(default=False)
    started_by = models.CharField(max_length=320)
    approved_by = models.CharField(max_length=320, blank=True)
    # Why the drafts wait, in a sentence for staff; empty when within every limit.
    waiting_because = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]

    def __str__(self) -> str:
        return f"billing run of {self.as_of:%Y-%m-%d}, {self.get_state_display()}"


class BillingRunItem(Claimable):
    """One account of one run: drafted, then issued, by whichever worker claims it."""

    class State(models.TextChoices):
        PENDING = "pending"
        DRAFTING = "drafting"
        DRAFTED = "drafted"
        APPROVED = "approved"
        ISSUING = "issuing"
        ISSUED = "issued"
        PARKED = "parked"
        STOPPED = "stopped"
        # Its drafts were discarded by hand; its entries are due again for another run.
        DISCARDED = "discarded"

    run = models.ForeignKey(BillingRun, on_delete=models.PROTECT, related_name="items")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "account"], name="run_item_account_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(state__in=["pending", "drafting", "approved", "issuing"]),
                name="run_item_due",
            ),
            models.Index(fields=["account"], condition=Q(state="parked"), name="run_item_parked"),
        ]

    def __str__(self) -> str:
        return f"account {self.account_id} in {self.run_id}"
