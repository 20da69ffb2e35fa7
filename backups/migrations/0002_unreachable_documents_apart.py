from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backups", "0001_witness_setbacks_backups")]

    operations = [
        migrations.AddField(
            model_name="completedbackup",
            name="unreachable",
            field=models.PositiveIntegerField(
                db_default=0,
                help_text="documents that the storage did not hand out; nothing is wrong with them",
            ),
        ),
    ]
