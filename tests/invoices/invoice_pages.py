"""The page of an invoice as a reader gets it."""

import re
from decimal import Decimal

from common.scoping import account_scope
from invoices.models import Invoice, Settlement
from tests.people import People, signed_in


def address_of(invoice: Invoice) -> str:
    return f"/a/{invoice.account.number}/billing/invoices/{invoice.number}/"


def page_of(people: People, invoice: Invoice, query: str = "") -> str:
    answer = signed_in(people.alice).get(address_of(invoice) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str) -> str:
    """What is read on the page, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("\N{NO-BREAK SPACE}", " ").split())


def settle(invoice: Invoice, **columns: Decimal) -> None:
    with account_scope(invoice.account_id):
        Settlement.objects.filter(invoice=invoice).update(**columns)
