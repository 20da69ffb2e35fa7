"""Accounts on their way to an owner."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.models.accounts import NAME_LENGTH, Account
from common.codes import known_country, known_currency, known_time_zone
from common.tokens import new_nonce


class OwnershipChange(models.Model):
    """An account on its way to another owner: offered by the owner, or handed over by staff."""

    class Kind(models.TextChoices):
        OFFER = "offer"
        HAND_OVER = "hand_over"

    class State(models.TextChoices):
        PENDING = "pending"
        COMPLETED = "completed"
        DECLINED = "declined"
        # By the owner (both kinds) or by staff (a hand-over).
        STOPPED = "stopped"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="ownership_changes")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    from_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField(blank=True, help_text="required of staff")
    # Whether the former owner stays with full access and user management (0082).
    former_owner_keeps_access = models.BooleanField(default=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # A hand-over happens at this time; an offer can be accepted until then.
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(state="pending"),
                name="ownership_changes_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending", ended_at__isnull=True)
                | (~models.Q(state="pending") & models.Q(ended_at__isnull=False)),
                name="ownership_change_ended_says_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="hand_over", reason=""),
                name="ownership_hand_over_has_a_reason",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state="pending"),
                name="ownership_change_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account} to {self.to_user} ({self.state})"


class AccountOffer(models.Model):
    """A further account for somebody with a user ID, which begins when they accept (row Z6)."""

    class State(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="account_offers"
    )
    kind = models.CharField(max_length=20, choices=Account.Kind.choices)
    name = models.CharField(max_length=NAME_LENGTH)
    country = models.CharField(max_length=2, validators=[known_country])
    currency = models.CharField(max_length=3, validators=[known_currency])
    timezone = models.CharField(max_length=64, validators=[known_time_zone])
    offered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    nonce = models.CharField(max_length=64, default=new_nonce)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    ended_at = models.DateTimeField(null=True)
    opened = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(state="pending", ended_at__isnull=True)
                | (~models.Q(state="pending") & models.Q(ended_at__isnull=False)),
                name="account_offer_ended_says_when",
            ),
            models.CheckConstraint(
                condition=models.Q(state="accepted", opened__isnull=False)
                | (~models.Q(state="accepted") & models.Q(opened__isnull=True)),
                name="account_offer_accepted_has_its_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.to_user} ({self.state})"
