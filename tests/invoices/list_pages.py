"""The list of an account's invoices as a reader gets it."""

import re

from accounts.models import Account
from invoices.models import Seller
from tests.factories import make_invoice
from tests.people import People, signed_in


def issue(account: Account, seller: Seller, count: int) -> list[str]:
    return [str(make_invoice(account, seller=seller).number) for _ in range(count)]


def address_of(account: Account) -> str:
    return f"/a/{account.number}/billing/invoices/"


def page_of(people: People, **query: str) -> str:
    answer = signed_in(people.alice).get(address_of(people.account), query)
    assert answer.status_code == 200
    return answer.content.decode()


def found_in(page: str) -> str:
    """What stands below the choices."""
    return page.partition('id="found"')[2]


def numbers_in(page: str) -> list[str]:
    return re.findall(r">((?:INV|CN)-\d+)</a></th>", page)
