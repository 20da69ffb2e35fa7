"""M8: `verify_invoices` finds what differs, in the rows, in the chain and in the files."""

import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.roles import as_owner
from common.scoping import all_accounts_scope
from invoices.crediting import credit_invoice
from invoices.models import Document, Invoice, InvoiceLine, NumberSeries, Seller, Settlement
from invoices.proving.checking import settled, standing
from invoices.proving.findings import Finding
from invoices.proving.reading import Bundle
from tests.factories import charge, make_draft, make_invoice, store_pdf
from tests.invoices.forging import run, without_guards
from tests.scenes import ACTOR, a_seller, an_account

transactional = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seller() -> Seller:
    return a_seller()


@pytest.fixture
def documents(seller: Seller) -> list[Invoice]:
    """Four invoices of two accounts, all stored and mailed."""
    accounts = [an_account(), an_account()]
    issued = [make_invoice(accounts[number % 2], seller=seller) for number in range(4)]
    for number, invoice in enumerate(issued):
        store_pdf(invoice, b"%%PDF-1.7 of document %d" % number)
    return issued


@pytest.fixture
def storage_away() -> Iterator[None]:
    """From the moment on at which all documents are stored: ask for it after them."""
    folder = settings.DOCUMENTS_DIR
    aside = folder.with_name("aside")
    folder.rename(aside)
    yield
    aside.rename(folder)


def verify(*arguments: str) -> str:
    """What the command prints when nothing differs."""
    told = io.StringIO()
    call_command("verify_invoices", *arguments, stdout=told, stderr=io.StringIO())
    return told.getvalue()


def findings(*arguments: str, code: int = 1) -> str:
    """What the command prints when something does."""
    told = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("verify_invoices", *arguments, stdout=told, stderr=io.StringIO())
    assert refused.value.returncode == code
    return f"{told.getvalue()}{refused.value}"


def path_of(invoice: Invoice) -> Path:
    with all_accounts_scope("looking for its file"):
        document = Document.objects.get(invoice=invoice, kind="pdf")
    return settings.DOCUMENTS_DIR / document.storage_key


# --- What is in order -----------------------------------------------------------------------------


@transactional
def test_documents_that_nobody_touched_are_proven(documents: list[Invoice]) -> None:
    told = verify()
    assert told.endswith("4 documents in 2 series, 4 files: nothing differs.\n")


@transactional
def test_the_owner_of_the_database_may_check_as_well(documents: list[Invoice]) -> None:
    with as_owner():
        assert "4 documents" in verify()


@transactional
def test_allowances_credit_notes_and_several_rates_are_proven(
    documents: list[Invoice], seller: Seller
) -> None:
    charges = [charge("0.0325", quantity="1234.5"), charge("19.99"), charge("-3.00")]
    long = make_invoice(an_account(), seller=seller, charges=[*charges[:2]])
    note = credit_invoice(documents[0], actor=ACTOR)
    for each in (long, note):
        store_pdf(each, f"%PDF of {each.number}".encode())
    assert "6 documents in 2 series" in verify()


@transactional
def test_a_document_that_still_waits_for_its_pdf_is_a_note(
    documents: list[Invoice], seller: Seller
) -> None:
    make_invoice(an_account(), seller=seller)
    told = verify()
    assert "note: INV-: 1 of its PDFs are still to be rendered" in told
    assert "nothing differs" in told


@transactional
def test_documents_without_ubl_are_a_note(documents: list[Invoice]) -> None:
    assert "note: INV-: 4 of its documents have no UBL" in verify()


@transactional
def test_drafts_are_nobodys_concern(documents: list[Invoice], seller: Seller) -> None:
    make_draft(an_account(), seller=seller)
    assert "4 documents" in verify()


@transactional
def test_a_series_can_be_looked_at_alone(documents: list[Invoice]) -> None:
    assert "4 documents in 1 series, no files" in verify("--series", "INV-", "--no-files")
    assert "There is no series with the prefix “XYZ-”" in findings("--series", "XYZ-", code=2)


