"""The hash of what a document says: the same for ever, and another for any change."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from accounts.models import Account
from common.roles import as_owner
from common.scoping import account_scope
from invoices.crediting import credit_invoice
from invoices.issuing import issue_invoice
from invoices.models import (
    Delivery,
    Invoice,
    InvoiceAllowance,
    InvoiceLine,
    InvoiceTaxLine,
)
from invoices.sealing import VERSION, UnknownVersion, content_hash, digests
from taxes.vocabulary import ProductCategory
from tests.factories import charge, make_draft, make_invoice
from tests.invoices.sealed import rehash
from tests.scenes import A_DAY, ACTOR, a_seller, an_account

# What a row is to the program and not what the document says. Every other column is hashed, so a
# column that is added later fails here until it has joined the content or this list.
NO_CONTENT: dict[type[models.Model], set[str]] = {
    Invoice: {
        "id",
        "account",
        "seller",  # its copy is: seller_party
        "series",
        "state",
        "batch_id",
        "issued_at",
        "preceding",  # its number is
        "content_version",
        "content_hash",
        "voided_at",
        "void_reason",
        "created_at",
    },
    InvoiceLine: {"id", "account", "invoice", "credits_line"},
    InvoiceAllowance: {"id", "account", "invoice", "line"},  # the line: a test of its own
    InvoiceTaxLine: {"id", "account", "invoice"},
    Delivery: {"id", "account", "invoice", "may_view", "email", "created_at"},
}


def a_header() -> Invoice:
    return Invoice(
        public_id="0123456789abcdefghjk",
        kind=Invoice.Kind.CREDIT_NOTE,
        tax_group="taxed",
        number="CN-000042",
        sequence=42,
        issue_date=date(2026, 3, 31),
        tax_point_date=date(2026, 3, 15),
        delivery_date=date(2026, 3, 14),
        due_date=date(2026, 4, 14),
        payment_terms="14 days",
        period_start=date(2026, 3, 1),
        period_end=date(2026, 4, 1),
        locale="de",
        currency="EUR",
        accounting_currency="GBP",
        exchange_rate=Decimal("0.8655"),
        exchange_rate_date=date(2026, 3, 30),
        exchange_rate_source="ECB",
        buyer_reference="04011000-12345-03",
        project_number="P-1",
        contract_number="C-2",
        order_number="PO-7",
        notes="Erste Zeile\nzweite Zeile",
        seller_party={"version": 1, "name": "Northwind Hosting Ltd"},
        buyer_party={"version": 1, "name": "Müller & Söhne", "address": {"country": "DE"}},
        deliver_to={"version": 1, "country": "DE"},
        payment_means=[{"version": 1, "code": "58"}],
        line_total=Decimal("7.65"),
        allowance_total=Decimal("1.00"),
        charge_total=Decimal("0.50"),
        net_total=Decimal("7.15"),
        tax_total=Decimal("1.43"),
        tax_total_accounting=Decimal("1.24"),
        gross_total=Decimal("8.58"),
        prepaid_amount=Decimal("0.00"),
        rounding_amount=Decimal("0.02"),
        amount_due=Decimal("8.60"),
        content_version=VERSION,
        previous_hash="0" * 64,
    )


def a_line(position: int = 1) -> InvoiceLine:
    return InvoiceLine(
        pk=100 + position,
        position=position,
        description="Hosting, März",
        note="as agreed",
        seller_item_id="VPS-4",
        buyer_item_id="B-1",
        standard_item_id="4006381333931",
        standard_item_scheme="0160",
        object_identifier="host-17",
        order_line_reference="10",
        accounting_reference="4711",
        source_reference="import 3",
        quantity=Decimal(3),
        unit_code="C62",
        unit_price=Decimal("2.55"),
        price_base_quantity=Decimal(1),
        net_amount=Decimal("7.65"),
        product_category="service",
        tax_point=date(2026, 3, 15),
        tax_category="S",
        tax_rate=Decimal(20),
        exemption_code="",
        exemption_reason="",
        tax_country="GB",
        tax_reason="Supplied at home.",
        period_start=date(2026, 3, 1),
        period_end=date(2026, 4, 1),
    )


def an_allowance(position: int = 1) -> InvoiceAllowance:
    return InvoiceAllowance(
        position=position,
        is_charge=False,
        amount=Decimal("1.00"),
        base_amount=Decimal("10.00"),
        percentage=Decimal(10),
        reason="loyalty",
        reason_code="95",
        tax_category="S",
        tax_rate=Decimal(20),
    )


def a_tax_line(rate: str = "20") -> InvoiceTaxLine:
    return InvoiceTaxLine(
        category="S",
        rate=Decimal(rate),
        taxable_amount=Decimal("7.15"),
        tax_amount=Decimal("1.43"),
    )


def a_recipient(address: str = "ap@mueller.example") -> Delivery:
    return Delivery(address=address, name="Anna Müller", reasons=["billing_contact"])


@dataclass(frozen=True)
class Sealed:
    """A whole document, out of the database's reach."""

    header: Invoice = field(default_factory=a_header)
    lines: Sequence[InvoiceLine] = field(default_factory=lambda: [a_line(1), a_line(2)])
    allowances: Sequence[InvoiceAllowance] = field(default_factory=lambda: [an_allowance()])
    tax_lines: Sequence[InvoiceTaxLine] = field(default_factory=lambda: [a_tax_line()])
    recipients: Sequence[Delivery] = field(default_factory=lambda: [a_recipient()])
    preceding_number: str | None = "INV-000041"

    @property
    def hash(self) -> str:
        of_lists = digests(
            lines=self.lines,
            allowances=self.allowances,
            tax_lines=self.tax_lines,
            recipients=self.recipients,
        )
        return content_hash(self.header, of_lists=of_lists, preceding_number=self.preceding_number)

    def rows(self, model: type[models.Model]) -> list[models.Model]:
        everything = (
            self.header,
            *self.lines,
            *self.allowances,
            *self.tax_lines,
            *self.recipients,
        )
        return [row for row in everything if isinstance(row, model)]


