from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from common.exceptions import DomainError
from portal.demo.loading import load_sample
from portal.demo.people import demo_password, let_people_sign_in
from portal.demo.sample import read_sample


class Command(BaseCommand):
    help = (
        "Set up a sample operator with customers, charges and invoices, and say who can sign in."
        " Running it again adds nothing twice. Embedded mode only."
    )

    def handle(self, **_: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(
                "This installation has a database of its own. The sample goes into the embedded"
                " one alone: its people, prices and invoices are made up."
            )
        try:
            load_sample(read_sample(), today=timezone.localdate(), say=self._say)
        except DomainError as refused:
            raise CommandError(str(refused)) from refused
        password = demo_password()
        people = let_people_sign_in(password=password)
        width = max(len(person.email) for person in people)
        self.stdout.write(f"Sign in with the password {password} as")
        for person in people:
            self.stdout.write(f"  {person.email:<{width}}  {person.standing}")

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=str)
