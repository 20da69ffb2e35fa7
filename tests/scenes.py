"""Charges and billing runs on top of ``factories``: the least that the main job needs."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import Account
from billing.billing_run import start_run
from billing.models import BillingEntry, BillingRun
from billing.working import work_run
from common.scoping import account_scope
from invoices.models import Invoice, Seller
from taxes.models import TaxRate
from taxes.starting_table import add_missing_rates
from tests.factories import OPERATOR, make_account, make_seller

ACTOR = OPERATOR
A_DAY = date(2026, 3, 15)
_serial = count(1)


def a_seller(code: str = "wholesale", **columns: Any) -> Seller:
    """A British seller with a current series for each kind of document."""
    # A test with real transactions ends with a flush, which takes the shipped rates along.
    add_missing_rates(TaxRate)
    prefix = "" if code == "wholesale" else f"{code.upper()}-"
    return make_seller(code, prefix=prefix, **{"registration_id": "01234567", **columns})


def an_account(name: str = "", **columns: Any) -> Account:
    """An organisation with an owner of its own."""
    return make_account(name=name or f"Customer {next(_serial)}", **columns)


def a_charge(account: Account, seller: Seller, **columns: Any) -> BillingEntry:
    """Three pieces at 2.55, due on A_DAY."""
    serial = next(_serial)
    wanted: dict[str, Any] = {
        "currency": "GBP",
        "description": f"Item {serial}",
        "quantity": Decimal(3),
        "unit_price": Decimal("2.55"),
        "product_category": "goods",
        "tax_point": A_DAY,
        "due_on": A_DAY,
        "dedup_key": f"test-{serial}",
        **columns,
    }
    with account_scope(account):
        return BillingEntry.objects.create(account=account, seller=seller, **wanted)


def bill(*, as_of: date = A_DAY, approve_at_once: bool = True) -> BillingRun:
    """A whole run in the foreground."""
    return work_run(start_run(as_of=as_of, actor=ACTOR, approve_at_once=approve_at_once))


def documents_of(account: Account) -> list[Invoice]:
    with account_scope(account):
        return list(Invoice.objects.filter(account=account).order_by("pk"))


def an_issued_invoice(account: Account, seller: Seller, **charge: Any) -> Invoice:
    """The newest document of ``account`` after billing one charge."""
    a_charge(account, seller, **charge)
    bill()
    return documents_of(account)[-1]
