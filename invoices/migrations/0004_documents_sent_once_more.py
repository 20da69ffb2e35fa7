"""Documents that are sent once more, or to somebody else, after issue."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from common.tenancy import guard, refuse, tenant_reference, tenant_table


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_account_offers"),
        ("invoices", "0003_parked_documents_are_found"),
        ("mail", "0002_links_made_at_sending"),
    ]

    operations = [
        migrations.AlterField(
            model_name="document",
            name="kind",
            field=models.CharField(choices=[("pdf", "PDF"), ("ubl", "UBL")], max_length=10),
        ),
        migrations.CreateModel(
            name="FurtherDelivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("address", models.EmailField(max_length=254)),
                ("name", models.CharField(blank=True, max_length=250)),
                ("asked_by_id", models.BigIntegerField(null=True)),
                ("asked_by_name", models.CharField(max_length=250)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "email",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="further_invoice_delivery",
                        to="mail.outgoingemail",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="further_deliveries",
                        to="invoices.invoice",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "further deliveries",
                "indexes": [
                    models.Index(
                        fields=["invoice", "created_at"], name="further_delivery_of_invoice"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "id"), name="further_delivery_tenant_key"
                    )
                ],
            },
        ),
        tenant_table("invoices_furtherdelivery"),
        tenant_reference("invoices_furtherdelivery", "invoice_id", "invoices_invoice"),
        tenant_reference("invoices_furtherdelivery", "email_id", "mail_outgoingemail"),
        guard(
            "invoices_furtherdelivery",
            "stays_as_recorded",
            when="BEFORE UPDATE OR DELETE",
            body=refuse("'what was sent once more stays recorded'"),
        ),
    ]
