"""What triggers refuse, tried by SQL: issued documents and given numbers stay as they are."""

import json

import pytest
from django.db import IntegrityError, connection, transaction

from common.scoping import account_scope, all_accounts_scope
from invoices.models import Delivery, Document, Invoice
from tests.factories import make_draft, store_pdf

pytestmark = pytest.mark.django_db

ISSUED = "WHERE id = (SELECT min(id) FROM invoices_invoice WHERE state = 'issued')"
OF_ISSUED = ISSUED.replace("WHERE id", "WHERE invoice_id")
COUNTED = "WHERE id = (SELECT min(id) FROM invoices_numberseries WHERE last_sequence > 0)"
DRAFT = "(SELECT id FROM invoices_invoice WHERE state = 'draft')"


def one_more(table: str, where: str, **columns: object) -> str:
    """SQL that adds a copy of a row with some columns changed."""
    return (
        f"INSERT INTO {table} SELECT (jsonb_populate_record(copied, '{json.dumps(columns)}')).*"
        f" FROM {table} copied {where} LIMIT 1"
    )


# Each changes one row, and nothing but the guard known by its words is against it: totals add up,
# what must be unique is, and references lead somewhere (what is deleted is missed at commit only).
FROZEN = (
    (
        "UPDATE invoices_invoice SET line_total = 1, net_total = 1, tax_total = 0, gross_total = 1,"
        f" amount_due = 1 {ISSUED}",
        "is issued and cannot change",
    ),
    (f"UPDATE invoices_invoice SET buyer_party = '{{}}' {ISSUED}", "is issued and cannot change"),
    (f"UPDATE invoices_invoice SET notes = 'x' {ISSUED}", "is issued and cannot change"),
    (
        f"UPDATE invoices_invoice SET issue_date = issue_date - 1 {ISSUED}",
        "is issued and cannot change",
    ),
    (f"UPDATE invoices_invoice SET number = 'INV-9' {ISSUED}", "is issued and cannot change"),
    (
        f"UPDATE invoices_invoice SET state = 'draft', number = NULL, sequence = NULL {ISSUED}",
        "is issued and cannot change",
    ),
    (
        f"UPDATE invoices_invoice SET state = 'void', voided_at = now(), notes = 'x' {ISSUED}",
        "is issued and cannot change",
    ),
    (
        f"UPDATE invoices_invoice SET content_hash = repeat('0', 64) {ISSUED}",
        "is issued and cannot change",
    ),
    (f"DELETE FROM invoices_invoice {ISSUED}", "is issued and cannot be deleted"),
    (
        one_more(
            "invoices_invoice",
            ISSUED,
            id=987_654,
            public_id="0" * 20,
            sequence=99,
            number="INV-000099",
        ),
        "a document starts as a draft",
    ),
    (
        f"UPDATE invoices_invoiceline SET description = 'x' {OF_ISSUED}",
        "invoices_invoiceline of an issued document cannot change",
    ),
    (
        f"DELETE FROM invoices_invoiceline {OF_ISSUED}",
        "invoices_invoiceline of an issued document cannot change",
    ),
    (
        one_more("invoices_invoiceline", OF_ISSUED, id=987_654, position=99),
        "invoices_invoiceline of an issued document cannot change",
    ),
    (
        f"UPDATE invoices_invoiceline SET invoice_id = {DRAFT}, position = 99 {OF_ISSUED}",
        "invoices_invoiceline of an issued document cannot change",
    ),
    (
        "UPDATE invoices_invoiceline SET position = 99,"
        f" invoice_id = (SELECT min(id) FROM invoices_invoice) WHERE invoice_id = {DRAFT}",
        "invoices_invoiceline of an issued document cannot change",
    ),
    (
        f"UPDATE invoices_invoicetaxline SET tax_amount = tax_amount + 1 {OF_ISSUED}",
        "invoices_invoicetaxline of an issued document cannot change",
    ),
    (
        f"DELETE FROM invoices_invoicetaxline {OF_ISSUED}",
        "invoices_invoicetaxline of an issued document cannot change",
    ),
    (
        one_more("invoices_invoicetaxline", OF_ISSUED, id=987_654, rate=5),
        "invoices_invoicetaxline of an issued document cannot change",
    ),
    (
        "INSERT INTO invoices_invoiceallowance (account_id, invoice_id, position, is_charge,"
        " amount, reason, reason_code, tax_category, tax_rate, exemption_code, exemption_reason)"
        " SELECT account_id, id, 1, false, 1, 'x', '', 'S', 20, '', '' FROM invoices_invoice"
        f" {ISSUED}",
        "invoices_invoiceallowance of an issued document cannot change",
    ),
    (
        f"UPDATE invoices_delivery SET address = 'thief@elsewhere.example' {OF_ISSUED}",
        "a recipient of an issued document cannot change",
    ),
    (
        f"UPDATE invoices_delivery SET may_view = NOT may_view {OF_ISSUED}",
        "a recipient of an issued document cannot change",
    ),
    (
        f"DELETE FROM invoices_delivery {OF_ISSUED}",
        "a recipient of an issued document cannot be removed",
    ),
    (
        one_more(
            "invoices_delivery",
            OF_ISSUED,
            id=987_654,
            address="thief@elsewhere.example",
            email_id=None,
        ),
        "a recipient of an issued document cannot",
    ),
    (
        f"DELETE FROM invoices_document {OF_ISSUED}",
        "a document of an issued invoice cannot be deleted",
    ),
    (
        f"UPDATE invoices_document SET invoice_id = {DRAFT} {OF_ISSUED}",
        "a stored document cannot change",
    ),
    (
        f"UPDATE invoices_settlement SET total = total + 1 {OF_ISSUED}",
        "a settlement keeps its document and total",
    ),
    (
        f"DELETE FROM invoices_settlement {OF_ISSUED}",
        "the settlement of an issued document cannot be deleted",
    ),
    (
        "INSERT INTO invoices_settlement (account_id, invoice_id, total, credited, allocated,"
        " credit_applied, written_off)"
        f" SELECT account_id, id, gross_total, 0, 0, 0, 0 FROM invoices_invoice WHERE id = {DRAFT}",
        "a settlement starts with the total of an issued document",
    ),
    (
        "UPDATE billing_billingentry SET unit_price = 0"
        " WHERE id = (SELECT min(id) FROM billing_billingentry)",
        "a billing entry on an invoice line cannot change",
    ),
    (
        "UPDATE billing_billingentry SET invoice_line_id = NULL"
        " WHERE id = (SELECT min(id) FROM billing_billingentry)",
        "a billing entry on an invoice line cannot change",
    ),
    (
        "DELETE FROM billing_billingentry WHERE id = (SELECT min(id) FROM billing_billingentry)",
        "a billing entry on an invoice line cannot change",
    ),
    (
        f"UPDATE invoices_numberseries SET last_sequence = last_sequence + 2 {COUNTED}",
        "only counts on by one",
    ),
    (
        f"UPDATE invoices_numberseries SET last_sequence = last_sequence - 1 {COUNTED}",
        "only counts on by one",
    ),
    (
        "UPDATE invoices_numberseries SET last_sequence = 0, last_hash = '', last_issue_date = NULL"
        f" {COUNTED}",
        "only counts on by one",
    ),
    (
        f"UPDATE invoices_numberseries SET last_hash = repeat('0', 64) {COUNTED}",
        "only counts on by one",
    ),
    (
        "UPDATE invoices_numberseries SET last_sequence = last_sequence + 1,"
        f" last_issue_date = last_issue_date - 1 {COUNTED}",
        "only counts on by one",
    ),
    (f"UPDATE invoices_numberseries SET prefix = 'OTHER-' {COUNTED}", "only counts on by one"),
    (f"UPDATE invoices_numberseries SET digits = digits + 1 {COUNTED}", "only counts on by one"),
    (f"DELETE FROM invoices_numberseries {COUNTED}", "has given out numbers"),
    (
        one_more("invoices_numberseries", COUNTED, id=987_654, prefix="NEW-", is_current=False),
        "starts before its first number",
    ),
    (
        "INSERT INTO invoices_document (account_id, invoice_id, kind, state, attempts, last_error,"
        " template_version, storage_key, sha256, size, stored_at)"
        " SELECT account_id, id, 'pdf', 'stored', 0, '', '1', 'x', 'x', 1, now()"
        f" FROM invoices_invoice WHERE id = {DRAFT}",
        "a document starts before it is rendered",
    ),
    (
        "UPDATE accounts_account SET number = number + 1"
        " WHERE number = (SELECT max(number) FROM accounts_account)",
        "an account keeps its number",
    ),
)


