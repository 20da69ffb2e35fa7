"""What a payer is told: the reference to quote, the terms, and what a direct debit will collect."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from stdnum import iso11649

from invoices.freezing import creditor_reference, payment_means
from invoices.models import Invoice, Seller
from invoices.parties import PaymentMeans
from invoices.rendering.composing import lay_out
from invoices.rendering.document import InvoiceDocument
from tests.invoices.documents import TRANSFER, a_credit_note, a_document, a_draft

GERMAN_IBAN = "DE89370400440532013000"
DEBIT = PaymentMeans(
    code="59",
    collection_date=date(2010, 12, 14),
    mandate_reference="MND-1",
    creditor_id="DE98ZZZ09999999999",
    debited_account="DE75512108001245122051",
)


def a_seller(**overrides: str) -> Seller:
    return Seller(
        **{
            "legal_name": "Nordlicht Hosting GmbH",
            "iban": GERMAN_IBAN,
            "bic": "COBADEFFXXX",
            "bank_name": "Commerzbank",
            **overrides,
        }
    )


def an_invoice(**overrides: object) -> Invoice:
    return Invoice(
        **{
            "kind": Invoice.Kind.INVOICE,
            "currency": "EUR",
            "number": "INV-2026-000123",
            "amount_due": Decimal("119.00"),
            **overrides,
        }
    )


# --- The reference ------------------------------------------------------------------------------


def test_a_euro_transfer_quotes_a_creditor_reference_made_of_the_number() -> None:
    [means] = payment_means(a_seller(), an_invoice())

    assert (means.code, means.reference) == ("58", "RF98INV2026000123")
    assert iso11649.is_valid(means.reference)
    assert means.account_name == "Nordlicht Hosting GmbH"


@pytest.mark.parametrize(
    ("seller", "invoice", "code"),
    [
        ({}, {"currency": "USD"}, "30"),
        ({"iban": "", "bank_account": "20-15-55 12345678"}, {}, "30"),
        ({}, {"number": "INVOICES-OF-2026-00000123"}, "58"),
    ],
    ids=["other currency", "no IBAN", "too long"],
)
def test_where_no_creditor_reference_fits_the_number_is_quoted(
    seller: dict[str, str], invoice: dict[str, str], code: str
) -> None:
    issued = an_invoice(**invoice)
    [means] = payment_means(a_seller(**seller), issued)

    assert (means.code, means.reference) == (code, issued.number)


@pytest.mark.parametrize(
    "overrides",
    [{"kind": Invoice.Kind.CREDIT_NOTE}, {"amount_due": Decimal(0)}, {"amount_due": Decimal(-1)}],
)
def test_nothing_is_to_be_transferred_where_nothing_is_due(overrides: dict[str, object]) -> None:
    assert payment_means(a_seller(), an_invoice(**overrides)) == ()


@pytest.mark.parametrize("number", ["1", "INV-000123", "A" * 21, "Z-9-" * 7])
def test_creditor_references_pass_their_own_check(number: str) -> None:
    reference = creditor_reference(number)

    assert iso11649.validate(reference) == reference
    assert reference.endswith(number.replace("-", ""))


@pytest.mark.parametrize("number", ["", "-", "A" * 22])
def test_a_number_that_does_not_fit_makes_no_creditor_reference(number: str) -> None:
    assert creditor_reference(number) == ""


def test_the_reference_is_printed_in_fours_beside_the_documents_own_number() -> None:
    means = replace(TRANSFER, account_id=GERMAN_IBAN, reference="RF98INV2026000123")
    sheet = lay_out(a_document(1, currency="EUR", number="INV-2026-000123", payment_means=(means,)))
    [payment] = sheet.payments

    assert [fact.value for fact in payment.facts][-1] == "RF98 INV2 0260 0012 3"
    assert sheet.facts[0].value == "INV-2026-000123"


# --- What is printed ----------------------------------------------------------------------------


def test_transfer_says_where_to_and_what_to_quote() -> None:
    [payment] = lay_out(a_document(1)).payments

    assert payment.heading == "Pay by bank transfer to"
    assert [(fact.label, fact.value) for fact in payment.facts] == [
        ("Account name", "Northwind Hosting Ltd"),
        ("IBAN", "GB33 BUKB 2020 1555 5555 55"),
        ("BIC", "BUKBGB22XXX"),
        ("Bank", "Harbour Bank"),
        ("Reference", "INV-000123"),
    ]


def test_account_without_iban_is_printed_as_it_is() -> None:
    means = PaymentMeans(code="30", account_id="12345678", bank_code="20-15-55")
    [payment] = lay_out(a_document(1, payment_means=(means,))).payments

    assert [(fact.label, fact.value) for fact in payment.facts] == [
        ("Account", "12345678"),
        ("Sort code", "20-15-55"),
    ]


def test_card_is_named_by_its_last_four_digits() -> None:
    means = PaymentMeans(code="48", card_last4="4242", card_holder="Ana Ruiz")
    [payment] = lay_out(a_document(1, payment_means=(means,))).payments

    assert payment.heading == "Charged to your card"
    assert [fact.value for fact in payment.facts] == ["4242", "Ana Ruiz"]


def test_paid_invoice_asks_for_nothing() -> None:
    gross = a_document(1).totals.gross
    sheet = lay_out(a_document(1, prepaid=gross))

    assert (sheet.amount, sheet.due, sheet.payments) == ("£0.00", "Nothing to pay", ())


# --- Terms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "days", "terms"),
    [
        ("en-GB", 14, "Payable within 14 days of the invoice date"),
        ("en-GB", 1, "Payable within 1 day of the invoice date"),
        ("en-GB", 0, "Payable on receipt"),
        ("de", 30, "Zahlbar innerhalb von 30 Tagen ab Rechnungsdatum"),
        ("fr", 30, "Payable sous 30 jours à compter de la date de facture"),
    ],
)
def test_terms_without_words_of_their_own_are_told_in_days(
    locale: str, days: int, terms: str
) -> None:
    issued = date(2010, 12, 31)
    due_date = issued + timedelta(days=days)
    document = a_document(1, locale=locale, payment_terms="", issue_date=issued, due_date=due_date)

    assert lay_out(document).terms == terms


def test_terms_stand_under_the_due_date_and_long_ones_among_the_notes() -> None:
    short, long = "Two per cent discount within 7 days.", "Two per cent discount. " * 10
    brief, lengthy = (lay_out(a_document(1, payment_terms=text)) for text in (short, long))

    assert (brief.terms, short in brief.notes) == (short, False)
    assert (lengthy.terms, long in lengthy.notes) == ("", True)


@pytest.mark.parametrize(
    "document",
    [
        a_credit_note(1),
        a_draft(1, payment_terms=""),
        a_document(1, payment_terms="", prepaid=a_document(1).totals.gross),
    ],
    ids=["credit note", "draft", "paid"],
)
def test_what_is_not_to_be_paid_has_no_terms(document: InvoiceDocument) -> None:
    assert lay_out(document).terms == ""


# --- Direct debit -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "due", "notice"),
    [
        (
            "en-GB",
            "Will be collected on 14 December 2010",
            "We will collect €119.00 from your account ending 2051 on 14 December 2010.",
        ),
        (
            "de",
            "Einzug am 14. Dezember 2010",
            "Wir ziehen 119,00 € am 14. Dezember 2010 per Lastschrift von Ihrem Konto mit der"
            " Endung 2051 ein.",
        ),
        (
            "fr",
            "Prélèvement le 14 décembre 2010",
            "Nous prélèverons 119,00 € sur votre compte se terminant par 2051 le 14 décembre 2010.",
        ),
    ],
)
def test_direct_debit_is_announced_in_a_sentence(locale: str, due: str, notice: str) -> None:
    sheet = lay_out(debited(locale=locale))
    [payment] = sheet.payments

    assert (sheet.due, sheet.terms) == (due, "")
    assert payment.text.replace("\N{NO-BREAK SPACE}", " ") == notice
    assert [fact.value for fact in payment.facts] == ["MND-1", "DE98ZZZ09999999999"]
    assert "DE75" not in str(sheet)


def test_direct_debit_without_an_account_or_a_day_of_its_own_is_collected_when_due() -> None:
    means = replace(DEBIT, collection_date=None, debited_account="")
    sheet = lay_out(debited(payment_means=(means,), due_date=date(2011, 1, 14)))

    assert sheet.payments[0].text == (
        "We will collect €119.00 from your account on 14 January 2011."
    )
    assert sheet.due == "Due by 14 January 2011"


def debited(**overrides: object) -> InvoiceDocument:
    usual = {"currency": "EUR", "payment_means": (DEBIT,), "payment_terms": ""}
    document = a_document(1, **{**usual, **overrides})
    gross = document.totals.gross
    rounding = Decimal("119.00") - gross
    totals = replace(document.totals, rounding=rounding, due=gross + rounding)
    return replace(document, totals=totals)
