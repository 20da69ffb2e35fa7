"""Makes a seller and customers in the installation that the environment names.

    python -m tests.reliability.stage 100 [--daily-run]

Today counts as billed, unless told to leave the daily run to be started. A process of its own:
tests of faults never touch the program's database through Django.
"""

import sys
from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402 - needs what is set up above

from accounts.models import Account, Contact, Membership  # noqa: E402
from accounts.opening import NewAccount, open_accounts  # noqa: E402
from audit.recording import Actor  # noqa: E402
from billing.billing_run import due_day, start_run  # noqa: E402
from billing.working import work_run  # noqa: E402
from common.scoping import all_accounts_scope  # noqa: E402
from tests.factories import make_seller  # noqa: E402
from tests.reliability.charges import (  # noqa: E402
    CURRENCY,
    SELLER,
    Scene,
    billing_contact_of,
    country_of,
    member_of,
)
from users.models import User  # noqa: E402

_AT_ONCE = 2000
_ACTOR = Actor.system("a test of faults")


def main(customers: int, *, daily_run: bool) -> None:
    make_seller(SELLER)
    if not daily_run:
        _let_daily_run_be_over()
    wanted = [
        NewAccount(
            kind=Account.Kind.ORGANISATION,
            name=f"Customer {reference}",
            country=country_of(serial),
            currency=CURRENCY,
            owner_email=f"owner@{reference.lower()}.example",
            external_reference=reference,
            address_lines=(f"{serial} High Street",),
            city="Ludlow",
            postcode="SY8 1AA",
        )
        for serial, reference in enumerate(Scene(customers).accounts, start=1)
    ]
    for start in range(0, len(wanted), _AT_ONCE):
        accounts = open_accounts(wanted[start : start + _AT_ONCE], actor=_ACTOR)
        _appoint_recipients(accounts)


def _let_daily_run_be_over() -> None:
    """Tomorrow's too: a test may run over the hour at which it starts."""
    today = due_day()
    work_run(start_run(as_of=today, actor=_ACTOR, daily_for=today + timedelta(days=1)))


def _appoint_recipients(accounts: list[Account]) -> None:
    """A billing contact, and a member who has invoices sent to them."""
    with all_accounts_scope("recipients for a test of faults"):
        Contact.objects.bulk_create(
            Contact(
                account=account,
                kind=Contact.Kind.BILLING,
                email=billing_contact_of(str(account.external_reference)),
            )
            for account in accounts
        )
        users = User.objects.bulk_create(
            User(
                email=member_of(str(account.external_reference)),
                email_verified_at=timezone.now(),
            )
            for account in accounts
        )
        Membership.objects.bulk_create(
            Membership(account=account, user=user, receives_invoices=True)
            for account, user in zip(accounts, users, strict=True)
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), daily_run="--daily-run" in sys.argv)
