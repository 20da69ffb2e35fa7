from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently, so that documents go on being written meanwhile; not possible in a transaction.
    atomic = False

    dependencies = [
        ("invoices", "0002_rows_are_guarded"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="document",
            index=models.Index(
                condition=models.Q(("state", "parked")),
                fields=["created_at"],
                name="document_parked",
            ),
        ),
    ]