def columns_of_content() -> list[Any]:
    return [
        pytest.param(model, column, id=f"{model.__name__}.{column.name}")
        for model, left_out in NO_CONTENT.items()
        for column in model._meta.concrete_fields
        if column.name not in left_out
    ]


def changed(value: Any, column: "models.Field[Any, Any]") -> Any:
    """Another value of the same kind, as close to ``value`` as the column can tell apart."""
    other: Any = f"{value}x"
    if isinstance(column, models.BooleanField):
        other = not value
    elif isinstance(column, models.DecimalField):
        other = (value or Decimal(0)) + Decimal(1).scaleb(-column.decimal_places)
    elif isinstance(column, models.DateField):
        other = value + timedelta(days=1)
    elif isinstance(column, models.IntegerField):
        other = value + 1
    elif isinstance(column, ArrayField):
        other = [*value, "owner_fallback"]
    elif isinstance(column, models.JSONField):
        other = [*value, {}] if isinstance(value, list) else {**value, "city": "x"}
    return other


# --- One spelling -------------------------------------------------------------------------------


def test_a_document_has_this_hash_for_ever() -> None:
    """Of version 1. If this fails, sealed documents of every installation can no longer be read:
    make a new version and keep this one as it is."""
    assert VERSION == 1
    assert Sealed().hash == "910a9a69a5d9b65bb69311b8777ca334bbb42dae5774221230d62e61e47122ec"


def test_the_order_in_which_rows_come_says_nothing() -> None:
    first = Sealed(
        allowances=[an_allowance(1), an_allowance(2)],
        tax_lines=[a_tax_line("5"), a_tax_line("20")],
        recipients=[a_recipient(), a_recipient("bob@mueller.example")],
    )
    backwards = replace(
        first,
        lines=first.lines[::-1],
        allowances=first.allowances[::-1],
        tax_lines=first.tax_lines[::-1],
        recipients=first.recipients[::-1],
    )
    assert backwards.hash == first.hash


def test_an_amount_reads_the_same_before_it_is_saved_and_after() -> None:
    before, after = Sealed(), Sealed()
    after.header.net_total = Decimal("7.1500")
    after.header.exchange_rate = Decimal("0.8655000000")
    after.lines[0].quantity = Decimal("3.00000000")
    assert after.hash == before.hash


def test_a_document_sealed_by_a_later_release_is_not_read_as_if_it_were_ours() -> None:
    document = Sealed()
    document.header.content_version = VERSION + 1
    with pytest.raises(UnknownVersion):
        assert document.hash


# --- Every change -------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "column"), columns_of_content())
def test_a_change_of_any_column_changes_the_hash(
    model: type[models.Model], column: "models.Field[Any, Any]"
) -> None:
    document = Sealed()
    altered = copy.deepcopy(document)
    row = altered.rows(model)[0]
    setattr(row, column.attname, changed(getattr(row, column.attname), column))
    assert altered.hash != document.hash


