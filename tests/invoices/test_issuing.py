from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Sum
from django.test.utils import CaptureQueriesContext

from accounts.contacts import billing_details
from accounts.models import Account, Contact, Membership
from billing.models import BillingRunItem
from common.scoping import account_scope, all_accounts_scope
from invoices.drafting import Charge, plan_drafts, save_drafts
from invoices.issuing import issue_invoice
from invoices.models import (
    Delivery,
    Document,
    Invoice,
    InvoiceLine,
    InvoiceTaxLine,
    NumberSeries,
    Seller,
    Settlement,
)
from invoices.numbering import NoNumberSeries, lock_next_number, take
from invoices.parties import Party
from invoices.refusals import (
    DraftOutdated,
    ExchangeRateMissing,
    InvoiceNotDraft,
)
from invoices.rendering.einvoice.rules import WouldBeInvalid
from invoices.taxation import load_tax_book
from mail.addresses import UnusableAddress
from mail.models import OutgoingEmail
from taxes.models import TaxRate
from tests.invoices.sealed import rehash
from tests.scenes import (
    A_DAY,
    ACTOR,
    a_charge,
    a_seller,
    an_account,
    an_issued_invoice,
    bill,
    documents_of,
)
from users.models import User

pytestmark = pytest.mark.django_db


def a_draft(account: Account, seller: Seller, **charge: Any) -> Invoice:
    """A saved draft of one line, without a billing entry behind it."""
    wanted: dict[str, Any] = {
        "key": 1,
        "description": "Hosting",
        "quantity": Decimal(2),
        "unit_price": Decimal("10.00"),
        "product_category": "goods",
        "tax_point": A_DAY,
        **charge,
    }
    details = billing_details(account, billing_contact=None, owner_email="owner@x.example")
    with account_scope(account):
        plans = plan_drafts(
            [Charge(**wanted)],
            seller=seller,
            currency=account.currency,
            order_number="",
            taxes=load_tax_book().context(seller, details=details, account=account),
        )
        save_drafts(plans, account=account, batch_id=None)
        return Invoice.objects.get(account=account, state="draft")


def test_issuing_numbers_and_freezes_a_draft() -> None:
    seller, account = a_seller(), an_account("Ladle & Sons Ltd")
    issued = issue_invoice(a_draft(account, seller), actor=ACTOR)
    assert (issued.number, issued.state) == ("INV-000001", "issued")
    assert (issued.net_total, issued.tax_total, issued.gross_total) == (20, 4, 24)
    assert Party.from_json(issued.seller_party).tax_number == "GB823847609"
    assert Party.from_json(issued.buyer_party).name == "Ladle & Sons Ltd"
    assert issued.due_date is not None
    assert issued.issue_date is not None
    assert (issued.due_date - issued.issue_date).days == seller.payment_terms_days
    with account_scope(account):
        assert Document.objects.get(invoice=issued).state == Document.State.PENDING
        assert Settlement.objects.get(invoice=issued).total == 24


def test_a_document_is_issued_once() -> None:
    draft = a_draft(an_account(), a_seller())
    issue_invoice(draft, actor=ACTOR)
    with pytest.raises(InvoiceNotDraft):
        issue_invoice(draft, actor=ACTOR)


def test_later_changes_of_the_account_do_not_reach_an_issued_document() -> None:
    """Row U2: new invoices show the change, issued ones never do."""
    seller, account = a_seller(), an_account("Before Ltd")
    issued = issue_invoice(a_draft(account, seller), actor=ACTOR)
    Account.objects.filter(pk=account.pk).update(name="After Ltd")
    [kept] = documents_of(account)
    assert Party.from_json(kept.buyer_party).name == "Before Ltd"
    assert rehash(issued) == issued.content_hash


