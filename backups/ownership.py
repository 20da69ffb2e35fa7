"""Acting as the owner role, who alone sees every row without being told what is hidden."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from backups.refusals import NotTheOwner
from common.roles import as_owner

# A database that is always there, to work on others from.
MAINTENANCE_DATABASE = "postgres"


@contextmanager
def owner_of(database: str = "") -> Iterator[None]:
    """The default connection as the owner role, on ``database`` or the program's own.

    Raises NotTheOwner where the environment names no owner login.
    """
    if not settings.OWNER_DATABASE:
        raise NotTheOwner(
            "There is no login of the owner role here: set DATABASE_OWNER_URL. The role that the"
            " program runs as sees no rows outside an account's scope."
        )
    with as_owner(database=database):
        yield


def refuse_hidden_rows() -> None:
    """Raise NotTheOwner if policies hide rows from the present role: a copy could lack them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, array_agg(relname::text ORDER BY relname) FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            "   AND row_security_active(oid)"
        )
        role, tables = cursor.fetchone()
    if tables:
        raise NotTheOwner(
            f"Policies hide rows of {tables[0]} and others from {role}: the login of"
            " DATABASE_OWNER_URL must be the owner of the tables."
        )
