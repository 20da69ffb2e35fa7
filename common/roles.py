"""The two database roles, and how a command becomes the owner for a while.

Web, workers and console run as the *runtime* role, which owns nothing: it can neither drop a
trigger nor switch off a policy. ``migrate``, ``flush`` and test set-up act as the *owner*.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from common.embedded.places import RUNTIME_ROLE

# Tables whose rows the runtime role may add and never change.
_APPEND_ONLY_TABLES = ("audit_auditevent",)


@contextmanager
def as_owner(*, database: str = "") -> Iterator[None]:
    """The default connection, reopened as the owner role, for the length of the block.

    ``database`` names one other than the program's own on the same server. Must not be entered
    inside a transaction: the connection is closed on both ends.
    """
    if connection.in_atomic_block:
        raise RuntimeError("the role cannot change inside a transaction")
    runtime = connection.settings_dict
    # What another caller keeps (a test database's name) stays; only who signs in changes.
    owner = {**runtime, **settings.OWNER_DATABASE, "NAME": database or runtime["NAME"]}
    connection.close()
    connection.settings_dict = owner
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = runtime


def grant_runtime_privileges() -> None:
    """Give the runtime role SELECT, INSERT, UPDATE, DELETE on every table and no more.

    Run by ``migrate`` after the migrations, as the owner: the same statement serves a new table, a
    new release and a restored backup. TRUNCATE, REFERENCES and TRIGGER are never granted.
    """
    role = connection.ops.quote_name(RUNTIME_ROLE)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        cursor.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        )
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        existing = set(connection.introspection.table_names(cursor))
        for table in _APPEND_ONLY_TABLES:
            if table in existing:
                cursor.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {role}")
        # The history of migrations is the owner's to write.
        cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}")
