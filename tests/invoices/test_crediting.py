"""Taking an issued invoice back: whole, once, at its own rates, to whoever it was sent to."""

from datetime import date
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from audit.models import AuditEvent
from common.scoping import account_scope
from invoices.crediting import credit_invoice
from invoices.issuing import issue_invoice
from invoices.models import (
    Delivery,
    Document,
    Invoice,
    InvoiceAllowance,
    InvoiceLine,
    InvoiceTaxLine,
    NumberSeries,
    Seller,
    Settlement,
)
from invoices.parties import Party
from invoices.refusals import CannotCredit
from taxes.models import TaxRate, TaxRegistration
from taxes.vocabulary import ProductCategory
from tests.factories import charge, make_draft, make_invoice
from tests.scenes import A_DAY, ACTOR, a_seller, an_account
from users.models import User

pytestmark = pytest.mark.django_db

# What a credit note's line says besides standing on another document.
OWN_COLUMNS = {"id", "invoice_id", "credits_line_id"}
AMOUNTS = (
    "line_total",
    "allowance_total",
    "charge_total",
    "net_total",
    "tax_total",
    "tax_total_accounting",
    "gross_total",
)


@pytest.fixture
def seller() -> Seller:
    return a_seller()


@pytest.fixture
def account() -> Account:
    return an_account()


def lines_of(invoice: Invoice) -> list[dict[str, Any]]:
    with account_scope(invoice.account_id):
        return [
            {name: value for name, value in row.items() if name not in OWN_COLUMNS}
            for row in InvoiceLine.objects.filter(invoice=invoice).values()
        ]


def tax_of(invoice: Invoice) -> list[tuple[Any, ...]]:
    with account_scope(invoice.account_id):
        rows = InvoiceTaxLine.objects.filter(invoice=invoice)
        return list(
            rows.values_list(
                "category",
                "rate",
                "taxable_amount",
                "tax_amount",
                "exemption_code",
                "exemption_reason",
            )
        )


def settlement_of(invoice: Invoice) -> Settlement:
    with account_scope(invoice.account_id):
        return Settlement.objects.get(invoice=invoice)


def notes_of(account: Account) -> list[Invoice]:
    with account_scope(account):
        return list(Invoice.objects.filter(account=account, kind=Invoice.Kind.CREDIT_NOTE))


def foreign_invoice(seller: Seller, account: Account) -> Invoice:
    """An invoice in euros of a seller who keeps books in pounds."""
    draft = make_draft(account, seller=seller)
    with account_scope(account):
        Invoice.objects.filter(pk=draft.pk).update(
            exchange_rate=Decimal("0.8655"),
            exchange_rate_date=A_DAY,
            exchange_rate_source="ECB",
        )
    return issue_invoice(draft, actor=ACTOR)


# --- The whole document -------------------------------------------------------------------------


def test_a_credit_note_says_what_the_invoice_said(seller: Seller, account: Account) -> None:
    invoice = make_invoice(
        account,
        seller=seller,
        charges=[
            charge("0.335", quantity="3", category=ProductCategory.GOODS),
            charge("12.00", category=ProductCategory.BOOK),
            charge("2.00", quantity="-1", category=ProductCategory.GOODS),
        ],
        order_number="PO-7",
    )
    note = credit_invoice(invoice, actor=ACTOR)
    assert (note.kind, note.state, note.number) == ("credit_note", "issued", "CN-000001")
    assert note.preceding == invoice
    assert lines_of(note) == lines_of(invoice)
    assert tax_of(note) == tax_of(invoice)
    for column in (*AMOUNTS, "period_start", "period_end", "tax_point_date", "order_number"):
        assert getattr(note, column) == getattr(invoice, column), column


def test_every_line_names_the_line_that_it_takes_back(seller: Seller, account: Account) -> None:
    invoice = make_invoice(account, seller=seller, charges=[charge(), charge("5.00")])
    note = credit_invoice(invoice, actor=ACTOR)
    with account_scope(account):
        taken_back = InvoiceLine.objects.filter(invoice=note).values_list("credits_line", flat=True)
        own = InvoiceLine.objects.filter(invoice=invoice).values_list("pk", flat=True)
        assert list(taken_back) == list(own)


def test_nothing_is_asked_for_with_a_credit_note(seller: Seller, account: Account) -> None:
    note = credit_invoice(make_invoice(account, seller=seller), actor=ACTOR)
    assert (note.due_date, note.payment_means) == (None, [])