def test_the_billing_contact_is_printed_block_by_block() -> None:
    """Decision 0017: each empty block falls back to Account Details."""
    seller, account = a_seller(), an_account("Ladle & Sons Ltd", city="Leeds", phone="0113 1")
    with account_scope(account):
        Contact.objects.create(
            account=account, kind="billing", name="Ann Payer", email="ap@ladle.example"
        )
    issued = issue_invoice(a_draft(account, seller), actor=ACTOR)
    buyer = Party.from_json(issued.buyer_party)
    assert (buyer.name, buyer.contact_name) == ("Ladle & Sons Ltd", "Ann Payer")
    assert (buyer.address.city, buyer.phone, buyer.email) == ("Leeds", "0113 1", "ap@ladle.example")


def test_recipients_are_frozen_with_their_reasons_each_address_once() -> None:
    """Row U6 and M8: the billing contact, and every designated recipient whatever their access."""
    seller, account = a_seller(), an_account()
    member = User.objects.create_user("bob@customer.example")
    same = User.objects.create_user("ap@ladle.example")
    for user in (member, same):
        Membership.objects.create(account=account, user=user, receives_invoices=True)
    with account_scope(account):
        Contact.objects.create(account=account, kind="billing", email="AP@ladle.example")
    issued = issue_invoice(a_draft(account, seller), actor=ACTOR)
    with account_scope(account):
        found = {
            delivery.address: delivery.reasons
            for delivery in Delivery.objects.filter(invoice=issued)
        }
    assert found == {
        "ap@ladle.example": ["billing_contact", "designated_recipient"],
        "bob@customer.example": ["designated_recipient"],
    }


def test_content_hashes_form_a_chain_that_can_be_worked_out_again() -> None:
    seller = a_seller()
    first, second, third = (
        issue_invoice(a_draft(an_account(), seller), actor=ACTOR) for _ in range(3)
    )
    assert first.previous_hash == ""
    assert second.previous_hash == first.content_hash
    assert third.previous_hash == second.content_hash
    assert [rehash(invoice) for invoice in (first, second, third)] == [
        first.content_hash,
        second.content_hash,
        third.content_hash,
    ]
    assert NumberSeries.objects.get(seller=seller, kind="invoice").last_hash == third.content_hash


def test_tax_is_determined_anew_when_a_draft_is_issued() -> None:
    seller = a_seller()
    draft = a_draft(an_account(), seller)
    TaxRate.objects.filter(country="GB", rate_class="standard").update(percent=Decimal(19))
    issued = issue_invoice(draft, actor=ACTOR)
    assert (issued.tax_total, issued.gross_total) == (Decimal("3.80"), Decimal("23.80"))
    with account_scope(issued.account_id):
        [line] = InvoiceLine.objects.filter(invoice=issued)
        [tax_line] = InvoiceTaxLine.objects.filter(invoice=issued)
    assert (line.tax_rate, tax_line.tax_amount) == (19, Decimal("3.80"))


def test_a_draft_whose_supplies_left_the_scope_of_tax_is_refused() -> None:
    """Category O stands alone (BR-O-11 to 14), so such a line cannot stay on a taxed document."""
    seller, account = a_seller(), an_account()
    draft = a_draft(account, seller, product_category="service")
    Account.objects.filter(pk=account.pk).update(country="US")
    with pytest.raises(DraftOutdated, match="Discard the draft"):
        issue_invoice(draft, actor=ACTOR)
    assert [document.state for document in documents_of(account)] == ["draft"]


def test_outside_the_scope_of_tax_no_tax_number_stands_on_the_document() -> None:
    """BR-O-02: neither the seller's nor the buyer's."""
    account = an_account(tax_number="GB980780684")
    draft = a_draft(account, a_seller(), product_category="outside_scope")
    issued = issue_invoice(draft, actor=ACTOR)
    assert issued.tax_group == "outside_scope"
    assert Party.from_json(issued.seller_party).tax_number == ""
    assert Party.from_json(issued.buyer_party).tax_number == ""


def test_tax_in_a_foreign_currency_needs_the_rate_of_a_day() -> None:
    """BT-6 and BT-111."""
    seller, account = a_seller(), an_account(currency="EUR")
    draft = a_draft(account, seller)
    with pytest.raises(ExchangeRateMissing):
        issue_invoice(draft, actor=ACTOR)
    with account_scope(account):
        Invoice.objects.filter(pk=draft.pk).update(
            exchange_rate=Decimal("0.8655"), exchange_rate_date=A_DAY
        )
    issued = issue_invoice(draft, actor=ACTOR)
    assert (issued.tax_total, issued.tax_total_accounting) == (4, Decimal("3.46"))


