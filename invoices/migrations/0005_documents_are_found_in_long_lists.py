import django.db.models.expressions
import django.db.models.functions.comparison
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently, so that documents go on being written meanwhile; not possible in a transaction.
    atomic = False

    dependencies = [
        ("accounts", "0003_account_offers"),
        ("invoices", "0004_documents_sent_once_more"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="invoice",
            index=models.Index(
                models.F("account"),
                django.db.models.functions.comparison.Collate("number", "C"),
                name="invoice_by_number",
            ),
        ),
        AddIndexConcurrently(
            model_name="invoice",
            index=models.Index(fields=["account", "sequence"], name="invoice_by_sequence"),
        ),
        AddIndexConcurrently(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("kind", "credit_note")),
                fields=["account", "-issue_date", "-id"],
                name="invoice_newest_credit_note",
            ),
        ),
        AddIndexConcurrently(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("state", "void")),
                fields=["account", "-issue_date", "-id"],
                name="invoice_newest_void",
            ),
        ),
        AddIndexConcurrently(
            model_name="settlement",
            index=models.Index(
                condition=models.Q(
                    (
                        "total__gt",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("credited"), "+", models.F("allocated")
                                ),
                                "+",
                                models.F("credit_applied"),
                            ),
                            "+",
                            models.F("written_off"),
                        ),
                    )
                ),
                fields=["account", "invoice"],
                name="settlement_open",
            ),
        ),
    ]
