from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_rows_are_guarded"),
    ]

    operations = [
        migrations.AddField(
            model_name="billingrun",
            name="daily_for",
            field=models.DateField(editable=False, null=True, unique=True),
        ),
    ]
