from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="TaxRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("country", models.CharField(help_text="ISO 3166-1 alpha-2", max_length=2)),
                (
                    "rate_class",
                    models.CharField(
                        choices=[
                            ("standard", "standard rate"),
                            ("reduced", "reduced rate"),
                            ("book", "rate for printed books"),
                            ("e_publication", "rate for electronic books"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "percent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="17.5 for 17.5 %; empty: from this day on there is no such rate",
                        max_digits=5,
                        null=True,
                    ),
                ),
                (
                    "valid_from",
                    models.DateField(help_text="the first day; it ends where the next one begins"),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="the law or publication it was taken from",
                        max_length=200,
                    ),
                ),
            ],
            options={
                "ordering": ["country", "rate_class", "-valid_from"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("country", "rate_class", "valid_from"), name="tax_rate_begins_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("percent__isnull", True),
                            models.Q(("percent__gte", 0), ("percent__lte", 100)),
                            _connector="OR",
                        ),
                        name="tax_rate_is_a_percentage",
                        violation_error_message="A rate is a percentage from 0 to 100.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("country__regex", "^[A-Z]{2}$")),
                        name="tax_rate_country_is_a_code",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TaxRegistration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seller_code", models.SlugField(help_text="the seller's code", max_length=40)),
                (
                    "country",
                    models.CharField(
                        help_text="where it holds; for a One Stop Shop, the state that runs it",
                        max_length=2,
                    ),
                ),
                (
                    "scheme",
                    models.CharField(
                        choices=[
                            ("domestic", "Registered in the country"),
                            ("oss_union", "One Stop Shop, Union scheme"),
                            ("oss_non_union", "One Stop Shop, non-Union scheme"),
                            ("small_business", "Not charging tax: exemption for small businesses"),
                            (
                                "eu_threshold",
                                "Cross-border sales to EU consumers below EUR 10,000 a year",
                            ),
                        ],
                        default="domestic",
                        max_length=20,
                    ),
                ),
                (
                    "number",
                    models.CharField(
                        blank=True,
                        help_text="as printed on invoices, with its country's prefix",
                        max_length=40,
                    ),
                ),
                ("valid_from", models.DateField()),
                (
                    "valid_to",
                    models.DateField(
                        blank=True, help_text="the first day on which it no longer holds", null=True
                    ),
                ),
            ],
            options={
                "ordering": ["seller_code", "country", "scheme", "-valid_from"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("seller_code", "country", "scheme", "valid_from"),
                        name="tax_registration_begins_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True),
                            ("valid_to__gt", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="tax_registration_ends_after_it_begins",
                        violation_error_message="The first day on which it no longer holds comes after the first on which it does.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("number", ""), _negated=True),
                            ("scheme__in", ("small_business", "eu_threshold")),
                            _connector="OR",
                        ),
                        name="tax_registration_has_a_number",
                        violation_error_message="A registration has a number; only what is relied on without registering has none.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("country__regex", "^[A-Z]{2}$")),
                        name="tax_registration_country_is_a_code",
                    ),
                ],
            },
        ),
    ]
