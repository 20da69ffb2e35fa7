from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from invoices.models.columns import AMOUNT
from invoices.models.invoices import Invoice


class Settlement(models.Model):
    """What money has done to an issued document; made at issue, one for each.

    Kept apart from Invoice, whose issued rows cannot change. The check holds that a document is
    never settled beyond its total: credited, allocated and written off together.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    invoice = models.OneToOneField(
        Invoice, on_delete=models.PROTECT, db_constraint=False, related_name="settlement"
    )
    # A copy of the document's gross total, which the check below needs in its own row.
    total = models.DecimalField(**AMOUNT)
    credited = models.DecimalField(**AMOUNT, default=0)
    allocated = models.DecimalField(**AMOUNT, default=0)
    credit_applied = models.DecimalField(**AMOUNT, default=0)
    written_off = models.DecimalField(**AMOUNT, default=0)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            # As invoices.standing.settled adds them up.
            models.Index(
                fields=["account", "invoice"],
                condition=Q(
                    total__gt=F("credited")
                    + F("allocated")
                    + F("credit_applied")
                    + F("written_off")
                ),
                name="settlement_open",
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(
                    credited__gte=0,
                    allocated__gte=0,
                    credit_applied__gte=0,
                    written_off__gte=0,
                ),
                name="settlement_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    total__gte=F("credited")
                    + F("allocated")
                    + F("credit_applied")
                    + F("written_off")
                ),
                name="settlement_within_total",
            ),
        ]

    def __str__(self) -> str:
        return f"settlement of {self.invoice}"
