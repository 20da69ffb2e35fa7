"""Opening, nesting and leaving scopes. What they show is in tests/architecture/test_walls.py."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Account, Contact
from common.scoping import ScopeViolation, account_scope, all_accounts_scope, current_scope
from tests.factories import make_account

ALL = "all"
NONE = ""


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def another(db: None) -> Account:
    return make_account()


def fail_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def test_a_scope_takes_an_account_or_its_key(account: Account) -> None:
    for given in (account, account.pk):
        with account_scope(given):
            assert current_scope() == str(account.pk)
        assert current_scope() == NONE


def test_the_same_scope_can_be_opened_again_inside(account: Account) -> None:
    with account_scope(account):
        with account_scope(account.pk):
            assert current_scope() == str(account.pk)
        assert current_scope() == str(account.pk)


def test_a_scope_over_all_narrows_and_widens_again(account: Account, another: Account) -> None:
    with all_accounts_scope("a test"):
        for narrow in (account, another):
            with account_scope(narrow):
                assert current_scope() == str(narrow.pk)
            assert current_scope() == ALL


def test_a_scope_over_all_needs_a_reason(db: None) -> None:
    with pytest.raises(ValueError, match="needs a reason"), all_accounts_scope(""):
        pytest.fail("a scope was opened without a reason")


def test_another_account_is_out_of_reach_and_the_scope_goes_on(
    account: Account, another: Account
) -> None:
    with account_scope(account):
        with pytest.raises(ScopeViolation), account_scope(another):
            pytest.fail("the scope of another account was opened")
        with pytest.raises(ScopeViolation), all_accounts_scope("widening"):
            pytest.fail("the scope was widened")
        assert current_scope() == str(account.pk)
        Contact.objects.create(account=account, kind=Contact.Kind.BILLING, email="a@b.example")
        assert Contact.objects.count() == 1


@pytest.mark.parametrize("wide", [False, True])
def test_an_error_in_a_block_puts_back_what_was_before_it(account: Account, wide: bool) -> None:
    inside = all_accounts_scope("a test") if wide else account_scope(account)
    with inside:
        before = current_scope()
        with pytest.raises(KeyError), account_scope(account):
            raise KeyError
        assert current_scope() == before
    assert current_scope() == NONE


def test_an_error_of_the_database_is_told_as_it_is_and_puts_the_scope_back(
    account: Account,
) -> None:
    """Statements of an aborted transaction fail: putting the scope back must not be one of them."""
    with all_accounts_scope("a test"):
        with pytest.raises(DatabaseError, match="division by zero"), account_scope(account):
            fail_in_the_database()
        assert current_scope() == ALL
    with pytest.raises(DatabaseError, match="division by zero"), account_scope(account):
        fail_in_the_database()
    assert current_scope() == NONE


def test_a_scope_inside_a_transaction_ends_before_the_transaction(account: Account) -> None:
    with transaction.atomic():
        with account_scope(account):
            Contact.objects.create(account=account, kind=Contact.Kind.BILLING, email="a@b.example")
        assert current_scope() == NONE
        assert not Contact.objects.exists()


def test_what_is_rolled_back_inside_a_scope_leaves_the_scope(account: Account) -> None:
    with account_scope(account):
        with transaction.atomic():
            transaction.set_rollback(True)
        assert current_scope() == str(account.pk)


@pytest.mark.django_db(transaction=True)
def test_a_scope_that_is_a_transaction_ends_with_it() -> None:
    account = make_account()
    with account_scope(account):
        Contact.objects.create(account=account, kind=Contact.Kind.BILLING, email="a@b.example")
    assert not connection.in_atomic_block
    assert current_scope() == NONE
    assert not Contact.objects.exists()
    with account_scope(account):
        assert Contact.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_error_rolls_back_what_the_scope_wrote() -> None:
    account = make_account()
    with pytest.raises(KeyError), account_scope(account):
        Contact.objects.create(account=account, kind=Contact.Kind.BILLING, email="a@b.example")
        raise KeyError
    with account_scope(account):
        assert not Contact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_the_commit_runs_outside_every_scope() -> None:
    account = make_account()
    heard: list[str] = []
    with all_accounts_scope("a test"):
        with account_scope(account):
            transaction.on_commit(lambda: heard.append(current_scope()))
        assert heard == []
    assert heard == [NONE]
