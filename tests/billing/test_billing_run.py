from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from audit.models import AuditEvent
from billing.billing_run import (
    approve_run,
    counts,
    discard_item,
    resume_run,
    retry_item,
    start_run,
    stop_run,
)
from billing.consumption import discard_draft
from billing.models import BillingEntry, BillingRun, BillingRunItem
from billing.queues import DRAFT_QUEUE, ISSUE_QUEUE
from billing.refusals import ItemBusy, ItemNotParked, RunNotStopped, RunNotWaiting, RunStopped
from billing.working import work_run
from common.claims import claim
from common.scoping import account_scope, all_accounts_scope
from invoices.models import Invoice, InvoiceLine, NumberSeries, Seller
from invoices.refusals import InvoiceNotDraft
from taxes.models import TaxRegistration
from tests.scenes import (
    A_DAY,
    ACTOR,
    a_charge,
    a_seller,
    an_account,
    bill,
    documents_of,
)

pytestmark = pytest.mark.django_db


def all_documents() -> list[Invoice]:
    with all_accounts_scope("counting documents"):
        return list(Invoice.objects.order_by("pk"))


def by_sequence(documents: list[Invoice]) -> list[Invoice]:
    return sorted(documents, key=lambda document: document.sequence or 0)


def free_entries() -> int:
    with all_accounts_scope("counting entries"):
        return BillingEntry.objects.filter(invoice_line__isnull=True).count()


def test_due_entries_of_an_account_become_one_document() -> None:
    seller, account = a_seller(), an_account()
    for _ in range(3):
        a_charge(account, seller)
    run = bill()
    [document] = documents_of(account)
    assert (run.state, document.state) == ("finished", "issued")
    assert (document.net_total, document.tax_total) == (Decimal("22.95"), Decimal("4.59"))
    assert free_entries() == 0


def test_only_what_is_due_by_the_day_is_billed() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller, due_on=A_DAY)
    a_charge(account, seller, due_on=A_DAY + timedelta(days=1))
    bill(as_of=A_DAY)
    assert free_entries() == 1
    [document] = documents_of(account)
    assert document.issue_date is not None
    assert document.issue_date >= timezone.localdate() - timedelta(days=1)


def test_one_document_for_each_seller_currency_order_and_tax_group() -> None:
    first, second = a_seller("first"), a_seller("second")
    account = an_account()
    a_charge(account, first)
    a_charge(account, first, order_number="PO-7")
    a_charge(account, first, order_number="PO-7")
    a_charge(account, first, product_category="outside_scope")
    a_charge(account, second)
    bill()
    found = {
        (document.seller.code, document.order_number, document.tax_group): document.net_total
        for document in documents_of(account)
    }
    one = Decimal("7.65")
    assert found == {
        ("first", "", "taxed"): one,
        ("first", "PO-7", "taxed"): 2 * one,
        ("first", "", "outside_scope"): one,
        ("second", "", "taxed"): one,
    }


def test_the_account_s_order_number_stands_in_for_none() -> None:
    seller, account = a_seller(), an_account()
    Account.objects.filter(pk=account.pk).update(order_number="STANDING-1")
    a_charge(account, seller)
    bill()
    assert documents_of(account)[0].order_number == "STANDING-1"


def test_less_than_zero_is_a_credit_note_with_positive_amounts_and_its_period() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller, quantity=Decimal(-5), tax_point=date(2026, 2, 3))
    a_charge(account, seller, quantity=Decimal(1), tax_point=date(2026, 2, 9))
    bill()
    [note] = documents_of(account)
    assert (note.kind, note.preceding) == ("credit_note", None)
    assert (note.net_total, note.gross_total) == (Decimal("10.20"), Decimal("12.24"))
    assert (note.period_start, note.period_end) == (date(2026, 2, 3), date(2026, 2, 10))
    assert note.due_date is None
    with account_scope(account):
        quantities = list(
            InvoiceLine.objects.filter(invoice=note).values_list("quantity", flat=True)
        )
    assert sorted(quantities) == [-1, 5]


def test_a_sum_of_zero_is_an_invoice() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller, quantity=Decimal(2))
    a_charge(account, seller, quantity=Decimal(-2))
    bill()
    [document] = documents_of(account)
    assert (document.kind, document.amount_due) == ("invoice", Decimal(0))


def test_drafts_wait_for_approval_without_numbers() -> None:
    """Decision 0014."""
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    run = bill(approve_at_once=False)
    [draft] = documents_of(account)
    assert (run.state, draft.state, draft.number) == ("waiting", "draft", None)
    assert "no limits" in run.waiting_because
    approve_run(run, actor=ACTOR)
    work_run(run)
    assert documents_of(account)[0].state == "issued"
    with pytest.raises(RunNotWaiting):
        approve_run(run, actor=ACTOR)


