from typing import Any

from django.core.management.commands import migrate
from django.db import transaction

from common.roles import as_owner, grant_runtime_privileges


class Command(migrate.Command):
    help = "Migrate as the owner role, then grant the runtime role what it needs."

    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner():
            super().handle(*args, **options)
            # In one transaction: a running release never sees a moment without its privileges.
            with transaction.atomic():
                grant_runtime_privileges()
