"""Both syntaxes: what is read back is what the document says, and always in the same bytes."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import pytest
from facturx import parse_ubl_cii_xml
from lxml import etree

from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.writing import EInvoiceUnwritable, to_cii, to_ubl
from tests.invoices.documents import a_document, a_draft, a_line
from tests.invoices.einvoices import everything, of_all_kinds

KINDS = of_all_kinds()
WRITERS = {"CII": to_cii, "UBL": to_ubl}

each_syntax = pytest.mark.parametrize("syntax", WRITERS)
each_kind = pytest.mark.parametrize("kind", KINDS)


def root_of(syntax: str, document: InvoiceDocument) -> "etree._Element":
    return etree.fromstring(WRITERS[syntax](document))


def texts(root: "etree._Element", path: str) -> list[str]:
    """By local names: prefixes say nothing that the names do not."""
    steps = "/".join(f"*[local-name()='{name}']" for name in path.split("/"))
    return [(found.text or "").strip() for found in root.xpath(f"//{steps}")]


LEGAL_NAME = "Party/PartyLegalEntity/RegistrationName"
PLACES = {
    "number": ("ExchangedDocument/ID", "Invoice/ID"),
    "net": ("TaxBasisTotalAmount", "TaxExclusiveAmount"),
    "gross": ("GrandTotalAmount", "TaxInclusiveAmount"),
    "due": ("DuePayableAmount", "PayableAmount"),
    "prepaid": ("TotalPrepaidAmount", "PrepaidAmount"),
    "rounding": ("RoundingAmount", "PayableRoundingAmount"),
    "line nets": ("LineTotalAmount", "InvoiceLine/LineExtensionAmount"),
    "quantities": ("BilledQuantity", "InvoicedQuantity"),
    "prices": ("NetPriceProductTradePrice/ChargeAmount", "Price/PriceAmount"),
    "seller": ("SellerTradeParty/Name", f"AccountingSupplierParty/{LEGAL_NAME}"),
    "buyer": ("BuyerTradeParty/Name", f"AccountingCustomerParty/{LEGAL_NAME}"),
    "project": ("SpecifiedProcuringProject/ID", "ProjectReference/ID"),
    "notes": ("ExchangedDocument/IncludedNote/Content", "Invoice/Note"),
    "third address line": ("SellerTradeParty/PostalTradeAddress/LineThree", "AddressLine/Line"),
    "legal information": ("SellerTradeParty/Description", "CompanyLegalForm"),
}  # fmt: skip


@each_syntax
def test_what_is_read_back_is_what_the_document_says(syntax: str) -> None:
    document = everything()
    root = root_of(syntax, document)
    said = {name: texts(root, paths[syntax == "UBL"]) for name, paths in PLACES.items()}
    totals = document.totals
    assert said["number"] == [document.number]
    assert [said[name] for name in ("net", "gross", "due", "prepaid", "rounding")] == [
        [str(figure)]
        for figure in (totals.net, totals.gross, totals.due, totals.prepaid, totals.rounding)
    ]
    assert [Decimal(net) for net in said["line nets"][:2]] == [line.net for line in document.lines]
    assert list(map(Decimal, said["quantities"])) == [line.quantity for line in document.lines]
    assert list(map(Decimal, said["prices"])) == [line.unit_price for line in document.lines]
    assert (said["seller"], said["buyer"]) == ([document.seller.name], [document.buyer.name])
    assert said["project"] == [document.project_number]
    assert said["notes"] == list(document.notes)
    assert said["third address line"] == ["Dock side"]
    assert said["legal information"] == [document.seller.legal_information]


@each_syntax
@each_kind
def test_the_library_s_own_parser_reads_the_figures_back(syntax: str, kind: str) -> None:
    document = KINDS[kind]
    read = parse_ubl_cii_xml(WRITERS[syntax](document), check_xsd=False)
    assert read["BT-1"] == document.number
    assert read["BT-3"] == document.kind.value
    assert read["BT-2"] == document.issue_date
    assert Decimal(str(read["BT-112"])) == document.totals.gross
    assert Decimal(str(read["BT-115"])) == document.totals.due
    assert len(read["BG-25"]) == len(document.lines)


@each_syntax
@each_kind
def test_no_element_is_empty_but_the_one_that_has_to_be(syntax: str, kind: str) -> None:
    for element in root_of(syntax, KINDS[kind]).iter():
        if etree.QName(element).localname != "ApplicableHeaderTradeDelivery":
            assert len(element) or (element.text or "").strip(), element.tag
        assert not [name for name in element.attrib if "XMLSchema-instance" in str(name)]


def test_rounding_in_ubl_is_in_the_currency_of_the_document() -> None:
    """The library writes EUR."""
    [rounding] = root_of("UBL", everything()).iter("{*}PayableRoundingAmount")
    assert rounding.get("currencyID") == "GBP"


@each_syntax
@pytest.mark.parametrize("kind", ["direct debit", "direct debit without account"])
def test_a_direct_debit_names_mandate_and_creditor(syntax: str, kind: str) -> None:
    root = root_of(syntax, KINDS[kind])
    mandate = ("DirectDebitMandateID", "PaymentMandate/ID")[syntax == "UBL"]
    assert texts(root, mandate) == ["M-77"]
    assert "DE98ZZZ09999999999" in etree.tostring(root, encoding="unicode")


@each_syntax
def test_a_card_is_said_by_its_last_digits(syntax: str) -> None:
    root = root_of(syntax, KINDS["card"])
    card = ("ApplicableTradeSettlementFinancialCard/ID", "PrimaryAccountNumberID")
    assert texts(root, card[syntax == "UBL"]) == ["4242"]


def test_an_account_that_is_no_iban_is_not_called_one() -> None:
    root = root_of("CII", KINDS["account without IBAN"])
    assert texts(root, "ProprietaryID") == ["20-15-55 12345678"]
    assert texts(root, "IBANID") == []


def test_the_tax_point_is_said_in_both() -> None:
    assert texts(root_of("CII", everything()), "TaxPointDate/DateString") == ["20101230"]
    assert texts(root_of("UBL", everything()), "TaxPointDate") == ["2010-12-30"]


@each_syntax
def test_a_credit_note_is_one(syntax: str) -> None:
    root = root_of(syntax, KINDS["credit note"])
    code = ("ExchangedDocument/TypeCode", "CreditNoteTypeCode")[syntax == "UBL"]
    assert texts(root, code) == ["381"]
    assert "P-7" in etree.tostring(root, encoding="unicode")


@each_syntax
def test_what_lacks_a_required_term_cannot_be_written(syntax: str) -> None:
    nameless = replace(a_line(1), description="\x07")
    for document in (a_document([nameless]), a_draft(1)):
        with pytest.raises(EInvoiceUnwritable):
            WRITERS[syntax](document)


_DIGEST = """
import hashlib, os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from invoices.rendering.einvoice.writing import to_cii, to_ubl
from tests.invoices.einvoices import everything
print(hashlib.sha256(to_cii(everything()) + to_ubl(everything())).hexdigest())
"""


def test_the_same_document_gives_the_same_bytes_in_every_process() -> None:
    here = hashlib.sha256(to_cii(everything()) + to_ubl(everything())).hexdigest()
    for seed in ("1", "2"):
        elsewhere = subprocess.run(
            [sys.executable, "-c", _DIGEST],
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
        )
        assert elsewhere.stdout.strip() == here