def with_limits(seller: Seller, *, total: int = 1000, count: int = 10, change: int = 20) -> None:
    Seller.objects.filter(pk=seller.pk).update(
        approval_total_limit=total, approval_count_limit=count, approval_change_limit=change
    )


def test_within_the_operators_limits_drafts_are_issued_without_a_person() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    bill()
    with_limits(seller)
    a_charge(account, seller)
    run = bill(approve_at_once=False)
    assert (run.state, run.waiting_because) == ("finished", "")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"total": 9}, "is more than 9.00"),
        ({"count": 0}, "1 document of"),
        ({"change": 5}, "1 account changes by more than 5 %"),
    ],
)
def test_whatever_passes_a_limit_waits(limits: dict[str, int], reason: str) -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    bill()
    with_limits(seller, **limits)
    a_charge(account, seller, unit_price=Decimal("2.80"))
    run = bill(approve_at_once=False)
    assert run.state == "waiting"
    assert reason in run.waiting_because


def test_an_account_that_is_billed_for_the_first_time_waits() -> None:
    seller, account = a_seller(), an_account()
    with_limits(seller)
    a_charge(account, seller)
    run = bill(approve_at_once=False)
    assert "1 account is billed" in run.waiting_because


def test_a_run_without_anything_due_finishes() -> None:
    a_seller()
    assert bill().state == "finished"
    assert all_documents() == []


def test_an_account_that_cannot_be_billed_stops_nobody_else() -> None:
    """Its reason is told, nothing of it is drafted, and it can be tried again by hand."""
    seller = a_seller()
    stranger = a_seller("unregistered")
    TaxRegistration.objects.filter(seller_code="unregistered").delete()
    good, bad = an_account(), an_account()
    a_charge(good, seller)
    a_charge(bad, stranger)
    run = bill()
    assert run.state == "finished"
    assert counts(run) == {"issued": 1, "parked": 1}
    with all_accounts_scope("reading the run"):
        item = run.items.get(account=bad)
        assert "No tax registration" in item.last_error
        assert AuditEvent.objects.filter(action="billing_run:item_parked").count() == 1
    TaxRegistration.objects.create(
        seller_code="unregistered", country="GB", number="GB1", valid_from=date(2000, 1, 1)
    )
    retry_item(item, actor=ACTOR)
    work_run(run)
    assert len(documents_of(bad)) == 1
    with pytest.raises(ItemNotParked):
        retry_item(item, actor=ACTOR)


def test_a_stopped_run_issues_nothing_and_can_be_taken_up_again() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    run = bill(approve_at_once=False)
    stop_run(run, actor=ACTOR)
    work_run(run)
    assert run.state == "stopped"
    assert [document.state for document in documents_of(account)] == ["draft"]
    with pytest.raises(RunNotStopped):
        stop_run(run, actor=ACTOR)
    resume_run(run, actor=ACTOR)
    assert work_run(run).state == "waiting"
    with pytest.raises(RunNotStopped):
        resume_run(run, actor=ACTOR)
    approve_run(run, actor=ACTOR)
    work_run(run)
    assert [document.state for document in documents_of(account)] == ["issued"]


def test_a_run_that_is_stopped_issues_no_account_that_a_worker_has_claimed() -> None:
    seller = a_seller()
    accounts = [an_account() for _ in range(3)]
    for account in accounts:
        a_charge(account, seller)
    run = bill(approve_at_once=False)
    approve_run(run, actor=ACTOR)
    [*claimed] = claim(ISSUE_QUEUE)
    stop_run(run, actor=ACTOR)
    with all_accounts_scope("as the lease of that worker ends"):
        BillingRunItem.objects.filter(pk__in=[each.pk for each in claimed]).update(
            leased_until=timezone.now() - timedelta(seconds=1)
        )
    work_run(run)
    assert counts(run) == {"stopped": 3}
    assert {document.state for document in all_documents()} == {"draft"}


def test_the_foreground_waits_for_what_a_worker_has_in_hand() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    run = start_run(as_of=A_DAY, actor=ACTOR, approve_at_once=True)
    assert len(claim(DRAFT_QUEUE)) == 1
    with all_accounts_scope("as a worker that dies and leaves a second of its lease"):
        BillingRunItem.objects.update(leased_until=timezone.now() + timedelta(seconds=1))
    assert work_run(run).state == "finished"
    assert len(documents_of(account)) == 1


def test_a_discarded_draft_frees_its_entries() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    bill(approve_at_once=False)
    [draft] = documents_of(account)
    discard_draft(draft, actor=ACTOR)
    assert (documents_of(account), free_entries()) == ([], 1)
    bill()
    [issued] = documents_of(account)
    with pytest.raises(InvoiceNotDraft):
        discard_draft(issued, actor=ACTOR)


