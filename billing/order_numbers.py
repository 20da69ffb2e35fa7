"""Charges that wait for an order number, because their account bills nothing without one."""

from uuid import UUID

from accounts.contacts import read_billing_details
from accounts.member_mail import account_words, page_of
from accounts.models import Account
from common.counting import counted
from mail.addresses import Mailbox
from mail.notices import send_notice


def waiting_in_words(waiting: int) -> str:
    """For staff."""
    wait = counted(waiting, "charge waits", plural="charges wait")
    return f"{wait} for an order number, which the account requires."


def ask_for_order_number(account_pk: int, *, run_pk: UUID, waiting: int) -> None:
    """Ask the billing contact, or the owner, once for each run. Needs the account's scope.

    Raises accounts.contacts.NoBillingAddress, UnusableAddress: then the run parks the account,
    which could not be billed either.
    """
    account = Account.objects.get(pk=account_pk)
    details = read_billing_details(account)
    send_notice(
        "order_number_missing",
        to=Mailbox(details.email, details.name),
        language=account.locale.partition("-")[0],
        dedup_key=f"order_number_missing/{run_pk}/{account.pk}",
        context={
            **account_words(account),
            "count": waiting,
            "page": page_of(account, "settings:references"),
        },
        account_id=account.pk,
    )
