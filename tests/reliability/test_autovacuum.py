"""PostgreSQL tidies up a database that is to be dropped; it does so as its superuser."""

import pytest
from psycopg import sql

from common.embedded import postgres
from common.embedded.places import OWNER_ROLE
from tests.reliability.installation import Installation
from tests.reliability.waiting import wait_until

pytestmark = pytest.mark.slow

_DATABASE = "left_over"
# A table of 100,000 altered rows, tidied up for as long as anybody lets it.
_TIDIED = (
    "CREATE TABLE altered WITH (autovacuum_vacuum_threshold = 0,"
    " autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_cost_delay = 100)"
    " AS SELECT number FROM generate_series(1, 100000) number",
    "UPDATE altered SET number = number + 1",
)
_AUTOVACUUM = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND backend_type = %s"


def test_a_database_is_dropped_by_its_owner_while_autovacuum_is_there(
    installation: Installation,
) -> None:
    database, owner = sql.Identifier(_DATABASE), sql.Identifier(OWNER_ROLE)
    with postgres.connect(installation.places) as server:
        server.execute("ALTER SYSTEM SET autovacuum_naptime = 1")
        server.execute("SELECT pg_reload_conf()")
        server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    with postgres.connect(installation.places, database=_DATABASE) as left_over:
        for statement in _TIDIED:
            left_over.execute(statement)
    wait_until(
        lambda: bool(installation.sql(_AUTOVACUUM, [_DATABASE, "autovacuum worker"])), timeout=60
    )
    dropping = f"from backups import databases; databases.drop({_DATABASE!r})"
    installation.manage("shell", "--no-imports", "--command", dropping)
    assert not installation.sql("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE])
