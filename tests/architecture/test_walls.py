"""What the database itself refuses the program, read from its catalogue and tried by SQL."""

from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection

from common.embedded.places import RUNTIME_ROLE
from common.scoping import (
    ScopeViolation,
    account_scope,
    all_accounts_scope,
    current_scope,
)
from invoices.models import Invoice
from tests.scenes import an_account

pytestmark = pytest.mark.django_db

# The gate itself: what opens an account's scope cannot be inside it.
_GATE = {"accounts_membership", "accounts_invitation"}


def rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def tenant_tables() -> set[str]:
    found = rows(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'account_id'"
    )
    return {name for (name,) in found} - _GATE


def test_the_program_runs_as_the_runtime_role() -> None:
    assert rows("SELECT current_user") == [(RUNTIME_ROLE,)]


def test_the_runtime_role_owns_nothing_and_passes_no_wall() -> None:
    [(is_super, bypasses, creates)] = rows(
        "SELECT rolsuper, rolbypassrls, rolcreaterole OR rolcreatedb FROM pg_roles"
        " WHERE rolname = current_user"
    )
    owned = rows(
        "SELECT relname FROM pg_class WHERE relowner = current_user::regrole"
        " UNION ALL SELECT proname FROM pg_proc WHERE proowner = current_user::regrole"
        " UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = current_user::regrole"
    )
    assert (is_super, bypasses, creates, owned) == (False, False, False, [])


def test_the_runtime_role_may_truncate_nothing_and_create_nothing() -> None:
    privileges = rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND has_table_privilege(oid, 'TRUNCATE, TRIGGER, REFERENCES')"
    )
    assert privileges == []
    assert rows("SELECT has_schema_privilege('public', 'CREATE')") == [(False,)]


def test_the_runtime_role_can_call_no_function_of_ours() -> None:
    """Triggers fire without it. A SECURITY DEFINER one that could be hung on a temporary table with
    an implicit cast would run the caller's code with the owner's rights.
    """
    callable_ones = rows(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND has_function_privilege(oid, 'EXECUTE')"
    )
    assert callable_ones == []


def test_audit_rows_can_be_added_and_read_only() -> None:
    allowed = rows(
        "SELECT has_table_privilege('audit_auditevent', 'INSERT'),"
        " has_table_privilege('audit_auditevent', 'SELECT'),"
        " has_table_privilege('audit_auditevent', 'UPDATE'),"
        " has_table_privilege('audit_auditevent', 'DELETE')"
    )
    assert allowed == [(True, True, False, False)]


def test_every_tenant_table_has_a_policy_for_every_command() -> None:
    assert len(tenant_tables()) >= 10
    policies = rows(
        "SELECT c.relname, p.polcmd FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE c.relrowsecurity"
    )
    commands: dict[str, set[str]] = {}
    for table, command in policies:
        commands.setdefault(table, set()).add(
            command.decode() if isinstance(command, bytes) else command
        )
    assert commands == {table: {"r", "a", "w", "d"} for table in tenant_tables()}


def test_every_policy_reads_the_setting_once_a_statement() -> None:
    texts = rows(
        "SELECT tablename, coalesce(qual, '') || coalesce(with_check, '') FROM pg_policies"
    )
    for table, text in texts:
        assert "SELECT current_setting('counterfoil.scope'" in text, table


def test_references_between_tenant_tables_cannot_leave_the_account() -> None:
    """A foreign key from one tenant table to another is composite, with the account in it."""
    keys = rows(
        "SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,"
        "  (SELECT array_agg(a.attname::text ORDER BY k.ord)"
        "   FROM unnest(c.conkey) WITH ORDINALITY AS k(num, ord)"
        "   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num)"
        " FROM pg_constraint c WHERE c.contype = 'f'"
    )
    tables = tenant_tables()
    between = [key for key in keys if key[1] in tables and key[2] in tables]
    assert len(between) >= 10
    assert [key for key in between if "account_id" not in key[3]] == []


