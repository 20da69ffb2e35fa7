"""Two clicks at the same moment, with real transactions: one of them does it."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.closing import AccountClosedAlready, close_account
from accounts.invoice_addresses import STOP, InvoiceAddressLinkEnded, stop_address
from accounts.models import Account, InvoiceAddress
from audit.actions import Action
from audit.models import AuditEvent
from common.exceptions import DomainError
from common.scoping import account_scope, all_accounts_scope
from common.tokens import hash_of_token, token_for
from mail.models import OutgoingEmail
from tests.factories import OPERATOR
from tests.people import People

pytestmark = pytest.mark.django_db(transaction=True)

_CLICKS = 4


def all_at_once(act: Callable[[], Any]) -> list[type[DomainError] | None]:
    """What each of several threads was refused with, if it was."""
    barrier, refusals = Barrier(_CLICKS), list[type[DomainError] | None]()

    def run() -> None:
        barrier.wait(timeout=20)
        try:
            act()
            refusals.append(None)
        except DomainError as refusal:
            refusals.append(type(refusal))
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(_CLICKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return refusals


def counted(action: Action, kind: str) -> tuple[int, int]:
    with all_accounts_scope("test"):
        return (
            AuditEvent.objects.filter(action=action).count(),
            OutgoingEmail.objects.filter(kind=kind).count(),
        )


def test_an_account_is_closed_once(people: People) -> None:
    refusals = all_at_once(
        lambda: close_account(people.account, closed_by=people.alice, actor=OPERATOR)
    )
    assert (refusals.count(None), refusals.count(AccountClosedAlready)) == (1, _CLICKS - 1)
    assert Account.objects.get(pk=people.account.pk).status == Account.Status.CLOSED
    assert counted(Action.ACCOUNT_CLOSED, "account_closed") == (1, 1)


def test_an_extra_address_is_stopped_once_and_told_of_once(people: People) -> None:
    with account_scope(people.account):
        address = InvoiceAddress.objects.create(
            account=people.account,
            email="books@x.example",
            added_by=people.alice,
            sent_at=timezone.now(),
            expires_at=timezone.now(),
            confirmed_at=timezone.now(),
        )
    token = hash_of_token(token_for(STOP, address.pk, address.nonce))
    refusals = all_at_once(lambda: stop_address(address.pk, token, actor=OPERATOR))
    assert (refusals.count(None), refusals.count(InvoiceAddressLinkEnded)) == (1, _CLICKS - 1)
    assert counted(Action.INVOICE_ADDRESS_STOPPED, "invoice_address_stopped") == (1, 1)
