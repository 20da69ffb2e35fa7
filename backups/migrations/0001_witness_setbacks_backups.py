"""The witness starts with a row of its own: the installation it names goes along with every copy
of the database that is made from now on.
"""

import uuid

import django.core.serializers.json
import django.db.models.functions.datetime
from django.db import migrations, models

from common.tenancy import guard, refuse

_COUNTS_ON = f"""
    IF TG_OP = 'DELETE' THEN
        {refuse("'the witness stays'")}
    END IF;
    IF NEW.counter < OLD.counter OR NEW.installation <> OLD.installation THEN
        {refuse("'the witness only counts on'")}
    END IF;
    RETURN NEW;
"""

_STAYS_AS_ACKNOWLEDGED = f"""
    IF TG_OP = 'DELETE' OR OLD.acknowledged_at IS NOT NULL THEN
        {refuse("'a setback stays, and is acknowledged once'")}
    END IF;
    RETURN NEW;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CompletedBackup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="its folder in the backup folder", max_length=40),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                ("dump_bytes", models.BigIntegerField()),
                ("documents", models.PositiveIntegerField()),
                ("document_bytes", models.BigIntegerField()),
                ("has_documents", models.BooleanField(default=True)),
                (
                    "faults",
                    models.PositiveIntegerField(help_text="documents that were missing or altered"),
                ),
            ],
            options={"ordering": ["-finished_at"], "get_latest_by": "finished_at"},
        ),
        migrations.CreateModel(
            name="Setback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("witness", "Witness"),
                            ("restore", "Restore"),
                            ("declared", "Declared"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "found_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("counter", models.BigIntegerField()),
                ("witness_counter", models.BigIntegerField(null=True)),
                ("witnessed_at", models.DateTimeField(null=True)),
                (
                    "heads",
                    models.JSONField(
                        default=list, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                ("followed", models.JSONField(default=dict)),
                ("reused", models.JSONField(default=list)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("acknowledged_by", models.CharField(blank=True, max_length=320)),
                ("note", models.TextField(blank=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("acknowledged_at__isnull", True)),
                        fields=("acknowledged_at",),
                        name="setback_one_is_open",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("acknowledged_at__isnull", True),
                            models.Q(
                                models.Q(("acknowledged_by", ""), _negated=True),
                                models.Q(("note", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="setback_acknowledged_says_by_whom",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Witness",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("installation", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("counter", models.BigIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name_plural": "witness",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="witness_is_one_row"
                    ),
                ],
            },
        ),
        guard(
            "backups_witness",
            "counts_on",
            when="BEFORE UPDATE OR DELETE",
            body=_COUNTS_ON,
        ),
        guard(
            "backups_setback",
            "stays_as_acknowledged",
            when="BEFORE UPDATE OR DELETE",
            body=_STAYS_AS_ACKNOWLEDGED,
        ),
        migrations.RunSQL(
            "INSERT INTO backups_witness (id, installation, counter)"
            " VALUES (1, gen_random_uuid(), 0)",
            "TRUNCATE backups_witness",
        ),
    ]
