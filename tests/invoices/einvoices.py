"""Documents of every kind that an e-invoice has to say, for tests and benchmarks."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from invoices.parties import Party, PaymentMeans, PostalAddress
from invoices.rendering.document import (
    AccountingTax,
    Adjustment,
    DocumentLine,
    InvoiceDocument,
    Period,
    TaxBreakdown,
)
from tests.invoices.documents import BUYER, SELLER, a_credit_note, a_document, a_line

GERMAN = Party(
    name="Muster Handels GmbH",
    trading_name="Muster",
    address=PostalAddress(country="DE", lines=("Hafenweg 3",), postcode="20457", city="Hamburg"),
    tax_number="DE123456789",
    electronic_address="DE123456789",
    electronic_address_scheme="9930",
)
BARE = Party(name="Kofi Mensah", address=PostalAddress(country="GH"))


def _one(category: str, *, code: str = "", text: str = "", **overrides: Any) -> InvoiceDocument:
    line = a_line(2, tax_category=category, tax_rate=Decimal(0))
    part = TaxBreakdown(category, Decimal(0), line.net, Decimal("0.00"), text, code)
    return a_document([line], tax_breakdown=(part,), **overrides)


def of_all_kinds() -> dict[str, InvoiceDocument]:
    return {
        "plain": a_document(10),
        "credit note": a_credit_note(3, project_number="P-7"),
        "full": everything(),
        "yen": _yen(),
        "taking back": a_document([a_line(1), a_line(2), _taking_back()]),
        "bare buyer": a_document(1, buyer=BARE, account_number="", payment_means=()),
        "direct debit": a_document(2, payment_means=(_direct_debit(),)),
        "direct debit without account": a_document(
            2, payment_means=(replace(_direct_debit(), debited_account=""),)
        ),
        "card": a_document(2, payment_means=(_card(),)),
        "account without IBAN": a_document(
            1, payment_means=(PaymentMeans(code="30", account_id="20-15-55 12345678"),)
        ),
        "reverse charge": _one("AE", code="VATEX-EU-AE", text="Reverse charge", buyer=GERMAN),
        "intra-community": _one(
            "K",
            code="VATEX-EU-IC",
            text="Exempt intra-Community supply",
            buyer=GERMAN,
            deliver_to=GERMAN.address,
            delivery_date=date(2010, 12, 30),
        ),
        "export": _one("G", code="VATEX-EU-G", text="Export", deliver_to=BARE.address, buyer=BARE),
        "zero rated": _one("Z"),
        "small business": _one("E", text="Exempt from VAT: exemption for small enterprises"),
        "outside the scope": _one(
            "O",
            code="VATEX-EU-O",
            text="Not subject to VAT",
            seller=replace(SELLER, tax_number=""),
            buyer=replace(BUYER, tax_number=""),
        ),
        "hostile": _hostile(),
    }


def everything() -> InvoiceDocument:
    """Each part of a document that has a place in the standard."""
    discount = Adjustment(
        is_charge=False,
        amount=Decimal("10.00"),
        base=Decimal("100.00"),
        percentage=Decimal("10.0000"),
        reason="Loyalty",
        reason_code="95",
        tax_category="S",
        tax_rate=Decimal("17.5000"),
    )
    freight = Adjustment(
        is_charge=True,
        amount=Decimal("5.00"),
        reason="Freight",
        reason_code="FC",
        tax_category="S",
        tax_rate=Decimal("17.5000"),
    )
    return _with_rounding(
        a_document(
            [_full_line(), a_line(2)],
            adjustments=(discount, freight),
            seller=_full_seller(),
            buyer=replace(GERMAN, registration_id="HRB 1234"),
            tax_point_date=date(2010, 12, 30),
            delivery_date=date(2010, 12, 29),
            deliver_to=GERMAN.address,
            buyer_reference="04011000-1234512345-35",
            contract_number="C-1",
            project_number="P-1",
            prepaid=Decimal("1.00"),
            accounting_tax=AccountingTax(
                "EUR", Decimal("14.50"), Decimal("1.1765"), date(2010, 12, 31)
            ),
            notes=("Thank you.", "Delivered by hand."),
        )
    )


def _with_rounding(document: InvoiceDocument) -> InvoiceDocument:
    due = document.totals.due + Decimal("0.02")
    totals = replace(document.totals, rounding=Decimal("0.02"), due=due)
    return replace(document, totals=totals)


def _full_seller() -> Party:
    return replace(
        SELLER,
        trading_name="Northwind",
        contact_name="Accounts",
        identifier="5060012349998",
        identifier_scheme="0088",
        tax_registration="201/123/40018",
        electronic_address="5060012349998",
        electronic_address_scheme="0088",
        legal_information="Registered in England and Wales\nCapital £100",
        address=replace(
            SELLER.address, lines=("Unit 4", "Mill Lane", "Dock side"), subdivision="Yorkshire"
        ),
    )


def _full_line() -> DocumentLine:
    return a_line(
        1,
        quantity=Decimal("1200.50000000"),
        unit_code="KWH",
        unit_price=Decimal("3.12345678"),
        price_base_quantity=Decimal("100.00000000"),
        note="Measured on site",
        buyer_item_id="B-1",
        standard_item_id="4012345000009",
        standard_item_scheme="0160",
        object_identifier="METER-77",
        order_line_reference="3",
        accounting_reference="4711",
        period=Period(date(2010, 12, 1), date(2010, 12, 31)),
        adjustments=(
            Adjustment(
                is_charge=False, amount=Decimal("1.50"), reason="", reason_code="95",
                base=Decimal("37.50"), percentage=Decimal(4),
            ),
            Adjustment(is_charge=True, amount=Decimal("0.75"), reason="Packing"),
        ),
    )  # fmt: skip


def _yen() -> InvoiceDocument:
    line = a_line(
        1, quantity=Decimal(3), unit_price=Decimal("333.50000000"), net=Decimal(1001),
        tax_rate=Decimal(10),
    )  # fmt: skip
    return a_document([line], currency="JPY", seller=replace(SELLER, tax_number="JP123"))


def _taking_back() -> DocumentLine:
    return a_line(3, quantity=Decimal(-1), unit_price=Decimal("12.50"))


def _direct_debit() -> PaymentMeans:
    return PaymentMeans(
        code="59",
        reference="INV-000123",
        mandate_reference="M-77",
        creditor_id="DE98ZZZ09999999999",
        debited_account="DE89370400440532013000",
        collection_date=date(2011, 1, 14),
    )


def _card() -> PaymentMeans:
    return PaymentMeans(code="48", text="Card", card_last4="4242", card_holder="Ana Ruiz")


def _hostile() -> InvoiceDocument:
    name = "Ünal \x07& <b>Söhne</b>\u202e \ufffe \u200fעברית\u200e 🙂"
    line = replace(a_line(1), description="a\x00b\x1fc & ]]> d", note="\u202etxt.exe")
    return a_document([line], buyer=replace(BUYER, name=name), notes=("1 < 2 & 3",))
