"""Which documents have no e-invoice: the same answer from the document and from its rows."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from invoices.in_words import xml_in_words
from invoices.models import Document, Invoice
from invoices.proving.files import Files
from invoices.proving.reading import Bundle
from invoices.rendering.document import AccountingTax
from invoices.rendering.einvoice.currencies import too_fine_currency
from invoices.rendering.einvoice.terms import has_einvoice
from tests.invoices.documents import a_document

# The currency, that of the seller's books, and the one that e-invoices have no room for.
CASES = [
    ("EUR", "EUR", ""),
    ("EUR", "GBP", ""),
    ("JPY", "EUR", ""),
    ("KWD", "KWD", "KWD"),
    ("KWD", "EUR", "KWD"),
    ("EUR", "KWD", "KWD"),
    ("BHD", "KWD", "BHD"),
]


def row(currency: str, books: str) -> Invoice:
    converted = {
        "tax_total_accounting": Decimal("1.250"),
        "exchange_rate": Decimal("0.36"),
        "exchange_rate_date": date(2026, 11, 2),
    }
    return Invoice(
        number="INV-000001",
        currency=currency,
        accounting_currency=books,
        **(converted if books != currency else {}),
    )


def bundle_of(invoice: Invoice, files: Sequence[Document]) -> Bundle:
    return Bundle(
        invoice=invoice,
        lines=(),
        allowances=(),
        tax_lines=(),
        deliveries=(),
        further=(),
        files=files,
        settlement=None,
        credited=Decimal(0),
    )


@pytest.mark.parametrize(("currency", "books", "too_fine"), CASES)
def test_the_customer_is_told_which_currency_has_three_decimals(
    currency: str, books: str, too_fine: str
) -> None:
    said = xml_in_words(None, row(currency, books))
    assert ("three decimals" in said) is bool(too_fine)
    assert too_fine in said


@pytest.mark.parametrize(("currency", "books", "too_fine"), CASES)
def test_the_proof_misses_ubl_only_where_there_could_be_one(
    currency: str, books: str, too_fine: str
) -> None:
    files = Files()
    files.away = "not asked in this test"
    pdf = Document(kind=Document.Kind.PDF, state=Document.State.STORED)
    list(files.check([bundle_of(row(currency, books), [pdf])], prefix="INV"))
    assert files.without_ubl["INV"] == (0 if too_fine else 1)


@pytest.mark.parametrize(("currency", "books", "too_fine"), CASES)
def test_the_document_goes_by_the_same_rule(currency: str, books: str, too_fine: str) -> None:
    tax = AccountingTax(books, Decimal("1.250"), Decimal("0.36"), date(2026, 11, 2))
    document = a_document(1, currency=currency, accounting_tax=tax if books != currency else None)
    assert has_einvoice(document) is not bool(too_fine)
    assert too_fine_currency(currency, books) == too_fine


def test_books_that_no_tax_was_converted_for_do_not_count() -> None:
    """The document says nothing in their currency."""
    untaxed = Invoice(currency="EUR", accounting_currency="KWD", tax_total_accounting=Decimal(0))
    assert "three decimals" not in xml_in_words(None, untaxed)
