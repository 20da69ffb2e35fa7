"""What a document says, before it is put on a page: words, formats, order."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from invoices.rendering.composing import lay_out
from invoices.rendering.document import (
    AccountingTax,
    Adjustment,
    InconsistentDocument,
    InvoiceDocument,
    Period,
    TaxBreakdown,
    Totals,
)
from invoices.rendering.sheet import Sheet, amount_size
from tests.invoices.documents import (
    BUYER,
    SELLER,
    STANDARD_RATE,
    TRANSFER,
    a_credit_note,
    a_document,
    a_draft,
    a_line,
)


def facts_of(sheet: Sheet) -> dict[str, str]:
    return {fact.label: fact.value for fact in sheet.facts}


def totals_of(document: InvoiceDocument) -> list[tuple[str, str]]:
    return [(fact.label, fact.value) for fact in lay_out(document).totals]


# --- What stands where --------------------------------------------------------------------------


def test_facts_that_a_payer_looks_for_come_first_and_empty_ones_not_at_all() -> None:
    assert facts_of(lay_out(a_document(1))) == {
        "Invoice number": "INV-000123",
        "Date": "31 December 2010",
        "Service period": "1–31 Dec 2010",
        "Order number": "PO-7781",
        "Account number": "100042",
        "Your VAT number": "GB987654321",
        "Your phone": "+44 117 496 0123",
    }


def test_number_and_order_number_stand_out() -> None:
    """Who books an invoice looks for these two, and for the panel with the amount."""
    sought = [fact.value for fact in lay_out(a_document(1)).facts if fact.is_sought]

    assert sought == ["INV-000123", "PO-7781"]


def test_references_tax_point_and_numbers_of_the_buyer_are_printed() -> None:
    facts = facts_of(
        lay_out(
            a_document(
                1,
                tax_point_date=date(2010, 12, 30),
                buyer_reference="04011000-12345-34",
                contract_number="C-9",
                project_number="P-3",
            )
        )
    )

    assert facts["Tax point"] == "30 December 2010"
    assert facts["Your reference"] == "04011000-12345-34"
    assert (facts["Contract number"], facts["Project number"]) == ("C-9", "P-3")


def test_buyer_is_named_with_contact_address_phone_and_numbers() -> None:
    buyer = replace(BUYER, registration_id="07654321", tax_registration="37/1/2")
    sheet = lay_out(a_document(1, buyer=buyer))
    facts = facts_of(sheet)

    assert sheet.buyer_name == "Ferris & Ruiz Trading Ltd"
    assert sheet.buyer_address == (
        "Attn. Ana Ruiz\n12 Harbour Street\nSecond floor\nBristol\nBS1 5TY\nUnited Kingdom"
    )
    assert facts["Your phone"] == "+44 117 496 0123"
    assert facts["Your VAT number"] == "GB987654321"
    assert (facts["Your tax number"], facts["Your company no."]) == ("37/1/2", "07654321")


def test_seller_stands_at_the_foot_with_all_registrations() -> None:
    seller = replace(
        SELLER,
        contact_name="Accounts",
        trading_name="Northwind",
        tax_registration="37/1/2",
        legal_information="Line one\nLine two",
    )

    assert [column.split("\n") for column in lay_out(a_document(1, seller=seller)).footer] == [
        [
            "Northwind Hosting Ltd",
            "Northwind",
            "Unit 4, Mill Lane, Leeds, LS1 4AP, United Kingdom",
        ],
        ["Accounts", "Phone +44 113 496 0000", "billing@northwind.example", "northwind.example"],
        [
            "VAT no. GB123456789",
            "Tax no. 37/1/2",
            "Reg. no. 04512345",
            "Line one",
            "Line two",
        ],
    ]


def test_what_has_no_room_at_the_foot_is_printed_once_as_a_note() -> None:
    seller = replace(SELLER, legal_information="Sitz der Gesellschaft: " + "Musterstadt " * 30)
    sheet = lay_out(a_document(1, seller=seller))

    assert len(sheet.footer) == 2
    assert "VAT no. GB123456789" in sheet.notes[-1]
    assert seller.legal_information in sheet.notes[-1]


def test_credit_note_names_the_invoice_that_it_corrects_and_asks_for_nothing() -> None:
    sheet = lay_out(a_credit_note(2, payment_means=(TRANSFER,)))
    [corrected] = sheet.payments

    assert (sheet.amount_label, sheet.due) == ("Amount credited", "")
    assert (corrected.heading, corrected.text) == (
        "Corrects invoice",
        "INV-000123 of 31 December 2010",
    )
    assert corrected.facts == ()


def test_credit_note_without_an_invoice_names_the_period() -> None:
    sheet = lay_out(a_credit_note(1, preceding=()))

    assert sheet.payments == ()
    assert facts_of(sheet)["Service period"] == "1–31 Dec 2010"


def test_line_says_item_period_note_and_discount_below_its_description() -> None:
    line = a_line(
        description="Monitoring",
        item_id="MON-50",
        period=Period(date(2010, 12, 1), date(2010, 12, 31)),
        note="Moved from plan S",
        quantity=Decimal("2.50000000"),
        unit_code="HUR",
        unit_price=Decimal("19.00000000"),
        adjustments=(Adjustment(False, Decimal("2.50"), "Loyalty", Decimal(5)),),
    )
    [row] = lay_out(a_document([line])).rows

    assert row.description == "Monitoring"
    assert row.details.split("\n") == [
        "Item MON-50 · 1–31 Dec 2010",
        "Moved from plan S",
        "Loyalty (5%): −£2.50",
    ]
    assert (row.quantity, row.unit_price, row.tax, row.net) == ("2.5 h", "19.00", "17.5%", "45.00")


def test_line_repeats_what_the_buyer_books_by() -> None:
    line = a_line(
        description="Monitoring",
        item_id="",
        period=None,
        buyer_item_id="4711",
        standard_item_id="4012345678901",
        object_identifier="server-7",
        order_line_reference="30",
        accounting_reference="6815",
    )
    [row] = lay_out(a_document([line])).rows

    assert row.details == (
        "Your item 4711 · Item code 4012345678901 · For server-7 · Order line 30"
        " · Your booking reference 6815"
    )


def test_goods_that_left_the_territory_name_where_they_went_and_when() -> None:
    sheet = lay_out(
        a_document(1, deliver_to=BUYER.address, delivery_date=date(2010, 12, 20), locale="de")
    )

    assert facts_of(sheet)["Lieferdatum"] == "20. Dezember 2010"
    assert (
        "Geliefert an 12 Harbour Street, Second floor, Bristol, BS1 5TY, Vereinigtes Königreich"
        in sheet.notes
    )


@pytest.mark.parametrize(
    ("amount", "beside", "alone"),
    [
        ("€119.00", "large", "large"),
        ("€12,345.67", "large", "large"),
        ("1.234.567,89 €", "medium", "large"),
        ("638.271.891,00 €", "small", "large"),
        ("1.110.348.257.422,61 €", "small", "medium"),
    ],
)
def test_amount_is_set_as_large_as_it_fits(amount: str, beside: str, alone: str) -> None:
    assert amount_size(amount, has_neighbour=True) == beside
    assert amount_size(amount, has_neighbour=False) == alone


def test_long_totals_and_labels_share_the_width() -> None:
    def widths(price: str, locale: str) -> tuple[str, str]:
        line = a_line(quantity=Decimal(1), unit_price=Decimal(price))
        sheet = lay_out(a_document([line], locale=locale))
        return sheet.total_label_class, sheet.payments[0].label_class

    assert widths("10.00", "fr") == ("total-usual", "pay-narrow")
    assert widths("1234567.00", "en-GB") == ("total-wide", "pay-usual")
    assert widths("123456789012.00", "de") == ("total-widest", "pay-wide")


def test_price_for_many_says_for_how_many() -> None:
    line = a_line(
        price_base_quantity=Decimal(1000), unit_price=Decimal("1.5"), quantity=Decimal(5000)
    )
    [row] = lay_out(a_document([line])).rows

    assert (row.unit_price, row.price_base, row.net) == ("1.50", "per 1,000", "7.50")


@pytest.mark.parametrize(
    ("locale", "one", "two"),
    [("en-GB", "1 month", "2 months"), ("de", "1 Monat", "2 Monate"), ("fr", "1 mois", "2 mois")],
)
def test_one_is_counted_in_the_singular(locale: str, one: str, two: str) -> None:
    lines = [a_line(n, quantity=Decimal(n), unit_code="MON") for n in (1, 2)]
    rows = lay_out(a_document(lines, locale=locale)).rows

    assert [row.quantity for row in rows] == [one, two]


def test_one_taken_back_is_counted_in_the_singular_too() -> None:
    [row] = lay_out(a_document([a_line(quantity=Decimal(-1), unit_code="ANN")])).rows

    assert row.quantity == "−1 year"


def test_unit_without_a_word_stands_for_itself() -> None:
    [row] = lay_out(a_document([a_line(unit_code="XBX", quantity=Decimal(3))])).rows

    assert row.quantity == "3 XBX"


def test_totals_lead_from_net_over_tax_to_gross() -> None:
    line = a_line(quantity=Decimal(10), unit_price=Decimal("10.00"), adjustments=())

    assert totals_of(a_document([line])) == [
        ("Total before VAT", "£100.00"),
        ("VAT 17.5% on £100.00", "£17.50"),
        ("Total including VAT", "£117.50"),
    ]


def test_totals_tell_allowances_charges_and_what_is_paid() -> None:
    line = a_line(quantity=Decimal(10), unit_price=Decimal("10.00"))
    document = a_document(
        [line],
        adjustments=(
            Adjustment(False, Decimal("10.00"), "Volume", Decimal(10), None, "S", STANDARD_RATE),
            Adjustment(True, Decimal("5.00"), "Delivery", None, None, "S", STANDARD_RATE),
        ),
        prepaid=Decimal("20.00"),
    )

    assert totals_of(document) == [
        ("Sum of lines", "£100.00"),
        ("Volume (10%)", "−£10.00"),
        ("Delivery", "£5.00"),
        ("Total before VAT", "£95.00"),
        ("VAT 17.5% on £95.00", "£16.63"),
        ("Total including VAT", "£111.63"),
        ("Already paid", "−£20.00"),
        ("Amount due", "£91.63"),
    ]


@pytest.mark.parametrize(
    ("category", "label"),
    [
        ("AE", "VAT 0%, reverse charge, on £100.00"),
        ("G", "VAT 0%, export, on £100.00"),
        ("O", "Not subject to VAT, on £100.00"),
        ("E", "Exempt from VAT, on £100.00"),
    ],
)
def test_tax_of_nothing_says_why(category: str, label: str) -> None:
    line = a_line(
        quantity=Decimal(10),
        unit_price=Decimal("10.00"),
        tax_category=category,
        tax_rate=Decimal(0),
    )
    text = "Reverse charge: the customer accounts for the tax."
    breakdown = TaxBreakdown(category, Decimal(0), Decimal("100.00"), Decimal(0), text)
    document = a_document([line], tax_breakdown=(breakdown,))

    assert totals_of(document)[1] == (label, "£0.00")
    assert text in lay_out(document).notes


def test_tax_in_the_sellers_own_currency_is_told_with_its_rate() -> None:
    document = a_document(
        1,
        accounting_tax=AccountingTax(
            "EUR", Decimal("14.65"), Decimal("1.1653"), date(2010, 12, 30)
        ),
    )

    assert "VAT in EUR: €14.65 (1 GBP = 1.1653 EUR on 30 Dec 2010)." in lay_out(document).notes


def test_long_figures_get_wider_columns() -> None:
    long_line = a_line(quantity=Decimal("123456789.12345678"), unit_price=Decimal("98765.12345678"))
    wide = lay_out(a_document([long_line])).wide
    usual = lay_out(a_document(5)).wide

    assert (wide.quantity, wide.unit_price, wide.net) == (True, True, True)
    assert (usual.quantity, usual.unit_price, usual.net) == (False, False, False)


# --- Figures that contradict each other ---------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"net": "99.99"}, {"gross": "117.51"}, {"due": "100.00"}, {"charges": "1.00"}]
)
def test_totals_that_do_not_add_up_are_refused(wrong: dict[str, str]) -> None:
    right = {"lines": "100.00", "net": "100.00", "tax": "17.50", "gross": "117.50", "due": "117.50"}

    with pytest.raises(InconsistentDocument, match="parts make"):
        Totals(**{name: Decimal(value) for name, value in (right | wrong).items()})


def test_lines_and_tax_that_do_not_make_the_totals_are_refused() -> None:
    document = a_document(3)
    with pytest.raises(InconsistentDocument, match="lines is"):
        replace(document, lines=document.lines[:2])
    with pytest.raises(InconsistentDocument, match="net is"):
        replace(document, tax_breakdown=())


def test_number_and_date_belong_to_issued_documents_alone() -> None:
    with pytest.raises(InconsistentDocument, match="number"):
        a_document(1, number="")
    with pytest.raises(InconsistentDocument, match="number"):
        a_document(1, issue_date=None)
    with pytest.raises(InconsistentDocument, match="number"):
        a_draft(1, number="INV-000124")


def test_organisation_and_person_are_both_printed_as_given() -> None:
    buyer = replace(BUYER, trading_name="Ferris", contact_name="")

    assert lay_out(a_document(1, buyer=buyer)).buyer_address.startswith("trading as Ferris\n12 ")