@transactional
def test_the_number_of_statements_does_not_grow_with_the_documents(
    documents: list[Invoice], seller: Seller
) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            verify("--no-files")
        counts.append(len(captured))
        account = an_account()
        for _ in range(10):
            make_invoice(account, seller=seller)
    assert counts[0] == counts[1]


# --- What differs ---------------------------------------------------------------------------------


@transactional
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE invoices_invoiceline SET description = 'Something else' WHERE invoice_id = %s",
            "INV-000002: what it says is not what was sealed: its content hash differs",
        ),
        (
            "UPDATE invoices_invoiceline SET net_amount = 90 WHERE invoice_id = %s",
            "INV-000002: line 1 is 90.0000 and should be 100.00",
        ),
        (
            "UPDATE invoices_invoice SET line_total = 90, net_total = 90, gross_total = 110,"
            " amount_due = 110 WHERE id = %s",
            "INV-000002: line_total is 90.0000 and should be 100.0000 (BR-CO-10)",
        ),
        (
            "UPDATE invoices_invoicetaxline SET tax_amount = 19 WHERE invoice_id = %s",
            "INV-000002: tax of S 20.0000 % is not that of its lines (BR-CO-17)",
        ),
        (
            "UPDATE invoices_invoice SET number = 'INV-0002' WHERE id = %s",
            "INV-0002: its series spells this number INV-000002",
        ),
        (
            "UPDATE invoices_invoice SET issue_date = issue_date - 1 WHERE id = %s",
            "INV-000002: its date, ",
        ),
        (
            "UPDATE invoices_invoice SET previous_hash = repeat('0', 64) WHERE id = %s",
            "INV-000002: it does not follow the document before it",
        ),
        (
            'UPDATE invoices_invoice SET buyer_party = \'{"version": 1, "name": "x"}\''
            " WHERE id = %s",
            "INV-000002: its buyer cannot be read",
        ),
        (
            "UPDATE invoices_invoice SET content_version = 9 WHERE id = %s",
            "INV-000002: it was sealed in version 9, which this release cannot read",
        ),
        (
            "UPDATE invoices_invoice SET state = 'void', voided_at = now() WHERE id = %s",
            "INV-000002: it is void and the log does not know who did it",
        ),
        (
            "UPDATE invoices_settlement SET credited = 5 WHERE invoice_id = %s",
            "INV-000002: its settlement says 5.0000 credited, its notes 0",
        ),
        (
            "UPDATE invoices_settlement SET total = 500 WHERE invoice_id = %s",
            "INV-000002: its settlement is of 500.0000 and not of 120.0000",
        ),
        (
            "DELETE FROM invoices_settlement WHERE invoice_id = %s",
            "INV-000002: it has no settlement",
        ),
        (
            "UPDATE invoices_delivery SET address = 'x@y.example' WHERE invoice_id = %s",
            "INV-000002: its mail for x@y.example is addressed to",
        ),
        (
            "UPDATE mail_outgoingemail SET attachment_sha256 = repeat('0', 64) WHERE id ="
            " (SELECT email_id FROM invoices_delivery WHERE invoice_id = %s)",
            "carries another file than the stored document",
        ),
        (
            "UPDATE invoices_document SET size = 1 WHERE invoice_id = %s",
            "bytes and not 1",
        ),
        (
            "DELETE FROM invoices_document WHERE invoice_id = %s",
            "INV-000002: it has no PDF, and none is being made",
        ),
    ],
)
def test_a_row_that_was_changed_is_named(
    documents: list[Invoice], statement: str, said: str
) -> None:
    with without_guards():
        assert run(statement, documents[1].pk) == 1
    assert said in findings()


@transactional
def test_a_number_that_is_gone_is_named(documents: list[Invoice]) -> None:
    with without_guards():
        _delete(documents[1])
    told = findings()
    assert "INV-000003: before it INV-000002 is missing" in told
    assert "INV-000003: it does not follow the document before it" in told


@transactional
def test_a_series_that_was_set_back_is_named(documents: list[Invoice]) -> None:
    with without_guards():
        run("UPDATE invoices_numberseries SET last_sequence = 3 WHERE prefix = 'INV-'")
    assert "INV-: it counts to 3; the last document is 4" in findings()