def test_an_address_that_no_mail_can_be_sent_to_is_refused_before_there_is_a_number() -> None:
    """Django's own validator takes a quoted local part; mail servers and parsers disagree on it."""
    seller, account = a_seller(), an_account()
    with account_scope(account):
        Contact.objects.create(account=account, kind="billing", email='"a b"@ladle.example')
    with pytest.raises(UnusableAddress):
        issue_invoice(a_draft(account, seller), actor=ACTOR)


def test_a_document_without_lines_is_refused() -> None:
    seller, account = a_seller(), an_account()
    with account_scope(account):
        draft = Invoice.objects.create(
            account=account,
            seller=seller,
            kind="invoice",
            locale="en",
            currency="GBP",
            accounting_currency="GBP",
        )
    with pytest.raises(WouldBeInvalid, match="no lines: discard the draft \\(BR-16\\)"):
        issue_invoice(draft, actor=ACTOR)


def what_stays() -> list[int]:
    """How many of each there are; the draft itself is one of the documents."""
    with all_accounts_scope("counting what a refusal left"):
        counted = [
            model.objects.count()
            for model in (Invoice, InvoiceTaxLine, Delivery, Document, Settlement, OutgoingEmail)
        ]
    return [*counted, NumberSeries.objects.aggregate(given=Sum("last_sequence"))["given"]]


@pytest.mark.parametrize(
    ("rule", "of_seller", "of_account", "of_line"),
    [
        ("BR-62", {"electronic_address": "5060012349998"}, {}, {}),
        ("BR-CL-11", {"registration_scheme": "0001"}, {}, {}),
        ("BR-CO-09", {}, {"tax_number": "4711"}, {}),
        ("BR-CL-25", {}, {"electronic_address": "x", "electronic_address_scheme": "0001"}, {}),
        ("BR-25", {}, {}, {"description": "\N{ZERO WIDTH SPACE} "}),
        ("BR-CL-23", {}, {}, {"unit_code": "PCS"}),
        ("BR-CL-04", {}, {}, {"currency": "DEM"}),
    ],
)
def test_what_business_rules_refuse_is_refused_before_there_is_a_number(
    rule: str, of_seller: dict[str, str], of_account: dict[str, str], of_line: dict[str, str]
) -> None:
    """Row: whatever would make the document invalid is refused before it has a number."""
    currency = of_line.pop("currency", "GBP")
    seller = a_seller(accounting_currency=currency, **of_seller)
    draft = a_draft(an_account(currency=currency, **of_account), seller, **of_line)
    before = what_stays()
    with pytest.raises(WouldBeInvalid, match=rule):
        issue_invoice(draft, actor=ACTOR)
    assert what_stays() == before
    with account_scope(draft.account_id):
        draft.refresh_from_db()
    assert (draft.state, draft.number, draft.issue_date) == ("draft", None, None)


def test_a_seller_that_nothing_identifies_is_refused() -> None:
    """BR-CO-26: outside the scope of tax its VAT number may not stand on the document."""
    draft = a_draft(an_account(), a_seller(registration_id=""), product_category="outside_scope")
    with pytest.raises(WouldBeInvalid, match=r"under Sellers \(BR-CO-26\)"):
        issue_invoice(draft, actor=ACTOR)
    issued = issue_invoice(a_draft(an_account(), Seller.objects.get()), actor=ACTOR)
    assert Party.from_json(issued.seller_party).tax_number == "GB823847609"


def test_a_document_is_looked_at_under_a_number_that_nobody_sees() -> None:
    issued = issue_invoice(a_draft(an_account(), a_seller()), actor=ACTOR)
    assert issued.number == "INV-000001"
    assert [means["reference"] for means in issued.payment_means or ()] == ["INV-000001"]
    with account_scope(issued.account_id):
        stored = Invoice.objects.get(pk=issued.pk)
    assert rehash(stored) == stored.content_hash