@pytest.fixture
def issued_and_draft(two_invoices: tuple[Invoice, Invoice]) -> None:
    """Beside two issued invoices, a draft of the first one's account."""
    issued, _ = two_invoices
    make_draft(issued.account, seller=issued.seller)


@pytest.mark.parametrize(("statement", "refusal"), FROZEN)
def test_what_is_issued_cannot_be_changed_by_sql(
    issued_and_draft: None, statement: str, refusal: str
) -> None:
    with (
        pytest.raises(IntegrityError, match=refusal),
        all_accounts_scope("trying to change what is issued"),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        assert cursor.rowcount == 1, "the statement found no row to try it on"


def test_a_stored_file_keeps_its_name_and_hash(two_invoices: tuple[Invoice, Invoice]) -> None:
    issued, _ = two_invoices
    document = store_pdf(issued)
    for column in ("storage_key", "sha256", "state", "template_version"):
        with (
            pytest.raises(IntegrityError, match="a stored document cannot change"),
            account_scope(issued.account_id),
        ):
            Document.objects.filter(pk=document.pk).update(**{column: "x"})


def test_a_recipient_gets_an_email_once(two_invoices: tuple[Invoice, Invoice]) -> None:
    issued, _ = two_invoices
    store_pdf(issued)
    with (
        pytest.raises(IntegrityError, match="a recipient of an issued document cannot change"),
        account_scope(issued.account_id),
    ):
        Delivery.objects.filter(invoice=issued).update(email=None)


@pytest.mark.parametrize(
    ("amounts", "check"),
    [
        ("credited = total + 0.01", "settlement_within_total"),
        ("credited = total, written_off = 0.01", "settlement_within_total"),
        ("allocated = -0.01", "settlement_is_not_negative"),
    ],
)
def test_a_document_is_never_settled_beyond_its_total(
    two_invoices: tuple[Invoice, Invoice], amounts: str, check: str
) -> None:
    with (
        pytest.raises(IntegrityError, match=check),
        all_accounts_scope("settling too much"),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE invoices_settlement SET {amounts} {OF_ISSUED}")


def test_an_issued_document_can_be_made_void_and_stays_so(
    two_invoices: tuple[Invoice, Invoice],
) -> None:
    """The one change there is."""
    issued, _ = two_invoices
    with account_scope(issued.account_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE invoices_invoice SET state = 'void', voided_at = now(), void_reason = 'twice'"
        )
        assert cursor.rowcount == 1
        for columns in ("state = 'issued', voided_at = NULL", "void_reason = 'another'"):
            with (
                pytest.raises(IntegrityError, match="is issued and cannot change"),
                transaction.atomic(),
            ):
                cursor.execute(f"UPDATE invoices_invoice SET {columns}")


def test_a_document_cannot_be_numbered_past_its_series(
    two_invoices: tuple[Invoice, Invoice],
) -> None:
    issued, _ = two_invoices
    with account_scope(issued.account_id):
        draft = Invoice.objects.create(
            account_id=issued.account_id,
            seller=issued.seller,
            kind="invoice",
            locale="en",
            currency="GBP",
            accounting_currency="GBP",
        )
        draft.state, draft.series, draft.sequence = "issued", issued.series, 999
        draft.number, draft.content_hash = "INV-000999", "0" * 64
        draft.issue_date, draft.issued_at = issued.issue_date, issued.issued_at
        draft.seller_party = draft.buyer_party = {}
        with pytest.raises(IntegrityError, match="not the next number"), transaction.atomic():
            draft.save()
