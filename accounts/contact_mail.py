"""What people are told by mail about where an account's invoices go, and about its closing.

Each function queues in the caller's transaction and needs the account's scope. Nobody has asked the
reader of a contact's address whether it is theirs, so all of these are mail to strangers.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.utils import timezone

from accounts.contacts import read_billing_details
from accounts.member_mail import (
    account_words_for_strangers,
    owner_of,
    page_of,
    person_for_strangers,
)
from accounts.models import Account, Contact, InvoiceAddress
from mail.addresses import Mailbox, UnusableAddress
from mail.notices import send_notice
from users.models import User


def tell_of_stopped_address(address: InvoiceAddress) -> None:
    """To the billing contact, or the owner: a reader of an extra address wants no more invoices."""
    account = address.account
    billing = read_billing_details(account)
    _send(
        "invoice_address_stopped",
        account,
        to=[Mailbox(billing.email, billing.name)],
        key=f"invoice_address_stopped/{address.pk}",
        context={"address": address.email, "page": page_of(account, "settings:contacts")},
    )


def tell_of_new_billing_email(
    account: Account, *, before: str, after: str, changed_by: User
) -> None:
    """To the former address and to the owner: whoever diverts invoices must not do so unseen."""
    owner = owner_of(account)
    told = [Mailbox(before), Mailbox(owner.email, owner.get_full_name())]
    _send(
        "contact_changed",
        account,
        to=told,
        key=f"contact_changed/{account.pk}/{timezone.now().isoformat()}",
        context={
            "before": before,
            "after": after,
            "changed_by": person_for_strangers(changed_by),
            "page": page_of(account, "settings:contacts"),
        },
    )


def tell_of_closing(account: Account, *, closed_by: User, facts: list[str]) -> None:
    """To the owner and to both contacts."""
    owner = owner_of(account)
    contacts = Contact.objects.filter(account=account).exclude(email="").order_by("kind")
    told = [
        Mailbox(owner.email, owner.get_full_name()),
        *(Mailbox(contact.email, contact.name) for contact in contacts),
    ]
    _send(
        "account_closed",
        account,
        to=told,
        key=f"account_closed/{account.pk}/{timezone.now().isoformat()}",
        context={
            "closed_by": person_for_strangers(closed_by),
            "facts": facts,
            "page": page_of(account),
        },
    )


def _send(
    name: str, account: Account, *, to: Iterable[Mailbox], key: str, context: dict[str, Any]
) -> None:
    """Each address once, in the account's language; one that no server takes is passed over."""
    by_address = {mailbox.address: mailbox for mailbox in to}
    for number, mailbox in enumerate(by_address.values()):
        with suppress(UnusableAddress):
            send_notice(
                name,
                to=mailbox,
                language=account.locale.partition("-")[0],
                time_zone=account.timezone,
                dedup_key=f"{key}/{number}",
                context={**account_words_for_strangers(account), **context},
                account_id=account.pk,
            )
