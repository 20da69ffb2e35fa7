"""What people do in the panel and its admin, in the installation that the environment names.

    python -m tests.reliability.by_hand retry
    python -m tests.reliability.by_hand sign_in owner@c00001.example
    python -m tests.reliability.by_hand hire staff@operator.example

A process of its own: tests of faults never touch the program's database through Django.
"""

import sys

import django

django.setup()

from django.conf import settings  # noqa: E402 - needs what is set up above
from django.utils import timezone  # noqa: E402

from audit.recording import Actor  # noqa: E402
from billing.billing_run import retry_item  # noqa: E402
from billing.models import BillingRunItem  # noqa: E402
from common.scoping import all_accounts_scope  # noqa: E402
from invoices.models import Document  # noqa: E402
from invoices.retrying import retry_document  # noqa: E402
from mail.models import OutgoingEmail  # noqa: E402
from mail.outbox import retry as retry_email  # noqa: E402
from tests.people import signed_in  # noqa: E402
from users.models import User  # noqa: E402

_ACTOR = Actor.system("a test of faults, by hand")


def retry() -> None:
    """All that was parked or has failed, with the buttons of the admin."""
    with all_accounts_scope("looking for what was parked"):
        items = list(BillingRunItem.objects.filter(state=BillingRunItem.State.PARKED))
        documents = list(Document.objects.filter(state=Document.State.PARKED))
        for email in OutgoingEmail.objects.filter(state=OutgoingEmail.State.FAILED):
            retry_email(email, actor=_ACTOR)
    for item in items:
        retry_item(item, actor=_ACTOR)
    for document in documents:
        retry_document(document, actor=_ACTOR)


def sign_in(email: str) -> None:
    """Prints the cookie of a new session: ``session=…``. Imported people have proved no address."""
    user = User.objects.get(email=email)
    user.email_verified_at = timezone.now()
    user.save(update_fields=["email_verified_at"])
    browser = signed_in(user)
    name = settings.SESSION_COOKIE_NAME
    print(f"{name}={browser.cookies[name].value}")


def hire(email: str) -> None:
    """Somebody new of the operator's staff, who may do everything and is signed in."""
    User.objects.create_superuser(email, password="as long as it must be")
    sign_in(email)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["retry"]:
            retry()
        case ["sign_in", email]:
            sign_in(email)
        case ["hire", email]:
            hire(email)
        case unknown:
            raise SystemExit(f"nobody does that by hand: {unknown}")
