"""Load the rates that ship with the program; ``manage.py load_tax_rates`` does the same later."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from taxes.starting_table import add_missing_rates


def _load(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    add_missing_rates(apps.get_model("taxes", "TaxRate"))


class Migration(migrations.Migration):
    dependencies = [("taxes", "0001_rates_and_registrations")]

    operations = [migrations.RunPython(_load, migrations.RunPython.noop)]