def test_the_drafts_of_an_account_are_discarded_while_nobody_issues_them() -> None:
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    run = bill(approve_at_once=False)
    with all_accounts_scope("reading the run"):
        item = run.items.get()
    discard_item(item, actor=ACTOR)
    assert (documents_of(account), free_entries()) == ([], 1)
    with pytest.raises(ItemBusy):
        discard_item(item_of(bill()), actor=ACTOR)


def item_of(run: BillingRun) -> BillingRunItem:
    with all_accounts_scope("reading the run"):
        return run.items.get()


def test_nothing_of_a_stopped_run_is_retried_by_itself() -> None:
    seller, account = a_seller(), an_account()
    registration = TaxRegistration.objects.get()
    registration.delete()
    a_charge(account, seller)
    run = bill(approve_at_once=False)
    stop_run(run, actor=ACTOR)
    with pytest.raises(RunStopped, match="resume it"):
        retry_item(item_of(run), actor=ACTOR)


def test_a_worker_killed_between_drafting_and_issuing_leaves_work_that_is_taken_up() -> None:
    """The lease of the dead worker runs out; what it had committed stays."""
    seller, account = a_seller(), an_account()
    a_charge(account, seller)
    run = start_run(as_of=A_DAY, actor=ACTOR, approve_at_once=True)
    with all_accounts_scope("as a worker that died after its claim"):
        BillingRunItem.objects.filter(run=run).update(
            state="drafting",
            attempts=1,
            lease_token="00000000-0000-0000-0000-000000000001",
            leased_until=timezone.now() - timedelta(seconds=1),
        )
    assert work_run(run).state == "finished"
    assert len(documents_of(account)) == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_bill_nothing_twice() -> None:
    seller = a_seller()
    accounts = [an_account() for _ in range(12)]
    for account in accounts:
        for _ in range(3):
            a_charge(account, seller)
    start = Barrier(2)

    def run_billing() -> None:
        start.wait()
        bill()
        connection.close()

    threads = [Thread(target=run_billing) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A run may leave items that the other one holds at that moment; nobody else is left now.
    bill()
    documents = all_documents()
    assert [document.state for document in documents] == ["issued"] * 12
    assert [document.sequence for document in by_sequence(documents)] == list(range(1, 13))
    with all_accounts_scope("counting lines"):
        assert InvoiceLine.objects.count() == 36
        assert BillingRun.objects.exclude(state="finished").count() == 0


def test_the_command_bills_one_account_on_request() -> None:
    seller = a_seller()
    wanted, other = an_account(), an_account()
    for account in (wanted, other):
        a_charge(account, seller)
    out = StringIO()
    call_command("bill", as_of=A_DAY, account=wanted.number, approve=True, stdout=out)
    assert "issued 1, drafts 0" in out.getvalue()
    assert (len(documents_of(wanted)), len(documents_of(other))) == (1, 0)
    with pytest.raises(CommandError, match="no account 5"):
        call_command("bill", account=5)


def test_a_dry_run_shows_what_would_be_issued_and_writes_nothing() -> None:
    seller, account = a_seller(), an_account("Ladle & Sons Ltd")
    a_charge(account, seller)
    bill()
    a_charge(account, seller, quantity=Decimal(4))
    newcomer = an_account("Newcomer Ltd")
    a_charge(newcomer, seller, quantity=Decimal(-1))
    before = (BillingRun.objects.count(), len(all_documents()), free_entries())
    out = StringIO()
    call_command("bill", as_of=A_DAY, dry_run=True, stdout=out)
    told = out.getvalue()
    assert "Ladle & Sons Ltd: invoice, 1 line, net 10.20 GBP, tax 2.04 GBP, gross 12.24 GBP" in told
    assert "against the previous run: +3.06 GBP" in told
    assert "Newcomer Ltd: credit note" in told
    assert "against the previous run: first run" in told
    assert "1 invoice and 1 credit note, together 9.18 GBP gross" in told
    assert (BillingRun.objects.count(), len(all_documents()), free_entries()) == before


def test_the_command_says_which_account_could_not_be_billed() -> None:
    seller, account = a_seller(), an_account()
    TaxRegistration.objects.all().delete()
    a_charge(account, seller)
    for options in ({"dry_run": True}, {}):
        out = StringIO()
        with pytest.raises(CommandError, match="1 account could not be billed"):
            call_command("bill", as_of=A_DAY, stdout=out, **options)
        assert str(account.number) in out.getvalue()


def test_every_document_of_a_run_takes_the_next_number() -> None:
    seller = a_seller()
    for _ in range(5):
        a_charge(an_account(), seller)
    bill()
    series = NumberSeries.objects.get(seller=seller, kind="invoice")
    assert series.last_sequence == 5
    assert [document.sequence for document in by_sequence(all_documents())] == [1, 2, 3, 4, 5]
