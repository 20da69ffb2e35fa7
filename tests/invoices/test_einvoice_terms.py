"""From the closed document to business terms: which figures, spelled how, and what is left out."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoices.parties import PaymentMeans
from invoices.rendering.document import AccountingTax, DocumentKind, InvoiceDocument, Period
from invoices.rendering.einvoice.terms import has_einvoice, terms_of
from tests.invoices.documents import BUYER, SELLER, TRANSFER, a_credit_note, a_document, a_line
from tests.invoices.einvoices import BARE, everything, of_all_kinds

KINDS = of_all_kinds()


def line_terms(**overrides: Any) -> dict[str, Any]:
    [line] = terms_of(a_document([a_line(1, **overrides)]))["BG-25"]
    return dict(line)


def test_each_part_of_a_full_document_has_its_term() -> None:
    terms = terms_of(everything())
    header = {
        *("BT-1", "BT-2", "BT-3", "BT-5", "BT-6", "BT-7", "BT-9", "BT-10", "BT-11", "BT-12"),
        *("BT-13", "BT-20", "BT-72", "BT-73", "BT-74", "BT-81", "BT-83", "BT-84", "BT-85", "BT-86"),
        *("BT-106", "BT-107", "BT-108", "BT-109", "BT-110", "BT-111", "BT-112", "BT-113"),
        *("BT-114", "BT-115"),
    }
    groups = {"BG-1", "BG-4", "BG-7", "BG-13", "BG-20", "BG-21", "BG-23", "BG-25"}
    assert set(terms) == header | groups
    assert set(terms["BG-25"][0]) == {
        *("BT-126", "BT-127-00", "BT-128", "BT-129", "BT-130", "BT-131", "BT-132", "BT-133"),
        *("BT-134", "BT-135", "BT-146", "BT-149", "BT-151", "BT-152", "BT-153", "BT-155"),
        *("BT-156", "BT-157", "BT-157-1", "BG-27", "BG-28"),
    }


def test_amounts_have_the_places_of_their_currency_and_other_numbers_all_of_theirs() -> None:
    terms = terms_of(everything())
    line = terms["BG-25"][0]
    assert (terms["BT-109"], terms["BT-114"], terms["BT-111"]) == ("65.50", "0.02", "14.50")
    assert (line["BT-129"], line["BT-146"], line["BT-149"]) == ("1200.5", "3.12345678", "100")
    assert (line["BT-131"], line["BT-152"]) == ("36.75", "17.5")
    assert (terms["BG-20"][0]["rate"], terms["BG-20"][0]["base_amount"]) == ("10", "100.00")


@pytest.mark.parametrize(
    ("quantity", "spelled"),
    [("0E-8", "0"), ("10.00000000", "10"), ("1E+3", "1000"), ("-0.50000000", "-0.5")],
)
def test_a_number_has_neither_exponent_nor_zeros_behind_it(quantity: str, spelled: str) -> None:
    assert line_terms(quantity=Decimal(quantity))["BT-129"] == spelled


def test_a_currency_without_decimals_has_none() -> None:
    terms = terms_of(KINDS["yen"])
    assert (terms["BT-109"], terms["BT-110"], terms["BG-25"][0]["BT-131"]) == (
        "1001",
        "100",
        "1001",
    )
    assert terms["BG-25"][0]["BT-146"] == "333.5"


def test_a_currency_with_three_decimals_has_no_einvoice() -> None:
    """BR-DEC: no amount has more than two."""
    assert has_einvoice(a_document(1, currency="JPY"))
    assert not has_einvoice(a_document(1, currency="KWD"))
    dinars = AccountingTax("BHD", Decimal("1.234"), Decimal("0.5"), date(2010, 12, 31))
    assert not has_einvoice(a_document(1, accounting_tax=dinars))


def test_what_is_taken_back_has_a_negative_quantity_and_a_price_that_is_none() -> None:
    """BR-27."""
    taken_back = terms_of(KINDS["taking back"])["BG-25"][2]
    assert (taken_back["BT-129"], taken_back["BT-146"]) == ("-1", "12.5")
    assert taken_back["BT-131"] == "-12.50"


def test_a_zero_that_came_of_negative_figures_has_no_sign() -> None:
    assert line_terms(net=Decimal("-0.00"), unit_price=Decimal(0))["BT-131"] == "0.00"


def test_a_credit_note_is_of_type_381_with_positive_amounts_and_names_its_invoice() -> None:
    terms = terms_of(a_credit_note())
    assert terms["BT-3"] == DocumentKind.CREDIT_NOTE == "381"
    assert not terms["BT-115"].startswith("-")
    assert terms["BG-3"] == [{"BT-25": "INV-000123", "BT-26": date(2010, 12, 31)}]
    assert "BT-9" not in terms


def test_a_period_ends_with_its_last_day_as_printed() -> None:
    period = Period(date(2010, 12, 1), date(2010, 12, 31))
    terms = terms_of(a_document([a_line(1, period=period)], period=period))
    assert terms["BT-74"] == terms["BG-25"][0]["BT-135"] == date(2010, 12, 31)


def test_nothing_is_said_of_paying_where_no_means_was_frozen() -> None:
    """BR-49 asks for a code only where there is a means."""
    terms = terms_of(a_document(1, payment_means=()))
    assert not {"BT-81", "BT-83", "BT-84"} & set(terms)


def test_the_first_of_several_means_is_the_one_that_is_carried() -> None:
    second = PaymentMeans(code="30", account_id="elsewhere")
    assert terms_of(a_document(1, payment_means=(TRANSFER, second)))["BT-84"] == TRANSFER.account_id


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("GB33 BUKB 2020 1555 5555 55", "GB33BUKB20201555555555"),
        ("20-15-55 12345678", "20-15-55 12345678"),
    ],
)
def test_an_iban_has_no_spaces_and_another_number_stays_as_it_is(written: str, said: str) -> None:
    means = PaymentMeans(code="30", account_id=written, debited_account=written)
    terms = terms_of(a_document(1, payment_means=(means,)))
    assert terms["BT-84"] == terms["BT-91"] == said


def test_outside_the_scope_of_tax_there_is_no_rate_not_even_zero() -> None:
    """BR-O-05; BR-O-02: nor VAT identifiers, which the parties of such a document lack."""
    terms = terms_of(KINDS["outside the scope"])
    assert "BT-152" not in terms["BG-25"][0]
    assert "BT-119" not in terms["BG-23"][0]
    assert "vat_identifier" not in terms["BG-4"] or terms["BG-4"]["vat_identifier"] == ""


@pytest.mark.parametrize("kind", ["reverse charge", "intra-community", "export", "zero rated"])
def test_within_the_scope_of_tax_zero_is_a_rate(kind: str) -> None:
    terms = terms_of(KINDS[kind])
    assert terms["BG-25"][0]["BT-152"] == terms["BG-23"][0]["BT-119"] == "0"


def test_an_allowance_of_a_line_follows_the_tax_of_its_line() -> None:
    line = terms_of(everything())["BG-25"][0]
    assert not [key for each in line["BG-27"] + line["BG-28"] for key in each if "vat" in key]


def test_a_buyer_is_known_by_their_account_unless_they_have_an_identifier() -> None:
    assert terms_of(a_document(1))["BG-7"]["identifiers"] == {None: "100042"}
    known = replace(BUYER, identifier="4012345000009", identifier_scheme="0088")
    assert terms_of(a_document(1, buyer=known))["BG-7"]["identifiers"] == {"0088": "4012345000009"}


def test_a_party_of_a_name_and_a_country_is_said_as_it_is() -> None:
    buyer = terms_of(a_document(1, buyer=BARE, account_number=""))["BG-7"]
    filled = {name: value for name, value in buyer.items() if value}
    assert filled == {"name": "Kofi Mensah", "country_code": "GH"}


def test_text_is_as_printed_and_holds_nothing_that_xml_cannot() -> None:
    terms = terms_of(KINDS["hostile"])
    assert terms["BG-7"]["name"] == "Ünal & <b>Söhne</b>  \u200fעברית\u200e 🙂"
    assert terms["BG-25"][0]["BT-153"] == "abc & ]]> d"
    assert terms["BG-25"][0]["BT-127-00"] == [{"BT-127": "txt.exe"}]


def test_terms_are_made_anew_at_each_call() -> None:
    document = a_document(2)
    terms_of(document)["BG-25"].clear()
    assert len(terms_of(document)["BG-25"]) == 2


def test_the_same_currency_is_no_accounting_currency_of_its_own() -> None:
    """BR-53: BT-6 and BT-111 go together, and say something else than BT-5."""
    same = AccountingTax("GBP", Decimal("1.00"), Decimal(1), date(2010, 12, 31))
    terms = terms_of(a_document(1, accounting_tax=same))
    assert not {"BT-6", "BT-111"} & set(terms)


def of(**overrides: Any) -> InvoiceDocument:
    return a_document(1, seller=replace(SELLER, **overrides))


def test_a_local_tax_number_stands_beside_the_vat_identifier() -> None:
    seller = terms_of(of(tax_registration="201/123/40018"))["BG-4"]
    assert (seller["vat_identifier"], seller["tax_identifier"]) == ("GB123456789", "201/123/40018")
