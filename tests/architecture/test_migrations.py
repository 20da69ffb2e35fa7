"""Migrations run while the previous release serves: they add, and what is added has a default.

The first release's own migrations found no database in use. What takes something away, or demands
what the former release does not give, is spread over two releases (docs/operations.md).
"""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from django.apps import apps
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import Q

# The last migration of each app that the first release came with; an app that is newer has none.
FIRST_RELEASE = {
    "accounts": "0001",
    "audit": "0001",
    "billing": "0002",
    "invoices": "0002",
    "mail": "0001",
    "taxes": "0002",
    "users": "0001",
}
# Migrations whose operations no rule can judge, and why the former release can live with them.
JUDGED_BY_A_PERSON: Mapping[str, str] = {
    "accounts.0002_invitations_invoice_addresses_ownership": "policies for tables that it makes",
    "accounts.0004_who_needs_two_factor": "constraints on columns that it adds, with defaults",
    "backups.0001_witness_setbacks_backups": "triggers and a first row for tables that it makes",
    "billing.0005_charges_of_void_documents_are_free": "a guard allows what only the next release"
    " does",
    "invoices.0004_documents_sent_once_more": "policies and a trigger for a table that it makes;"
    " of the kinds only Python's list grows",
    "mail.0002_links_made_at_sending": "a constraint and a trigger on columns that it adds",
    "mail.0003_what_became_of_sent_mail": "policies and a trigger for a table that it makes; a"
    " constraint on a column that it adds, with a default",
}
TAKES_AWAY = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)
# Of what the former release reads and writes, nothing changes.
HARMLESS = (
    migrations.CreateModel,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.RemoveConstraint,
    migrations.RemoveIndex,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
REASONS: Mapping[tuple[type[Operation], ...], str] = {
    TAKES_AWAY: "takes away what the former release uses",
    (migrations.AddField,): "adds what the former release does not fill in",
    (migrations.AlterField,): "alters what the former release reads and writes as it was",
    (migrations.AddConstraint, migrations.AlterUniqueTogether): (
        "binds rows that the former release writes without knowing"
    ),
    (migrations.AddIndex,): "keeps the former release from writing: add it concurrently",
}
# Done in two releases, or with a default, they need no excuse.
BEYOND_JUDGEMENT = (*TAKES_AWAY, migrations.AddField)
# In a table that is new they bind nobody and lock nothing.
FOR_NEW_TABLES = (
    migrations.AddConstraint,
    migrations.AddField,
    migrations.AddIndex,
    migrations.AlterField,
    migrations.AlterUniqueTogether,
)


def _refusals(operations: Sequence[Operation], *, judged: bool = False) -> Iterator[str]:
    """Why the former release could not live with a migration; ``judged`` is one that is listed."""
    new_models: set[str] = set()
    for operation in _unwrapped(operations):
        if isinstance(operation, migrations.CreateModel):
            new_models.add(operation.name_lower)
        if isinstance(operation, FOR_NEW_TABLES) and _model_of(operation) in new_models:
            continue
        if judged and not isinstance(operation, BEYOND_JUDGEMENT):
            continue
        if why := _refusal(operation):
            yield f"{type(operation).__name__} {why}"


def _refusal(operation: Operation) -> str:
    """Empty if the former release can live with it."""
    if isinstance(operation, HARMLESS) or _needs_no_filling_in(operation):
        return ""
    for kinds, why in REASONS.items():
        if isinstance(operation, kinds):
            return why
    return "is for a person to judge"


def _needs_no_filling_in(operation: Operation) -> bool:
    if not isinstance(operation, migrations.AddField):
        return False
    field = operation.field
    return bool(field.null or field.has_db_default() or field.many_to_many)


def _unwrapped(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _unwrapped(operation.database_operations)
        else:
            yield operation


def _model_of(operation: Operation) -> str:
    """In lower case. Fields, constraints and indexes say it by different names."""
    if isinstance(operation, migrations.AlterUniqueTogether):
        return operation.name_lower
    return str(operation.model_name).lower()  # type: ignore[attr-defined]


def _later_migrations() -> dict[str, migrations.Migration]:
    """Those that meet a database in use, or came with an app that the first release had not."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    own = {config.label for config in apps.get_app_configs() if "." not in config.name}
    return {
        f"{app}.{name}": migration
        for (app, name), migration in sorted(loader.disk_migrations.items())
        if app in own and name[:4] > FIRST_RELEASE.get(app, "")
    }


def test_former_release_can_serve_while_migrations_run() -> None:
    refused = {
        f"{name} {why}"
        for name, migration in _later_migrations().items()
        for why in _refusals(migration.operations, judged=name in JUDGED_BY_A_PERSON)
    }
    assert refused == set()


def test_every_judgement_is_about_a_migration_that_needs_it() -> None:
    later = _later_migrations()
    assert {name for name in later if list(_refusals(later[name].operations))} == {
        *JUDGED_BY_A_PERSON
    }


_TEXT = models.CharField(max_length=7)
_CHECK = models.CheckConstraint(condition=Q(id__gt=0), name="positive")
_UNIQUE = models.UniqueConstraint(fields=["number"], name="one_number")
_INDEX = models.Index(fields=["number"], name="by_number")


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("invoice", "number"),
        migrations.RenameField("invoice", "number", "label"),
        migrations.AddField("invoice", "colour", _TEXT),
        migrations.AddField("invoice", "colour", models.CharField(max_length=7, default="#000")),
        migrations.AlterField("invoice", "number", models.CharField(max_length=7)),
        migrations.AlterField("invoice", "number", models.CharField(max_length=7, null=True)),
        migrations.AddConstraint("invoice", _CHECK),
        migrations.AddConstraint("invoice", _UNIQUE),
        AddConstraintNotValid("invoice", _CHECK),
        migrations.AlterUniqueTogether("invoice", {("account", "number")}),
        migrations.AddIndex("invoice", _INDEX),
        migrations.RunSQL("ALTER TABLE invoices_invoice DROP COLUMN number"),
        migrations.RunPython(migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState([migrations.RunSQL("DROP TABLE invoices_invoice")]),
    ],
)
def test_check_finds_what_would_break_it(operation: Operation) -> None:
    assert list(_refusals([operation]))


def test_new_table_may_be_built_in_steps() -> None:
    steps = [
        migrations.CreateModel("Badge", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("badge", "number", _TEXT),
        migrations.AddConstraint("badge", _UNIQUE),
        migrations.AddIndex("badge", _INDEX),
    ]
    assert list(_refusals(steps)) == []


def test_judgement_excuses_no_removal() -> None:
    removal = [migrations.RemoveField("invoice", "number")]
    assert list(_refusals(removal, judged=True))