def test_the_invoice_is_settled_by_its_credit(seller: Seller, account: Account) -> None:
    invoice = make_invoice(account, seller=seller)
    note = credit_invoice(invoice, actor=ACTOR)
    assert settlement_of(invoice).credited == invoice.gross_total == 120
    assert settlement_of(note).total == 120


def test_a_credit_note_is_rendered_and_recorded(seller: Seller, account: Account) -> None:
    invoice = make_invoice(account, seller=seller)
    note = credit_invoice(invoice, actor=ACTOR)
    with account_scope(account):
        assert Document.objects.get(invoice=note).state == Document.State.PENDING
        event = AuditEvent.objects.get(action="invoice:credited")
    assert event.subject == f"invoice {invoice.number}"
    assert event.details["credit_note"] == note.number


# --- As it was, whatever has changed since ------------------------------------------------------


def test_a_change_of_the_law_does_not_reach_the_credit(seller: Seller, account: Account) -> None:
    day = date(2010, 12, 1)
    invoice = make_invoice(account, seller=seller, charges=[charge("20.00", tax_point=day)])
    assert invoice.tax_total == Decimal("3.50")
    TaxRate.objects.filter(country="GB").update(percent=Decimal(25))
    note = credit_invoice(invoice, actor=ACTOR)
    assert (note.tax_total, note.gross_total) == (Decimal("3.50"), Decimal("23.50"))
    assert lines_of(note)[0]["tax_rate"] == Decimal("17.5")


def test_a_customer_who_moved_abroad_is_credited_at_home(seller: Seller, account: Account) -> None:
    invoice = make_invoice(account, seller=seller)
    Account.objects.filter(pk=account.pk).update(country="US")
    TaxRegistration.objects.all().delete()
    note = credit_invoice(invoice, actor=ACTOR)
    assert (note.tax_group, note.tax_total) == ("taxed", 20)
    assert Party.from_json(note.seller_party).tax_number == "GB823847609"
    assert note.buyer_party == invoice.buyer_party


def test_a_credit_note_speaks_the_language_of_the_invoice(seller: Seller) -> None:
    account = an_account(locale="de")
    invoice = make_invoice(account, seller=seller)
    Account.objects.filter(pk=account.pk).update(locale="fr")
    assert credit_invoice(invoice, actor=ACTOR).locale == "de"


def test_a_credit_note_goes_to_whoever_got_the_invoice(seller: Seller, account: Account) -> None:
    invoice = make_invoice(account, seller=seller)
    User.objects.filter(memberships__account=account).update(email="new@customer.example")
    note = credit_invoice(invoice, actor=ACTOR)
    with account_scope(account):
        sent_to = [
            list(
                Delivery.objects.filter(invoice=each).values_list(
                    "address", "name", "reasons", "may_view"
                )
            )
            for each in (invoice, note)
        ]
    assert len(sent_to[0]) == 1
    assert sent_to[0] == sent_to[1]


def test_the_exchange_rate_is_that_of_the_invoice(seller: Seller) -> None:
    """BT-111: what was declared is taken back to the penny."""
    invoice = foreign_invoice(seller, an_account(currency="EUR"))
    note = credit_invoice(invoice, actor=ACTOR)
    assert (note.exchange_rate, note.exchange_rate_date, note.exchange_rate_source) == (
        Decimal("0.8655"),
        A_DAY,
        "ECB",
    )
    assert note.tax_total_accounting == invoice.tax_total_accounting == Decimal("17.31")


def test_tax_is_taken_back_in_the_currency_in_which_it_was_stated(seller: Seller) -> None:
    """A rate into pounds is none into the currency that the seller's books are in by now."""
    invoice = foreign_invoice(seller, an_account(currency="EUR"))
    Seller.objects.filter(pk=seller.pk).update(accounting_currency="CHF")
    note = credit_invoice(invoice, actor=ACTOR)
    assert (note.accounting_currency, note.tax_total_accounting) == ("GBP", Decimal("17.31"))


def test_a_credit_note_takes_over_when_the_goods_were_delivered_and_where(
    seller: Seller, account: Account
) -> None:
    """BT-72 and BG-15."""
    abroad = an_account(country="US")
    draft = make_draft(
        abroad, seller=seller, charges=[charge("10.00", category=ProductCategory.GOODS)]
    )
    with account_scope(abroad):
        Invoice.objects.filter(pk=draft.pk).update(delivery_date=A_DAY)
    invoice = issue_invoice(draft, actor=ACTOR)
    note = credit_invoice(invoice, actor=ACTOR)
    assert invoice.deliver_to is not None
    assert (note.deliver_to, note.delivery_date) == (invoice.deliver_to, A_DAY)


