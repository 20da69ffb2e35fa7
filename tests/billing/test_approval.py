"""The limits within which a run's drafts are issued without a person, and their edges."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from billing.models import BillingRun
from common.scoping import account_scope
from invoices.crediting import credit_invoice
from invoices.models import Seller
from tests.factories import make_invoice
from tests.scenes import ACTOR, a_charge, a_seller, an_account, bill, documents_of

pytestmark = pytest.mark.django_db

WIDE = {"total": "1000000", "count": 1000, "change": "999"}


@pytest.fixture
def seller() -> Seller:
    return within(a_seller(), **WIDE)


def within(seller: Seller, **limits: Any) -> Seller:
    """``seller`` with these limits, and the others as they are."""
    columns = {f"approval_{name}_limit": value for name, value in limits.items()}
    Seller.objects.filter(pk=seller.pk).update(**columns)
    return seller


def billed_before(seller: Seller, net: str = "100.00", **columns: Any) -> Account:
    """An account with a run behind it: ``net`` and 20 % of tax on it."""
    account = an_account(**columns)
    owe(account, seller, net)
    bill()
    return account


def owe(account: Account, seller: Seller, net: str, **columns: Any) -> None:
    """A charge of ``net``; below zero, something taken back."""
    amount = Decimal(net)
    a_charge(
        account,
        seller,
        quantity=Decimal(-1) if amount < 0 else Decimal(1),
        unit_price=abs(amount),
        **columns,
    )


def run_waits() -> str:
    """Why the next run waits; empty when it went through to the end by itself."""
    run: BillingRun = bill(approve_at_once=False)
    assert run.state == ("waiting" if run.waiting_because else "finished")
    return run.waiting_because


def test_within_wide_limits_a_run_goes_through(seller: Seller) -> None:
    account = billed_before(seller)
    owe(account, seller, "100.00")
    assert run_waits() == ""
    assert [document.state for document in documents_of(account)] == ["issued", "issued"]


@pytest.mark.parametrize("missing", WIDE)
def test_a_limit_that_is_not_set_means_always_wait(seller: Seller, missing: str) -> None:
    account = billed_before(seller)
    within(seller, **{missing: None})
    owe(account, seller, "0.01")
    assert "has no limits" in run_waits()


# --- Total: what goes over the counter, in both directions ---------------------------------------


@pytest.mark.parametrize(("limit", "waits"), [("120.00", False), ("119.99", True)])
def test_the_total_may_be_reached_and_not_passed(seller: Seller, limit: str, waits: bool) -> None:
    account = billed_before(seller)
    within(seller, total=limit)
    owe(account, seller, "100.00")
    assert ("120.00 GBP" in run_waits()) is waits


def test_the_total_is_that_of_all_accounts(seller: Seller) -> None:
    accounts = [billed_before(seller) for _ in range(3)]
    within(seller, total="359.99")
    for account in accounts:
        owe(account, seller, "100.00")
    assert "360.00 GBP" in run_waits()


def test_a_run_that_credits_everybody_by_mistake_waits(seller: Seller) -> None:
    accounts = [billed_before(seller) for _ in range(2)]
    within(seller, total="239.99")
    for account in accounts:
        owe(account, seller, "-100.00")
    assert "240.00 GBP" in run_waits()


def test_credit_notes_do_not_make_room_for_invoices(seller: Seller) -> None:
    """+600 and -480 are a turnover of 1,080 and not a harmless 120."""
    rising, falling = billed_before(seller, "500.00"), billed_before(seller, "500.00")
    within(seller, total="1000")
    owe(rising, seller, "500.00")
    owe(falling, seller, "-400.00")
    assert "1,080.00 GBP" in run_waits()


def test_a_credit_note_beside_an_invoice_of_the_same_account_counts_in_full(
    seller: Seller,
) -> None:
    account = billed_before(seller)
    within(seller, total="219.99")
    owe(account, seller, "100.00")
    owe(account, seller, "-100.00", product_category="outside_scope")
    assert "220.00 GBP" in run_waits()


# --- Count --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "waits"), [(2, False), (1, True)])
def test_as_many_documents_as_the_limit_says_may_go(
    seller: Seller, limit: int, waits: bool
) -> None:
    accounts = [billed_before(seller) for _ in range(2)]
    within(seller, count=limit)
    for account in accounts:
        owe(account, seller, "100.00")
    assert ("2 documents of" in run_waits()) is waits


def test_a_limit_of_no_documents_lets_none_go(seller: Seller) -> None:
    account = billed_before(seller)
    within(seller, count=0)
    owe(account, seller, "100.00")
    assert "1 document of" in run_waits()


# --- Change against the run before ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "waits"),
    [("110.00", False), ("110.01", True), ("90.00", False), ("89.99", True), ("100.00", False)],
)
def test_an_account_may_change_by_as_much_as_the_limit_says(
    seller: Seller, net: str, waits: bool
) -> None:
    account = billed_before(seller)
    within(seller, change=10)
    owe(account, seller, net)
    assert ("1 account changes by more than 10 %" in run_waits()) is waits


def test_a_limit_of_no_change_lets_the_same_amount_go(seller: Seller) -> None:
    account = billed_before(seller)
    within(seller, change=0)
    owe(account, seller, "100.00")
    assert run_waits() == ""
    owe(account, seller, "100.01")
    assert "changes by more than 0 %" in run_waits()


def test_a_limit_can_be_a_fraction_of_a_percent(seller: Seller) -> None:
    account = billed_before(seller)
    within(seller, change="0.5")
    owe(account, seller, "101.00")
    assert "changes by more than 0.5 %" in run_waits()


def test_after_a_credit_note_the_change_is_measured_from_below_zero(seller: Seller) -> None:
    account = billed_before(seller, "-100.00")
    within(seller, change=199)
    owe(account, seller, "100.00")
    assert "changes by more than 199 %" in run_waits()


def test_after_a_run_over_nothing_any_amount_is_a_change(seller: Seller) -> None:
    account = an_account()
    owe(account, seller, "10.00")
    owe(account, seller, "-10.00")
    bill()
    owe(account, seller, "0.01")
    assert "1 account changes" in run_waits()


def test_the_newest_run_is_what_a_run_is_compared_with(seller: Seller) -> None:
    account = billed_before(seller, "100.00")
    owe(account, seller, "50.00")
    bill()
    within(seller, change=0)
    owe(account, seller, "50.00")
    assert run_waits() == ""


def test_all_documents_of_the_run_before_are_compared_together(seller: Seller) -> None:
    """One order more or less is no change of what the account pays."""
    account = an_account()
    owe(account, seller, "60.00", order_number="PO-1")
    owe(account, seller, "40.00", order_number="PO-2")
    bill()
    within(seller, change=0)
    owe(account, seller, "100.00")
    assert run_waits() == ""


def test_documents_outside_runs_are_nothing_to_compare_with(seller: Seller) -> None:
    account = an_account()
    make_invoice(account, seller=seller)
    owe(account, seller, "100.00")
    assert "1 account is billed by" in run_waits()


def test_crediting_by_hand_does_not_change_what_the_next_run_is_compared_with(
    seller: Seller,
) -> None:
    account = billed_before(seller)
    credit_invoice(documents_of(account)[0], actor=ACTOR)
    within(seller, change=0)
    owe(account, seller, "100.00")
    assert run_waits() == ""


# --- Nothing to compare with ---------------------------------------------------------------------


def test_an_account_that_is_new_to_this_seller_waits(seller: Seller) -> None:
    other = within(a_seller("other"), **WIDE)
    account = billed_before(other)
    owe(account, seller, "100.00")
    assert run_waits() == f"1 account is billed by {seller} for the first time."


def test_another_currency_than_the_limits_are_in_waits(seller: Seller) -> None:
    account = billed_before(seller)
    with account_scope(account):
        owe(account, seller, "100.00", currency="EUR")
    assert f"{seller} has drafts in another currency than GBP" in run_waits()


# --- Several sellers and several reasons ----------------------------------------------------------


def test_each_seller_has_limits_of_its_own(seller: Seller) -> None:
    strict = within(a_seller("strict", legal_name="Strict Ltd"), **WIDE)
    account = billed_before(seller)
    owe(account, strict, "100.00")
    bill()
    within(strict, total="100.00")
    owe(account, seller, "100.00")
    owe(account, strict, "100.00")
    reasons = run_waits()
    assert reasons == "120.00 GBP of Strict Ltd is more than 100.00 GBP."


def test_one_seller_over_its_limit_holds_the_whole_run(seller: Seller) -> None:
    unlimited, account = a_seller("unlimited"), billed_before(seller)
    owe(account, seller, "100.00")
    owe(account, unlimited, "100.00")
    assert "has no limits" in run_waits()
    states = [document.state for document in documents_of(account)]
    assert states == ["issued", "draft", "draft"]


def test_every_reason_is_told(seller: Seller) -> None:
    account = billed_before(seller)
    within(seller, total="1", count=0, change="1")
    owe(account, seller, "200.00")
    reasons = run_waits()
    for reason in ("is more than 1.00", "1 document of", "1 account changes by more than 1 %"):
        assert reason in reasons
