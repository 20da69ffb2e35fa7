from typing import ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.models import Account
from common.claims import Claimable
from invoices.models.invoices import Invoice
from mail.models import OutgoingEmail


class Document(Claimable):
    """A file of an issued invoice: rendered once, stored with its SHA-256, never made again."""

    class Kind(models.TextChoices):
        # What people read, with factur-x.xml in it. This row is the one that is claimed.
        PDF = "pdf", "PDF"
        # The same as UBL 2.1 (EN 16931), made and stored together with the PDF.
        UBL = "ubl", "UBL"

    class State(models.TextChoices):
        PENDING = "pending"
        RENDERING = "rendering"
        STORED = "stored"
        PARKED = "parked"

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, db_constraint=False, related_name="documents"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # Which layout made the bytes, so that a later one is not taken for an alteration.
    template_version = models.CharField(max_length=20, blank=True)
    storage_key = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveIntegerField(null=True, help_text="bytes")
    stored_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["invoice", "kind"], name="document_kind_once"),
            models.CheckConstraint(
                condition=~models.Q(state="stored")
                | models.Q(
                    ~models.Q(sha256=""),
                    ~models.Q(storage_key=""),
                    size__gt=0,
                    stored_at__isnull=False,
                ),
                name="document_stored_has_its_hash",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=models.Q(state__in=["pending", "rendering"]),
                name="document_due",
            ),
            models.Index(
                fields=["created_at"],
                condition=models.Q(state="parked"),
                name="document_parked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.invoice}"


class Delivery(models.Model):
    """One recipient of one document, frozen at issue with the reason it is there.

    What became of it is its email's state, read by a join and never copied.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, db_constraint=False, related_name="deliveries"
    )
    address = models.EmailField(max_length=254)
    name = models.CharField(max_length=250, blank=True)
    reasons = ArrayField(models.CharField(max_length=40))
    # Whether the reader may open the document in the panel, so the mail may link there.
    may_view = models.BooleanField(default=False)
    email = models.OneToOneField(
        OutgoingEmail,
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="invoice_delivery",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["invoice", "address"], name="delivery_address_once"),
        ]

    def __str__(self) -> str:
        return f"{self.invoice} to {self.address}"


class FurtherDelivery(models.Model):
    """A stored document sent once more after issue: the same bytes, to whom, asked for by whom.

    Apart from ``Delivery``, which says who was to get the document when it was issued and is part
    of what is sealed. What became of it is its email's state, as there.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, db_constraint=False, related_name="further_deliveries"
    )
    address = models.EmailField(max_length=254)
    name = models.CharField(max_length=250, blank=True)
    # Plain, as in audit: it outlives the user it speaks of. Empty when staff or the program did it.
    asked_by_id = models.BigIntegerField(null=True)
    asked_by_name = models.CharField(max_length=250)
    email = models.OneToOneField(
        OutgoingEmail,
        on_delete=models.PROTECT,
        db_constraint=False,
        related_name="further_invoice_delivery",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "further deliveries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "id"], name="further_delivery_tenant_key"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["invoice", "created_at"], name="further_delivery_of_invoice"),
        ]

    def __str__(self) -> str:
        return f"{self.invoice} once more to {self.address}"
