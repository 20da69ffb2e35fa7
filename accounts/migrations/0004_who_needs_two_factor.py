from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_account_offers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="two_factor_refuses_sms",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                verbose_name="Authenticator apps only, no text messages",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="two_factor_required_from",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="membership",
            name="two_factor_exempt_until",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="membership",
            name="two_factor_rule",
            field=models.CharField(
                choices=[
                    ("account", "As the account requires"),
                    ("required", "Required"),
                    ("exempt", "Exempt"),
                ],
                db_default="account",
                default="account",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="two_factor_rule_reason",
            field=models.CharField(blank=True, db_default="", max_length=300),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("two_factor_rule", "account"),
                    models.Q(("two_factor_rule_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="membership_two_factor_rule_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("two_factor_rule", "exempt"),
                    ("two_factor_exempt_until__isnull", True),
                    _connector="OR",
                ),
                name="membership_only_an_exemption_ends",
            ),
        ),
    ]
