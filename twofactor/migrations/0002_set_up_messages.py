from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("twofactor", "0001_methods_codes_resets"),
    ]

    operations = [
        migrations.AddField(
            model_name="smsmessage",
            name="is_set_up",
            field=models.BooleanField(db_default=False),
        ),
    ]
