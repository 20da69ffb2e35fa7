from typing import Any

from django.core.management.commands import flush

from common.roles import as_owner


class Command(flush.Command):
    help = "Flush as the owner role: the runtime role may not TRUNCATE."

    def handle(self, **options: Any) -> None:
        with as_owner():
            super().handle(**options)
