"""Puts people, accounts and an invoice into the installation that the environment names.

    python -m tests.e2e.stage

A process of its own: browser tests never touch the program's database through Django. The people
are those of ``tests.people``, with ``PASSWORD``; Alice owns a second account too, so that there is
something to choose and to switch to. Prints numbers and keys as one line of JSON.
"""

import json
from datetime import timedelta
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402 - needs what is set up above
from django.utils import timezone  # noqa: E402

from accounts.models import Account, Invitation, InvoiceAddress  # noqa: E402
from accounts.permissions import Flag  # noqa: E402
from common.scoping import account_scope  # noqa: E402
from mail.mailbox import keep  # noqa: E402
from mail.models import SuppressedAddress  # noqa: E402
from tests.factories import (  # noqa: E402
    add_member,
    make_account,
    make_invoice,
    make_seller,
    make_staff,
    make_user,
    store_pdf,
)
from tests.two_factor import NUMBER, two_factor_on  # noqa: E402
from twofactor.models import SmsPhone  # noqa: E402
from twofactor.totp import begin_set_up  # noqa: E402
from users.models import User  # noqa: E402


def main() -> None:
    alice = make_user("alice@hartwell.example", first_name="Alice", last_name="Hartwell")
    bob = make_user("bob@hartwell.example", first_name="Bob", last_name="Ferris")
    charlie = make_user("charlie@elsewhere.example", first_name="Charlie", last_name="Moss")
    dora = make_user("dora@hartwell.example", first_name="Dora", last_name="Lind")
    two_factor_on(make_staff())
    account = make_account(owner=alice, name="Hartwell & Sons")
    second = make_account(owner=alice, name="Avenue Ltd")
    make_account(owner=charlie, name="Elsewhere Ltd")
    add_member(account, bob, Flag.BILLING)
    dora_in_it = add_member(account, dora)
    invoice = make_invoice(account, seller=make_seller())
    store_pdf(invoice)
    add_member(account, make_user("fay@hartwell.example", first_name="Fay", last_name="Cole"))
    # Begun and not confirmed: Alice is asked for no code, and the pages have something to show.
    app = begin_set_up(alice)
    phone = SmsPhone.objects.create(user=alice, name=NUMBER, number=NUMBER, confirmed=False)
    told = {
        "app": str(app.public_id),
        "phone": str(phone.public_id),
        **_who_will_need_two_factor(),
        "account": account.number,
        "second_account": second.number,
        "invoice": invoice.number,
        "membership": str(dora_in_it.public_id),
        "invitation": str(_expired_invitation(account, by=alice).pk),
        "invoice_address": str(_unconfirmed_address(account, by=alice).pk),
        "suppressed": SuppressedAddress.objects.create(address="gone@hartwell.example").pk,
        "letter": _caught_letter(),
    }
    print(json.dumps(told))


def _who_will_need_two_factor() -> dict[str, int]:
    """Gwen's account, in which Hal has billing, and one of Hal's own."""
    gwen = make_user("gwen@orchard.example", first_name="Gwen", last_name="Orchard")
    hal = make_user("hal@orchard.example", first_name="Hal", last_name="Price")
    requiring = make_account(owner=gwen, name="Orchard & Co")
    add_member(requiring, hal, Flag.BILLING)
    own = make_account(owner=hal, name="Hal Price")
    return {"requiring_account": requiring.number, "hals_account": own.number}


def _expired_invitation(account: Account, *, by: User) -> Invitation:
    now = timezone.now()
    return Invitation.objects.create(
        account=account,
        email="late@hartwell.example",
        flags=[Flag.BILLING],
        invited_by=by,
        sent_at=now - timedelta(days=11),
        expires_at=now - timedelta(days=1),
    )


def _unconfirmed_address(account: Account, *, by: User) -> InvoiceAddress:
    now = timezone.now()
    with account_scope(account):
        return InvoiceAddress.objects.create(
            account=account,
            email="books@hartwell.example",
            added_by=by,
            sent_at=now,
            expires_at=now + timedelta(days=10),
        )


def _caught_letter() -> str:
    letter = b"Subject: Hello\r\nFrom: a@b.example\r\nTo: c@d.example\r\n\r\nGood morning\r\n"
    return keep(
        Path(str(settings.MAILBOX_DIR)),
        sender="a@b.example",
        recipients=["c@d.example"],
        content=letter,
    )


if __name__ == "__main__":
    main()
