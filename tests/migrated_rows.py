"""What migrations put into tables, put back after tests that flush the database.

A test with transactions of its own ends with every table empty, the starting rates of tax and the
witness's row among them. Workers steal tests from one another, so no order of theirs helps.
"""

import psycopg
import pytest
from psycopg import sql

# Made anew by the flush itself, or of no concern to any test.
_LEFT_OUT = ("django_migrations", "django_content_type", "auth_permission")

# Table to its rows, as COPY writes them.
Rows = dict[str, bytes]


def read_migrated_rows(database: psycopg.Connection) -> Rows:
    """The rows of every table that has some."""
    tables = database.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind = 'r' AND NOT relname = ANY(%s) ORDER BY relname",
        [list(_LEFT_OUT)],
    ).fetchall()
    found = {name: _copied(database, name) for (name,) in tables}
    return {name: rows for name, rows in found.items() if rows}


def put_back(database: psycopg.Connection, migrated: Rows) -> None:
    """Into those of the tables that are empty now."""
    for name, rows in migrated.items():
        table = sql.Identifier(name)
        if database.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone():
            continue
        with (
            database.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy,
        ):
            copy.write(rows)
        _count_on(database, name)


def _count_on(database: psycopg.Connection, name: str) -> None:
    """The next key comes after those that were put back: some flushes begin to count anew."""
    counted = database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity <> ''",
        [name],
    ).fetchall()
    for (column,) in counted:
        database.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({table}, {name}), max({column}))"
                " FROM {own_table}"
            ).format(
                table=sql.Literal(name),
                name=sql.Literal(column),
                column=sql.Identifier(column),
                own_table=sql.Identifier(name),
            )
        )


def flushes(item: pytest.Item) -> bool:
    """Whether the test ends in a flush."""
    marker = item.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction"))


def _copied(database: psycopg.Connection, name: str) -> bytes:
    statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
    with database.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(bytes(block) for block in copy)