def test_a_run_goes_on_where_business_rules_refuse_an_account() -> None:
    """The item says the words; the accounts beside it get their documents."""
    seller = a_seller()
    refused, sound = an_account("Ladle & Sons Ltd"), an_account()
    a_charge(refused, seller, unit_code="PCS")
    a_charge(sound, seller)
    run = bill()
    assert [document.state for document in documents_of(refused)] == ["draft"]
    assert [document.number for document in documents_of(sound)] == ["INV-000001"]
    with account_scope(refused):
        item = BillingRunItem.objects.get(run=run, account=refused)
    assert (item.state, item.attempts) == ("parked", 1)
    assert "The invoice to Ladle & Sons Ltd" in item.last_error
    assert "no unit code" in item.last_error
    assert "(BR-CL-23)" in item.last_error


def test_a_refusal_takes_no_number() -> None:
    seller = a_seller()
    NumberSeries.objects.filter(seller=seller, kind="invoice").update(is_current=False)
    with pytest.raises(NoNumberSeries):
        issue_invoice(a_draft(an_account(), seller), actor=ACTOR)
    NumberSeries.objects.filter(seller=seller, kind="invoice").update(is_current=True)
    issued = issue_invoice(a_draft(an_account(), seller), actor=ACTOR)
    assert issued.number == "INV-000001"


def test_issue_dates_are_days_of_the_seller_and_never_run_backwards() -> None:
    """Decision 0013."""
    seller = a_seller(timezone="Pacific/Auckland")
    late_in_utc = datetime(2026, 5, 4, 23, 0, tzinfo=UTC)
    with transaction.atomic():
        ahead = lock_next_number(seller, kind="invoice", now=late_in_utc)
    assert ahead.issue_date == date(2026, 5, 5)
    issued = issue_invoice(a_draft(an_account(), seller), actor=ACTOR)
    with transaction.atomic():
        behind = lock_next_number(seller, kind="invoice", now=late_in_utc)
    assert behind.issue_date == issued.issue_date


@pytest.mark.django_db(transaction=True)
def test_a_number_that_no_document_carries_cannot_be_committed() -> None:
    seller = a_seller()
    with pytest.raises(IntegrityError, match="has no document"), transaction.atomic():
        take(
            lock_next_number(seller, kind="invoice", now=datetime.now(UTC)),
            content_hash="0" * 64,
        )
    assert NumberSeries.objects.get(seller=seller, kind="invoice").last_sequence == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_eighty_threads_issue_on_one_series_without_a_gap() -> None:
    """One in twenty rolls back after it had its number."""
    seller = a_seller()
    drafts = [a_draft(an_account(), seller) for _ in range(80)]
    start = Barrier(len(drafts))
    failures: list[Exception] = []

    def issue(position: int) -> None:
        start.wait()
        try:
            with account_scope(drafts[position].account_id):
                issue_invoice(drafts[position], actor=ACTOR)
                if position % 20 == 0:
                    transaction.set_rollback(True)
        except Exception as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=issue, args=(position,)) for position in range(len(drafts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with all_accounts_scope("looking at the series"):
        issued = list(Invoice.objects.filter(state="issued").order_by("sequence"))
    assert [invoice.sequence for invoice in issued] == list(range(1, 77))
    assert [invoice.previous_hash for invoice in issued[1:]] == [
        invoice.content_hash for invoice in issued[:-1]
    ]


def test_billing_costs_the_same_statements_whatever_the_number_of_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # On a busy machine the storage's answer would be asked for anew between the two.
    monkeypatch.setattr("backups.witness._BELIEVED_SECONDS", 600.0)
    seller = a_seller()
    counts = []
    for lines in (1, 60):
        account = an_account()
        for _ in range(lines):
            a_charge(account, seller)
        with CaptureQueriesContext(connection) as captured:
            bill()
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_series_row_is_not_counted_by_anything_else() -> None:
    seller = a_seller()
    an_issued_invoice(an_account(), seller)
    with pytest.raises(IntegrityError), transaction.atomic():
        NumberSeries.objects.filter(seller=seller, kind="invoice").update(
            last_sequence=F("last_sequence") - 1
        )
