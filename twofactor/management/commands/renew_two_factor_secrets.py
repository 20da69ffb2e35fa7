from typing import Any

from django.core.management.base import BaseCommand, CommandError

from twofactor.renewing import renew_secrets


class Command(BaseCommand):
    help = (
        "Bring the secrets of all authenticator apps under TWO_FACTOR_KEY. When it has said that "
        "none is left, TWO_FACTOR_KEY_FALLBACKS can be emptied."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        renewed, unreadable = renew_secrets()
        self.stdout.write(f"{renewed} secrets are under TWO_FACTOR_KEY now.")
        if unreadable:
            raise CommandError(
                f"{unreadable} secrets are under no key that is set. Add the former key to "
                "TWO_FACTOR_KEY_FALLBACKS, or have these people's two-factor authentication reset."
            )
