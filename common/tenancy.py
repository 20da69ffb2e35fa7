"""SQL that migrations of tenant tables are made of: policies, composite keys, guards.

A *tenant table* has a column ``account_id``. Its first migration calls ``tenant_table`` for it, and
``tenant_reference`` for every foreign key between two tenant tables; a test reads the catalogue and
names whatever was forgotten.
"""

from typing import Any

from django.db.migrations import RunSQL

# What django-stubs lets RunSQL take; list is invariant.
_Statements = list[str | tuple[str, dict[str, Any] | list[Any] | tuple[Any, ...] | None]]

# The setting is read in a subquery so that PostgreSQL evaluates it once a statement and not once a
# row; NULLIF keeps 'all' and '' from being cast to a number.
_IN_SCOPE = """(
    (SELECT current_setting('counterfoil.scope', true)) = 'all'
    OR account_id = (SELECT nullif(nullif(
        current_setting('counterfoil.scope', true), 'all'), '')::bigint)
)"""


def tenant_table(table: str, *, account_optional: bool = False) -> RunSQL:
    """Row-level security for ``table``: rows are seen and written inside their account's scope.

    With ``account_optional`` a row that belongs to no account may be written by anyone, and read
    or changed under ``all_accounts_scope`` only. Its primary key must then be made by the program:
    ``INSERT … RETURNING`` of a row that the policy hides is refused.
    """
    check = f"({_IN_SCOPE} OR account_id IS NULL)" if account_optional else _IN_SCOPE
    forward: _Statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY read_in_scope ON {table} FOR SELECT USING {_IN_SCOPE}",
        f"CREATE POLICY insert_in_scope ON {table} FOR INSERT WITH CHECK {check}",
        f"CREATE POLICY update_in_scope ON {table} FOR UPDATE"
        f" USING {_IN_SCOPE} WITH CHECK {_IN_SCOPE}",
        f"CREATE POLICY delete_in_scope ON {table} FOR DELETE USING {_IN_SCOPE}",
    ]
    backward: _Statements = [
        *(
            f"DROP POLICY {verb}_in_scope ON {table}"
            for verb in ("read", "insert", "update", "delete")
        ),
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ]
    return RunSQL(forward, backward)


def tenant_reference(table: str, column: str, target: str) -> RunSQL:
    """A foreign key that cannot leave the account: ``(account_id, column)`` to ``target``.

    The model field says ``db_constraint=False``: Django's single-column constraint would only add a
    second check. ``target`` must carry a unique constraint over ``(account_id, id)``.
    """
    name = f"{table}_{column}_same_account"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (account_id, {column})"
        f" REFERENCES {target} (account_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def guard(
    table: str,
    name: str,
    *,
    when: str,
    body: str,
    declare: str = "",
    at_commit: bool = False,
    as_owner: bool = False,
) -> RunSQL:
    """A row trigger ``name`` on ``table``; ``when`` as in ``BEFORE UPDATE OR DELETE``.

    ``body`` is PL/pgSQL and must return a row; refusals are made with ``refuse``. ``at_commit``
    makes it a deferred constraint trigger (``when`` starts with AFTER). At commit no scope is open,
    so a guard that must see tenant rows then runs ``as_owner`` (SECURITY DEFINER). The search path
    is fixed, so that a temporary table cannot shadow what a guard reads.
    """
    function = f"{table}_{name}"
    declarations = f"DECLARE {declare}" if declare else ""
    security = "SECURITY DEFINER" if as_owner else "SECURITY INVOKER"
    kind = "CONSTRAINT TRIGGER" if at_commit else "TRIGGER"
    timing = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
    return RunSQL(
        [
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql {security}"
            " SET search_path = public, pg_temp AS"
            f" $guard$ {declarations} BEGIN {body} END $guard$",
            # A trigger fires without it; whoever may call the function could hang it on a table of
            # their own making and have it run their code, with the owner's rights if it has those.
            f"REVOKE EXECUTE ON FUNCTION {function}() FROM PUBLIC",
            f"CREATE {kind} {name} {when} ON {table} {timing}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()",
        ],
        [f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION {function}()"],
    )


def refuse(message: str) -> str:
    """A PL/pgSQL statement that refuses: Django raises IntegrityError. ``message`` is SQL text."""
    return f"RAISE EXCEPTION USING MESSAGE = {message}, ERRCODE = 'integrity_constraint_violation';"
