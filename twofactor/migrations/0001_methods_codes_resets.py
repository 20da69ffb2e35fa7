import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import common.tokens


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0002_sessions_links_address_changes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TwoFactor",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="two_factor",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "enabled_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "two-factor authentication",
                "verbose_name_plural": "two-factor authentication",
            },
        ),
        migrations.CreateModel(
            name="RecoveryCodes",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The human-readable name of this device.", max_length=64
                    ),
                ),
                (
                    "confirmed",
                    models.BooleanField(default=True, help_text="Is this device ready for use?"),
                ),
                (
                    "made_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "user",
                    models.ForeignKey(
                        help_text="The user that this device belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "recovery codes",
                "verbose_name_plural": "recovery codes",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("selector", models.CharField(max_length=4)),
                ("code_hash", models.CharField(max_length=200)),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "codes",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="codes",
                        to="twofactor.recoverycodes",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SmsMessage",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.CharField(help_text="E.164", max_length=16)),
                ("country", models.CharField(help_text="ISO 3166-1 alpha-2", max_length=2)),
                ("price", models.DecimalField(decimal_places=4, max_digits=10)),
                (
                    "state",
                    models.CharField(
                        choices=[("sending", "Sending"), ("sent", "Sent"), ("failed", "Failed")],
                        default="sending",
                        max_length=10,
                    ),
                ),
                ("gateway", models.CharField(max_length=20)),
                ("gateway_reference", models.CharField(blank=True, max_length=100)),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "text message",
            },
        ),
        migrations.CreateModel(
            name="SmsPhone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The human-readable name of this device.", max_length=64
                    ),
                ),
                (
                    "confirmed",
                    models.BooleanField(default=True, help_text="Is this device ready for use?"),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("number", models.CharField(help_text="E.164", max_length=16)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        help_text="The user that this device belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "phone for text messages",
                "verbose_name_plural": "phones for text messages",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SmsCode",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("bound_to", models.CharField(max_length=120)),
                ("code_hash", models.CharField(max_length=64)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("replaced_at", models.DateTimeField(null=True)),
                (
                    "phone",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="codes",
                        to="twofactor.smsphone",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TwoFactorReset",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.TextField()),
                ("check_made", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("completed", "Completed"),
                            ("stopped", "Stopped"),
                            ("lapsed", "Lapsed"),
                        ],
                        default="pending",
                        max_length=20,
                    ),
                ),
                ("nonce", models.CharField(default=common.tokens.new_nonce, max_length=64)),
                (
                    "started_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="two_factor_resets",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AuthenticatorApp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The human-readable name of this device.", max_length=64
                    ),
                ),
                (
                    "confirmed",
                    models.BooleanField(default=True, help_text="Is this device ready for use?"),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("encrypted_secret", models.TextField()),
                ("last_step", models.BigIntegerField(default=-1)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        help_text="The user that this device belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "authenticator app",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("confirmed", False)),
                        fields=("user",),
                        name="authenticator_app_set_up_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="recoverycodes",
            constraint=models.UniqueConstraint(fields=("user",), name="recovery_codes_are_one_set"),
        ),
        migrations.AddConstraint(
            model_name="recoverycode",
            constraint=models.UniqueConstraint(
                fields=("codes", "selector"), name="recovery_code_is_found"
            ),
        ),
        migrations.AddIndex(
            model_name="smsmessage",
            index=models.Index(fields=["-created_at"], name="sms_message_by_time"),
        ),
        migrations.AddConstraint(
            model_name="smsphone",
            constraint=models.UniqueConstraint(
                fields=("user", "confirmed"), name="sms_phone_is_one"
            ),
        ),
        migrations.AddIndex(
            model_name="smscode",
            index=models.Index(fields=["bound_to"], name="sms_code_by_purpose"),
        ),
        migrations.AddIndex(
            model_name="twofactorreset",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["due_at"],
                name="two_factor_reset_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="twofactorreset",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")),
                fields=("user",),
                name="two_factor_reset_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="twofactorreset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", ""), _negated=True),
                    models.Q(("check_made", ""), _negated=True),
                ),
                name="two_factor_reset_has_reason_and_check",
            ),
        ),
        migrations.AddConstraint(
            model_name="twofactorreset",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state", "pending")),
                    models.Q(
                        models.Q(("state", "pending"), _negated=True), ("ended_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="two_factor_reset_ended_says_when",
            ),
        ),
    ]
