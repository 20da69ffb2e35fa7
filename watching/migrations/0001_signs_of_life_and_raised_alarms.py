import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="SignOfLife",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                (
                    "heard_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "steady_since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("given_by", models.CharField(blank=True, db_default="", max_length=200)),
            ],
            options={
                "verbose_name_plural": "signs of life",
            },
        ),
        migrations.CreateModel(
            name="RaisedAlarm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=40)),
                ("subject", models.CharField(blank=True, max_length=100)),
                ("says", models.TextField()),
                ("since", models.DateTimeField(null=True)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("raised_at", models.DateTimeField(null=True)),
                ("over_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("code", "subject"), name="alarm_raised_once")
                ],
            },
        ),
    ]