def test_every_reference_of_a_model_is_held_by_the_database() -> None:
    """``db_constraint=False`` is for columns that a composite key covers, and for no others."""
    covered = {
        (table, column)
        for table, columns in rows(
            "SELECT c.conrelid::regclass::text,"
            "  (SELECT array_agg(a.attname::text) FROM pg_attribute a"
            "   WHERE a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey))"
            " FROM pg_constraint c WHERE c.contype = 'f'"
        )
        for column in columns
    }
    fields = [
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.is_relation
    ]
    # The account of a child row: its composite keys carry it to a row whose account is checked.
    assert [pair for pair in fields if pair not in covered] == []


def test_without_a_scope_every_tenant_table_is_empty(two_invoices: tuple[Invoice, Invoice]) -> None:
    filled = 0
    for table in tenant_tables():
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)], table
        with all_accounts_scope("counting what a scope shows"):
            filled += rows(f"SELECT count(*) > 0 FROM {table}") == [(True,)]
    assert filled >= 8


def test_a_scope_shows_one_account(two_invoices: tuple[Invoice, Invoice]) -> None:
    mine, theirs = two_invoices
    with account_scope(mine.account_id):
        numbers = [number for (number,) in rows("SELECT number FROM invoices_invoice")]
        assert numbers == [mine.number]
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE billing_billingentry SET description = 'x' WHERE account_id = %s",
                [theirs.account_id],
            )
            assert cursor.rowcount == 0


def test_a_row_for_another_account_is_refused(two_invoices: tuple[Invoice, Invoice]) -> None:
    mine, theirs = two_invoices
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        account_scope(mine.account_id),
    ):
        Invoice.objects.create(
            account_id=theirs.account_id,
            seller=mine.seller,
            kind="invoice",
            locale="en",
            currency="GBP",
            accounting_currency="GBP",
        )


@pytest.mark.parametrize("target", ["another account's", "nobody's"])
def test_a_row_that_refers_to_another_account_is_refused_like_one_that_refers_to_nothing(
    two_invoices: tuple[Invoice, Invoice], target: str
) -> None:
    mine, theirs = two_invoices
    pk = theirs.pk if target == "another account's" else 987_654_321
    with pytest.raises(IntegrityError) as refusal, account_scope(mine.account_id):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO invoices_delivery (account_id, invoice_id, address, name, reasons,"
                " may_view) VALUES (%s, %s, 'a@b.example', '', '{}', false)",
                [mine.account_id, pk],
            )
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert "invoices_delivery_invoice_id_same_account" in str(refusal.value)


def test_scopes_narrow_and_never_widen_or_cross() -> None:
    first, second = an_account(), an_account()
    with all_accounts_scope("starting wide"):
        with account_scope(first):
            assert current_scope() == str(first.pk)
            with account_scope(first.pk):
                pass
            with pytest.raises(ScopeViolation), account_scope(second):
                pytest.fail("the scope of another account was opened")
            with pytest.raises(ScopeViolation), all_accounts_scope("widening"):
                pytest.fail("the scope was widened")
            assert current_scope() == str(first.pk)
        assert current_scope() == "all"
    assert current_scope() == ""


def test_a_scope_ends_with_an_error_in_its_block() -> None:
    account = an_account()
    with pytest.raises(ZeroDivisionError), account_scope(account):
        1 / 0  # noqa: B018
    assert current_scope() == ""


FORBIDDEN = (
    "TRUNCATE invoices_invoice CASCADE",
    "TRUNCATE audit_auditevent",
    "ALTER TABLE invoices_invoice DISABLE TRIGGER ALL",
    "ALTER TABLE invoices_invoice DISABLE ROW LEVEL SECURITY",
    "DROP POLICY read_in_scope ON invoices_invoice",
    "DROP TRIGGER stays_as_issued ON invoices_invoice",
    "UPDATE audit_auditevent SET actor_label = 'somebody else'",
    "DELETE FROM audit_auditevent",
    "DELETE FROM django_migrations",
    "SET session_replication_role = replica",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_runtime_role_cannot_take_a_wall_down(
    two_invoices: tuple[Invoice, Invoice], statement: str
) -> None:
    with pytest.raises(ProgrammingError), all_accounts_scope("trying to take a wall down"):
        with connection.cursor() as cursor:
            cursor.execute(statement)
