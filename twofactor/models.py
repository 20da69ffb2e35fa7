"""A person's methods of two-factor authentication, and what is on its way with them.

The methods are devices of django-otp: its middleware finds, on each request, the one with which a
session was begun.
"""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django_otp.models import Device

from common.tokens import new_nonce

NAME_LENGTH = 64


class TwoFactor(models.Model):
    """That a person has turned two-factor authentication on. Without a row it is off."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="two_factor",
    )
    enabled_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "two-factor authentication"
        verbose_name_plural = "two-factor authentication"

    def __str__(self) -> str:
        return f"two-factor of {self.user}"


class AuthenticatorApp(Device):
    """A secret shared with an app that makes codes of it (TOTP, RFC 6238). A person has several."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    # Under TWO_FACTOR_KEYS (``twofactor.sealing``).
    encrypted_secret = models.TextField()
    # The step of the last code that was used; neither it nor one before it is taken again.
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta(Device.Meta):
        verbose_name = "authenticator app"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # What was begun and left is taken over by whoever begins again.
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(confirmed=False),
                name="authenticator_app_set_up_one_at_a_time",
            ),
        ]


class SmsPhone(Device):
    """A number that gets codes by text message, once its person has typed one back."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    number = models.CharField(max_length=16, help_text="E.164")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta(Device.Meta):
        verbose_name = "phone for text messages"
        verbose_name_plural = "phones for text messages"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # One that works, and one that is to take its place.
            models.UniqueConstraint(fields=["user", "confirmed"], name="sms_phone_is_one"),
        ]


class SmsCode(models.Model):
    """A code that was sent: for one purpose of one session, for five minutes, once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    phone = models.ForeignKey(SmsPhone, on_delete=models.CASCADE, related_name="codes")
    # What it may be used for, such as one pending sign-in; nothing else takes it.
    bound_to = models.CharField(max_length=120)
    # HMAC under a key that is not in the database: six digits are soon tried.
    code_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    # A newer one for the same purpose ends it.
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["bound_to"], name="sms_code_by_purpose"),
        ]

    def __str__(self) -> str:
        return f"code for {self.bound_to}"


class SmsMessage(models.Model):
    """A text message that was handed to a gateway, or was about to be; what it is counted by."""

    class State(models.TextChoices):
        # Also after a crash: whether it left is not known, so it counts.
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    number = models.CharField(max_length=16, help_text="E.164")
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    # SMS_PRICE at the time; the gateway's own price is known later, or never.
    price = models.DecimalField(max_digits=10, decimal_places=4)
    # To a number that nobody has confirmed: all of these may use a part of SMS_DAILY_CAP.
    is_set_up = models.BooleanField(db_default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.SENDING)
    gateway = models.CharField(max_length=20)
    gateway_reference = models.CharField(max_length=100, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "text message"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-created_at"], name="sms_message_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.state} to {self.country}"


class RecoveryCodes(Device):
    """A person's ten codes for when no other method is at hand. They are never the only method."""

    made_at = models.DateTimeField(db_default=Now(), editable=False)
    # Which making of them it is: a form that was sent twice makes no second one.
    version = models.PositiveIntegerField(default=1)

    class Meta(Device.Meta):
        verbose_name = "recovery codes"
        verbose_name_plural = "recovery codes"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user"], name="recovery_codes_are_one_set"),
        ]


class RecoveryCode(models.Model):
    """One of them, under the password hasher (ASVS 6.5.2)."""

    codes = models.ForeignKey(RecoveryCodes, on_delete=models.CASCADE, related_name="codes")
    # The first characters, by which it is found: no secret.
    selector = models.CharField(max_length=4)
    code_hash = models.CharField(max_length=200)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["codes", "selector"], name="recovery_code_is_found"),
        ]

    def __str__(self) -> str:
        return f"{self.selector}…"


class TwoFactorReset(models.Model):
    """Staff take all methods away from a person who has lost them, after a time to object."""

    class State(models.TextChoices):
        PENDING = "pending"
        COMPLETED = "completed"
        # By the person alone.
        STOPPED = "stopped"
        # There was nothing to reset any more, or the user ID was closed.
        LAPSED = "lapsed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="two_factor_resets"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField()
    # How staff made sure who is asking (0153).
    check_made = models.TextField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    nonce = models.CharField(max_length=64, default=new_nonce)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField()
    # By a user manager of an account of the person's, which makes it sooner.
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(state="pending"),
                name="two_factor_reset_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(reason="") & ~models.Q(check_made=""),
                name="two_factor_reset_has_reason_and_check",
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending", ended_at__isnull=True)
                | (~models.Q(state="pending") & models.Q(ended_at__isnull=False)),
                name="two_factor_reset_ended_says_when",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state="pending"),
                name="two_factor_reset_due",
            ),
        ]

    def __str__(self) -> str:
        return f"two-factor reset of {self.user} ({self.state})"
