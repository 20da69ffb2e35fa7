"""Migrations run while the previous release serves: they add, and what is added has a default.

The first release's own migrations found no database in use. What takes something away, or demands
what the former release does not give, is spread over two releases (docs/operations.md).
"""

from collections.abc import Iterator, Sequence

import pytest
from django.apps import apps
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

FIRST_RELEASE = ("0001", "0002")
TAKES_AWAY = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)


def _later_operations() -> Iterator[tuple[str, Operation]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    own = {config.label for config in apps.get_app_configs() if "." not in config.name}
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app in own and name[:4] not in FIRST_RELEASE:
            for operation in _unwrapped(migration.operations):
                yield f"{app}.{name}", operation


def _unwrapped(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _unwrapped(operation.database_operations)
        else:
            yield operation


def _is_refused(operation: Operation) -> str:
    """Why the former release could not live with it; empty if it can."""
    if isinstance(operation, TAKES_AWAY):
        return "takes away what the former release uses"
    if isinstance(operation, migrations.AddField):
        field = operation.field
        if not (field.null or field.has_db_default() or field.many_to_many):
            return f"adds {operation.name}, which the former release does not fill in"
    return ""


def test_former_release_can_serve_while_migrations_run() -> None:
    refused = {
        f"{name} {why}"
        for name, operation in _later_operations()
        if (why := _is_refused(operation))
    }
    assert refused == set()


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("invoice", "number"),
        migrations.RenameField("invoice", "number", "label"),
        migrations.AddField("invoice", "colour", models.CharField(max_length=7)),
        migrations.AddField("invoice", "colour", models.CharField(max_length=7, default="#000")),
    ],
)
def test_check_finds_what_would_break_it(operation: Operation) -> None:
    assert _is_refused(operation)
