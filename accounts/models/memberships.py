"""Who belongs to an account, and who is asked to."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.accounts import Account
from accounts.permissions import Flag
from common.tokens import new_nonce


class Membership(models.Model):
    """A user's place in an account. Flags are stored, permissions are checked.

    Every account has exactly one owner when a transaction commits: at most one by a unique index,
    at least one by a deferred trigger.
    """

    class TwoFactorRule(models.TextChoices):
        """What holds for this member (0150): this account's rule alone is meant."""

        ACCOUNT = "account", _("As the account requires")
        REQUIRED = "required", _("Required")
        EXEMPT = "exempt", pgettext_lazy("two-factor rule", "Exempt")

    public_id = models.UUIDField(
        unique=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships"
    )
    is_owner = models.BooleanField(default=False)
    flags = ArrayField(
        models.CharField(max_length=20, choices=[(flag.value, flag.name) for flag in Flag]),
        default=list,
        blank=True,
    )
    receives_invoices = models.BooleanField("Send new invoices via email", default=False)
    two_factor_rule = models.CharField(
        max_length=10,
        choices=TwoFactorRule.choices,
        default=TwoFactorRule.ACCOUNT,
        db_default=TwoFactorRule.ACCOUNT.value,
    )
    two_factor_rule_reason = models.CharField(max_length=300, blank=True, db_default="")
    # The last day of an exemption, in the account's time zone; null: until it is lifted.
    two_factor_exempt_until = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(two_factor_rule="account")
                | ~models.Q(two_factor_rule_reason=""),
                name="membership_two_factor_rule_has_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(two_factor_rule="exempt")
                | models.Q(two_factor_exempt_until__isnull=True),
                name="membership_only_an_exemption_ends",
            ),
            models.UniqueConstraint(fields=["account", "user"], name="membership_is_unique"),
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(is_owner=True),
                name="account_has_at_most_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"


class Invitation(models.Model):
    """A pending membership, sent to an email address. Part of the gate, as Membership is.

    What the person will be able to do, who answers for it, and until when its link can be used.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        DELETED = "deleted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254)
    flags = ArrayField(
        models.CharField(max_length=20, choices=[(flag.value, flag.name) for flag in Flag]),
        default=list,
        blank=True,
    )
    receives_invoices = models.BooleanField(default=False)
    # Whose right to invite the invitation stands on; whoever sends it again takes that over.
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    # The language that the inviter read the panel in: the best guess for somebody unknown.
    language = models.CharField(max_length=10, default="en")
    nonce = models.CharField(max_length=64, default=new_nonce)
    sent_count = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    ended_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "email"],
                condition=models.Q(state="pending"),
                name="invitation_is_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending", ended_at__isnull=True)
                | (~models.Q(state="pending") & models.Q(ended_at__isnull=False)),
                name="invitation_ended_says_when",
            ),
            models.CheckConstraint(
                condition=models.Q(state="accepted", accepted_by__isnull=False)
                | (~models.Q(state="accepted") & models.Q(accepted_by__isnull=True)),
                name="invitation_accepted_says_by_whom",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["email"], name="invitation_by_email"),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.account} ({self.state})"