# --- Refusals -----------------------------------------------------------------------------------


def test_an_invoice_is_credited_once(seller: Seller, account: Account) -> None:
    invoice = make_invoice(account, seller=seller)
    credit_invoice(invoice, actor=ACTOR)
    with pytest.raises(CannotCredit, match="credited already"):
        credit_invoice(invoice, actor=ACTOR)
    assert len(notes_of(account)) == 1


def test_an_invoice_over_nothing_is_credited_once_too(seller: Seller, account: Account) -> None:
    """The sum of what was credited is zero before and after: it cannot tell."""
    invoice = make_invoice(
        account, seller=seller, charges=[charge("10.00"), charge("10.00", quantity="-1")]
    )
    assert (invoice.kind, invoice.gross_total) == ("invoice", 0)
    credit_invoice(invoice, actor=ACTOR)
    with pytest.raises(CannotCredit, match="credited already"):
        credit_invoice(invoice, actor=ACTOR)
    assert len(notes_of(account)) == 1


def test_a_draft_is_discarded_and_not_credited(seller: Seller, account: Account) -> None:
    with pytest.raises(CannotCredit, match="not an issued invoice"):
        credit_invoice(make_draft(account, seller=seller), actor=ACTOR)
    assert notes_of(account) == []


def test_a_credit_note_cannot_be_credited(seller: Seller, account: Account) -> None:
    note = credit_invoice(make_invoice(account, seller=seller), actor=ACTOR)
    with pytest.raises(CannotCredit, match="not an issued invoice"):
        credit_invoice(note, actor=ACTOR)


def test_a_void_invoice_cannot_be_credited(seller: Seller, account: Account) -> None:
    invoice = make_invoice(account, seller=seller)
    with account_scope(account):
        Invoice.objects.filter(pk=invoice.pk).update(state="void", voided_at=timezone.now())
    with pytest.raises(CannotCredit, match="not an issued invoice"):
        credit_invoice(invoice, actor=ACTOR)


@pytest.mark.parametrize("column", ["allocated", "credit_applied", "written_off"])
def test_an_invoice_that_was_settled_in_part_is_not_credited_whole(
    seller: Seller, account: Account, column: str
) -> None:
    invoice = make_invoice(account, seller=seller)
    with account_scope(account):
        Settlement.objects.filter(invoice=invoice).update(**{column: Decimal("0.01")})
    with pytest.raises(CannotCredit, match="settled in part"):
        credit_invoice(invoice, actor=ACTOR)
    assert notes_of(account) == []


def test_allowances_are_credited_by_hand(seller: Seller, account: Account) -> None:
    draft = make_draft(account, seller=seller)
    with account_scope(account):
        InvoiceAllowance.objects.create(
            account=account,
            invoice=draft,
            position=1,
            amount=Decimal("5.00"),
            reason="agreed",
            tax_category="S",
            tax_rate=Decimal(20),
        )
    invoice = issue_invoice(draft, actor=ACTOR)
    with pytest.raises(CannotCredit, match="by hand"):
        credit_invoice(invoice, actor=ACTOR)


def test_a_refusal_takes_no_number_and_leaves_no_draft(seller: Seller, account: Account) -> None:
    invoice = make_invoice(account, seller=seller)
    credit_invoice(invoice, actor=ACTOR)
    with pytest.raises(CannotCredit):
        credit_invoice(invoice, actor=ACTOR)
    assert NumberSeries.objects.get(seller=seller, kind="credit_note").last_sequence == 1
    with account_scope(account):
        assert not Invoice.objects.filter(state="draft").exists()


@pytest.mark.django_db(transaction=True)
def test_two_people_crediting_at_once_make_one_credit_note() -> None:
    invoice = make_invoice(an_account(), seller=a_seller())
    start = Barrier(2)
    ended: list[str] = []

    def credit() -> None:
        start.wait()
        try:
            ended.append(str(credit_invoice(invoice, actor=ACTOR)))
        except CannotCredit as refusal:
            ended.append(type(refusal).__name__)
        finally:
            connection.close()

    threads = [Thread(target=credit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["CN-000001", "CannotCredit"]
    assert len(notes_of(invoice.account)) == 1