@pytest.mark.parametrize(
    "altered",
    [
        pytest.param({"lines": [a_line(1)]}, id="a line less"),
        pytest.param({"allowances": []}, id="an allowance less"),
        pytest.param({"tax_lines": [a_tax_line(), a_tax_line("5")]}, id="a tax line more"),
        pytest.param({"recipients": []}, id="a recipient less"),
        pytest.param({"preceding_number": None}, id="no preceding document"),
        pytest.param({"preceding_number": "INV-000040"}, id="another preceding document"),
    ],
)
def test_what_is_added_or_taken_away_changes_the_hash(altered: dict[str, Any]) -> None:
    assert replace(Sealed(), **altered).hash != Sealed().hash


def test_an_allowance_moved_to_another_line_changes_the_hash() -> None:
    """On the document it is taken off the total, on a line off that line."""
    hashes = set()
    for position in (None, 1, 2):
        document = Sealed()
        if position is not None:
            document.allowances[0].line = document.lines[position - 1]
        hashes.add(document.hash)
    assert len(hashes) == 3


def test_an_empty_value_is_not_a_missing_one() -> None:
    """Nothing may be moved from one column to its neighbour under the same hash."""
    moved = Sealed()
    line = moved.lines[0]
    line.seller_item_id, line.buyer_item_id = "", line.seller_item_id + line.buyer_item_id
    assert moved.hash != Sealed().hash


# --- In the database ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_issued_document_can_be_worked_out_from_the_database() -> None:
    account = an_account("Mu\u0308ller & So\u0308hne \u201cNord\u201d \U0001f682", locale="de")
    issued = make_invoice(
        account,
        seller=a_seller(),
        charges=[
            charge("0.0325", quantity="1234.5", description="Backup\tstorage \u2028 e\u0301"),
            charge("19.99", category=ProductCategory.BOOK),
        ],
    )
    assert len(issued.content_hash) == 64
    assert rehash(issued) == issued.content_hash


@pytest.mark.django_db
def test_allowances_are_sealed_as_well() -> None:
    account = an_account()
    draft = make_draft(account, seller=a_seller())
    with account_scope(account):
        for position, is_charge in enumerate((False, True), start=1):
            InvoiceAllowance.objects.create(
                account=account,
                invoice=draft,
                position=position,
                is_charge=is_charge,
                amount=Decimal("5.00") * position,
                reason="agreed",
                tax_category="S",
                tax_rate=Decimal(20),
            )
    issued = issue_invoice(draft, actor=ACTOR)
    assert (issued.net_total, issued.gross_total) == (105, 126)
    assert rehash(issued) == issued.content_hash


@pytest.mark.django_db
def test_a_foreign_currency_and_a_credit_note_are_sealed_as_well() -> None:
    account = an_account(currency="EUR")
    draft = make_draft(account, seller=a_seller())
    with account_scope(account):
        Invoice.objects.filter(pk=draft.pk).update(
            exchange_rate=Decimal("0.8655"), exchange_rate_date=A_DAY
        )
    issued = issue_invoice(draft, actor=ACTOR)
    note = credit_invoice(issued, actor=ACTOR)
    assert rehash(issued) == issued.content_hash
    assert rehash(note) == note.content_hash


@pytest.mark.django_db
def test_to_be_void_is_not_part_of_what_a_document_says() -> None:
    account: Account = an_account()
    issued = make_invoice(account, seller=a_seller())
    with account_scope(account):
        Invoice.objects.filter(pk=issued.pk).update(
            state=Invoice.State.VOID, voided_at=datetime.now().astimezone(), void_reason="twice"
        )
    assert rehash(issued) == issued.content_hash


@pytest.mark.django_db(transaction=True)
def test_whoever_goes_round_the_guards_is_found_out() -> None:
    """An owner of the database can switch triggers off, but cannot make the hash fit again."""
    account = an_account()
    issued = make_invoice(account, seller=a_seller())
    with as_owner(), account_scope(account), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE invoices_invoiceline DISABLE TRIGGER stays_as_issued")
        cursor.execute("UPDATE invoices_invoiceline SET description = 'Something else'")
        assert cursor.rowcount == 1
        cursor.execute("ALTER TABLE invoices_invoiceline ENABLE TRIGGER stays_as_issued")
    assert rehash(issued) != issued.content_hash
