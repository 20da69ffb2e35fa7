from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently, so that runs go on meanwhile; not possible in a transaction.
    atomic = False

    dependencies = [
        ("billing", "0003_a_day_has_one_daily_run"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="billingrunitem",
            index=models.Index(
                condition=models.Q(("state", "parked")),
                fields=["account"],
                name="run_item_parked",
            ),
        ),
    ]