@transactional
def test_two_documents_with_one_number_are_named(documents: list[Invoice]) -> None:
    with without_guards():
        run("ALTER TABLE invoices_invoice DROP CONSTRAINT invoice_sequence_once")
        run("UPDATE invoices_invoice SET sequence = 2 WHERE id = %s", documents[2].pk)
    try:
        assert "INV-000003: there are two documents with this number" in findings()
    finally:
        with without_guards():
            run("UPDATE invoices_invoice SET sequence = 3 WHERE id = %s", documents[2].pk)
            run(
                "ALTER TABLE invoices_invoice ADD CONSTRAINT invoice_sequence_once"
                " UNIQUE (series_id, sequence)"
            )


# --- Files ----------------------------------------------------------------------------------------


@transactional
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "is missing from the storage"),
        (
            lambda path: path.write_bytes(b"%PDF another"),
            "is not the file whose hash was recorded",
        ),
    ],
    ids=["missing", "altered"],
)
def test_a_file_that_is_gone_or_altered_is_named(
    documents: list[Invoice], harm: Callable[[Path], object], said: str
) -> None:
    path = path_of(documents[2])
    kept = path.read_bytes()
    harm(path)
    told = findings()
    path.write_bytes(kept)
    assert "INV-000003: its pdf (" in told
    assert said in told
    assert "1 finding." in told


@transactional
def test_a_storage_that_is_away_is_no_alteration(
    documents: list[Invoice], storage_away: None
) -> None:
    told = findings(code=3)
    assert "nothing else differs. The storage cannot be read" in told
    assert "missing" not in told


@transactional
def test_a_storage_that_is_away_is_told_beside_what_differs(
    documents: list[Invoice], storage_away: None
) -> None:
    with without_guards():
        run(
            "UPDATE invoices_invoiceline SET net_amount = 90 WHERE invoice_id = %s", documents[0].pk
        )
    told = findings()
    assert "INV-000001" in told
    assert "findings. The storage cannot be read" in told
    assert "this says nothing about the files" in told


def _delete(invoice: Invoice) -> None:
    for table in ("delivery", "document", "settlement", "invoiceline", "invoicetaxline"):
        run(f"DELETE FROM invoices_{table} WHERE invoice_id = %s", invoice.pk)
    run("DELETE FROM invoices_invoice WHERE id = %s", invoice.pk)


@transactional
def test_lines_are_taken_off_the_database_some_at_a_time(
    documents: list[Invoice], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Constant memory: no lot holds more lines than it may, and none is left out."""
    monkeypatch.setattr("invoices.proving.reading._LINES_AT_ONCE", 1)
    monkeypatch.setattr("invoices.proving.reading._DOCUMENTS_AT_ONCE", 3)
    assert "4 documents in 2 series, 4 files" in verify()
    with all_accounts_scope("counting"):
        assert InvoiceLine.objects.count() == 4
    assert NumberSeries.objects.count() == 2


def test_a_note_is_told_apart() -> None:
    assert str(Finding("INV-", "x", is_note=True)) == "note: INV-: x"
    assert str(Finding("INV-", "x")) == "INV-: x"


@transactional
def test_a_message_that_was_taken_from_its_reader_is_found(documents: list[Invoice]) -> None:
    with without_guards():
        run("UPDATE invoices_delivery SET email_id = NULL WHERE invoice_id = %s", documents[1].pk)
    told = findings("--no-files")
    assert f"{documents[1].number}: it is stored, and no message to " in told


def test_what_constraints_forbid_is_found_where_somebody_dropped_them() -> None:
    invoice = Invoice(state="paid", gross_total=Decimal(10))
    settlement = Settlement(total=Decimal(10), credited=Decimal(6), allocated=Decimal(5))
    bundle = Bundle(
        invoice=invoice,
        lines=(),
        allowances=(),
        tax_lines=(),
        deliveries=(),
        further=(),
        files=(),
        settlement=settlement,
        credited=Decimal(6),
    )
    assert list(standing(bundle)) == ["its state is “paid”, which there is not"]
    assert list(settled(bundle)) == ["11 of it are settled, more than 10"]
