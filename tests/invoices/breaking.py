"""One document for each business rule that it breaks, and what breaks the rule in its XML.

Most documents break the rule in what is written of them. Where the writer or a type would mend or
refuse it, the XML of a sound document is broken by hand.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

from invoices.parties import PaymentMeans
from invoices.rendering.document import (
    Adjustment,
    DocumentLine,
    InvoiceDocument,
    TaxBreakdown,
)
from tests.invoices.documents import BUYER, SELLER, TRANSFER, a_document, a_line
from tests.invoices.einvoices import GERMAN, everything
from tests.invoices.xml_edits import (
    Edit,
    attribute,
    drop,
    finer,
    rated,
    text,
    without_attribute,
)

HALF_A_PENNY = Decimal("0.005")
HUNDRED = Decimal("100.00")
RATES = {"S": Decimal("17.5")}
LETTERS = {"S": "S", "Z": "Z", "E": "E", "AE": "AE", "K": "IC", "G": "G", "O": "O"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule, a document that breaks it, and if need be how to break the XML of a sound one."""

    rule: str
    document: InvoiceDocument
    edit: Edit | None = None
    sound: InvoiceDocument | None = None
    in_ubl: bool = False


def forced(value: T, **fields: Any) -> T:
    """A copy with ``fields`` that its constructor might have refused."""
    twin = copy(value)
    for name, content in fields.items():
        object.__setattr__(twin, name, content)
    return twin


def breaches() -> Iterator[Breach]:
    yield from _of_parties()
    yield from _of_lines()
    yield from _of_money()
    yield from _of_sums()
    yield from _of_decimals()
    yield from _of_payment()
    for category, letters in LETTERS.items():
        yield from _of_category(category, f"BR-{letters}")
    yield from _of_intra_community()
    yield from _outside_the_scope()


def taxed(category: str, **overrides: Any) -> InvoiceDocument:
    """A sound document with a line, an allowance and a charge of 100.00 in ``category``."""
    rate = overrides.pop("rate", RATES.get(category, Decimal(0)))
    tax = overrides.pop("tax", HUNDRED * rate / 100)
    stated = TaxBreakdown(category, rate, HUNDRED, tax, "" if category in "SZ" else "Because")
    parts = overrides.pop("parts", (stated,))
    numbers: dict[str, Any] = {"seller": SELLER, "buyer": GERMAN}
    if category == "O":
        numbers = {
            "seller": replace(SELLER, tax_number=""),
            "buyer": replace(GERMAN, tax_number=""),
        }
    return a_document(
        [_hundred(category, rate)],
        adjustments=(_adjustment(category, rate, False), _adjustment(category, rate, True)),
        tax_breakdown=parts,
        **{**numbers, "deliver_to": GERMAN.address, **overrides},
    )


def _hundred(category: str, rate: Decimal) -> DocumentLine:
    line = a_line(1, tax_category=category, tax_rate=rate, quantity=Decimal(1))
    return replace(line, unit_price=HUNDRED, net=HUNDRED)


def _adjustment(category: str, rate: Decimal, is_charge: bool, **fields: Any) -> Adjustment:
    return Adjustment(
        **{
            "is_charge": is_charge,
            "amount": Decimal("10.00"),
            "base": HUNDRED,
            "reason": "Agreed",
            "tax_category": category,
            "tax_rate": rate,
            **fields,
        }
    )


def _of_parties() -> Iterator[Breach]:
    nameless = "\N{ZERO WIDTH SPACE}"
    for rule, side, party in (("BR-06", "seller", SELLER), ("BR-07", "buyer", BUYER)):
        element = f"//ram:{side.title()}TradeParty/ram:Name"
        yield Breach(
            rule, a_document(1, **{side: replace(party, name=nameless)}), text(element, "")
        )
    anonymous = replace(SELLER, tax_number="", registration_id="", tax_registration="12/345")
    yield Breach("BR-CO-26", a_document(1, seller=anonymous))
    address: dict[str, Any] = {"electronic_address": "x@y.example", "electronic_address_scheme": ""}
    for rule, side, party in (("BR-62", "seller", SELLER), ("BR-63", "buyer", BUYER)):
        yield Breach(
            rule,
            a_document(1, **{side: replace(party, **address)}),
            without_attribute(
                f"//ram:{side.title()}TradeParty/ram:URIUniversalCommunication/ram:URIID",
                "schemeID",
            ),
            everything(),
        )
    coded: dict[str, Any] = {**address, "electronic_address_scheme": "0001"}
    identified: dict[str, Any] = {"identifier": "1", "identifier_scheme": "0001"}
    registered: dict[str, Any] = {"registration_id": "1", "registration_scheme": "0001"}
    for side, party in (("seller", SELLER), ("buyer", BUYER)):
        yield Breach("BR-CO-09", a_document(1, **{side: replace(party, tax_number="123456")}))
        yield Breach("BR-CL-25", a_document(1, **{side: replace(party, **coded)}))
        yield Breach("BR-CL-10", a_document(1, **{side: replace(party, **identified)}))
        yield Breach("BR-CL-11", a_document(1, **{side: replace(party, **registered)}))
        nowhere = replace(party, address=replace(party.address, country="ZZ"))
        yield Breach("BR-CL-14", a_document(1, **{side: nowhere}))
    yield Breach("BR-CL-14", a_document(1, deliver_to=replace(GERMAN.address, country="ZZ")))


def _of_lines() -> Iterator[Breach]:
    line = a_line(1)
    nothing = forced(a_document(1), lines=(), tax_breakdown=())
    yield Breach("BR-16", nothing, drop("//ram:IncludedSupplyChainTradeLineItem"))
    yield Breach(
        "BR-25",
        a_document([replace(line, description=" \x07\u200b")]),
        text("//ram:SpecifiedTradeProduct/ram:Name", ""),
    )
    yield Breach("BR-CL-23", a_document([replace(line, unit_code="PCS")]))
    yield Breach(
        "BR-23",
        a_document([replace(line, unit_code="")]),
        without_attribute("//ram:BilledQuantity", "unitCode"),
    )
    negative = a_line(1, quantity=Decimal(-1), unit_price=Decimal("-5.00"))
    yield Breach("BR-27", a_document([negative]))
    numbered = replace(line, standard_item_id="4012345000009", standard_item_scheme="")
    yield Breach(
        "BR-64",
        a_document([numbered]),
        without_attribute("//ram:SpecifiedTradeProduct/ram:GlobalID", "schemeID"),
        everything(),
    )
    yield Breach("BR-CL-21", a_document([replace(numbered, standard_item_scheme="0001")]))
    yield from _of_reasons()


def _of_reasons() -> Iterator[Breach]:
    rate = RATES["S"]
    for is_charge, rule, rules, on_line in (
        (False, "BR-CL-19", ("BR-33", "BR-CO-21"), ("BR-42", "BR-CO-23")),
        (True, "BR-CL-20", ("BR-38", "BR-CO-22"), ("BR-44", "BR-CO-24")),
    ):
        coded = _adjustment("S", rate, is_charge, reason_code="???")
        yield Breach(rule, a_document(2, adjustments=(coded,)))
        yield Breach(rule, a_document([a_line(1, adjustments=(coded,))]))
        silent = _adjustment("S", rate, is_charge, reason=" ")
        for silence in rules:
            yield Breach(silence, a_document(2, adjustments=(silent,)))
        for silence in on_line:
            yield Breach(silence, a_document([a_line(1, adjustments=(silent,))]))


def _of_money() -> Iterator[Breach]:
    mark, sound = a_document(1, currency="DEM"), everything()
    kept_in_marks = replace(sound, accounting_tax=forced(sound.accounting_tax, currency="DEM"))
    for rule, document, edit in (
        ("BR-CL-03", mark, attribute("//cbc:TaxInclusiveAmount", "currencyID", "DEM")),
        ("BR-CL-04", mark, text("//cbc:DocumentCurrencyCode", "DEM")),
        ("BR-CL-03", kept_in_marks, attribute("//cbc:TaxAmount", "currencyID", "DEM")),
        ("BR-CL-05", kept_in_marks, text("//cbc:TaxCurrencyCode", "DEM")),
    ):
        yield Breach(rule, document, edit, sound, in_ubl=True)
    # UBL's list lacks the dobra of today.
    yield Breach("BR-CL-04", a_document(1, currency="STN"))
    sound = a_document(1)
    part = sound.tax_breakdown[0]
    wrong = replace(part, tax=part.tax + HUNDRED)
    yield Breach("BR-CO-17", a_document(1, tax_breakdown=(wrong,)))
    untaxed = forced(sound, tax_breakdown=())
    breakdown = "//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax"
    yield Breach("BR-CO-18", untaxed, drop(breakdown))
    for rule in ("BR-CL-17", "BR-CL-18"):
        yield Breach(rule, taxed("XX"))
    unreasoned = replace(taxed("E").tax_breakdown[0], exemption_code="VATEX-EU-???")
    yield Breach("BR-CL-22", taxed("E", parts=(unreasoned,)))


def _of_sums() -> Iterator[Breach]:
    """More than floating point has digits for, though not more than a column has."""
    vast = Decimal("9007199254740993.07")
    yield Breach("BR-CO-10", a_document([a_line(1, net=vast)]))
    yield Breach("BR-CO-14", a_document([a_line(1, net=vast)]))


_SUMMATION = "//ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_SUMS = {
    "BR-DEC-09": ("lines", f"{_SUMMATION}/ram:LineTotalAmount"),
    "BR-DEC-10": ("allowances", "//ram:AllowanceTotalAmount"),
    "BR-DEC-11": ("charges", "//ram:ChargeTotalAmount"),
    "BR-DEC-12": ("net", "//ram:TaxBasisTotalAmount"),
    "BR-DEC-13": ("tax", "//ram:TaxTotalAmount"),
    "BR-DEC-14": ("gross", "//ram:GrandTotalAmount"),
    "BR-DEC-16": ("prepaid", "//ram:TotalPrepaidAmount"),
    "BR-DEC-17": ("rounding", "//ram:RoundingAmount"),
    "BR-DEC-18": ("due", "//ram:DuePayableAmount"),
}  # fmt: skip
_OF_ADJUSTMENTS = {
    ("amount", False): ("BR-DEC-01", "BR-DEC-24"),
    ("base", False): ("BR-DEC-02", "BR-DEC-25"),
    ("amount", True): ("BR-DEC-05", "BR-DEC-27"),
    ("base", True): ("BR-DEC-06", "BR-DEC-28"),
}


def _of_decimals() -> Iterator[Breach]:
    """The writer rounds: in what it wrote of a sound document, each amount gets a third decimal."""
    # With a second one (BT-111) the rule on the first (BR-DEC-13) is content with either.
    sound = replace(everything(), accounting_tax=None)
    for rule, (name, path) in _SUMS.items():
        totals = forced(sound.totals, **{name: HALF_A_PENNY})
        yield Breach(rule, forced(sound, totals=totals), finer(path), sound)
    for rule, name, element in (
        ("BR-DEC-19", "taxable", "BasisAmount"),
        ("BR-DEC-20", "tax", "CalculatedAmount"),
    ):
        part = forced(sound.tax_breakdown[0], **{name: HALF_A_PENNY})
        path = f"//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:{element}"
        yield Breach(rule, forced(sound, tax_breakdown=(part,)), finer(path), sound)
    line = forced(sound.lines[0], net=HALF_A_PENNY)
    net = "//ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount"
    yield Breach("BR-DEC-23", forced(sound, lines=(line,)), finer(net), sound)
    yield from _of_decimals_of_adjustments()
    sound = everything()
    accounting = forced(sound.accounting_tax, tax=HALF_A_PENNY)
    both = finer("//ram:TaxTotalAmount")
    yield Breach("BR-DEC-15", forced(sound, accounting_tax=accounting), both, sound)


def _of_decimals_of_adjustments() -> Iterator[Breach]:
    rate = RATES["S"]
    both = (_adjustment("S", rate, False), _adjustment("S", rate, True))
    sound = a_document([a_line(1, adjustments=both)], adjustments=both)
    for (name, is_charge), (on_document, on_line) in _OF_ADJUSTMENTS.items():
        fine = _adjustment("S", rate, is_charge, **{name: HALF_A_PENNY})
        element = {"amount": "ActualAmount", "base": "BasisAmount"}[name]
        path = f"ram:SpecifiedTradeAllowanceCharge[{2 if is_charge else 1}]/ram:{element}"
        line = forced(sound.lines[0], adjustments=(fine,))
        yield Breach(
            on_document,
            forced(sound, adjustments=(fine,)),
            finer(f"//ram:ApplicableHeaderTradeSettlement/{path}"),
            sound,
        )
        yield Breach(
            on_line,
            forced(sound, lines=(line,)),
            finer(f"//ram:SpecifiedLineTradeSettlement/{path}"),
            sound,
        )


def _of_payment() -> Iterator[Breach]:
    yield Breach("BR-CL-16", a_document(1, payment_means=(replace(TRANSFER, code="999"),)))
    nowhere = a_document(1, payment_means=(PaymentMeans(code="30"),))
    account = "//ram:PayeePartyCreditorFinancialAccount/ram:IBANID"
    yield Breach("BR-50", nowhere, text(account, ""))
    yield Breach("BR-61", nowhere, drop(account, or_else_name=True))


def _of_category(category: str, rules: str) -> Iterator[Breach]:
    rate, sound = RATES.get(category, Decimal(0)), taxed(category)
    [part] = sound.tax_breakdown
    other = "E" if category != "E" else "Z"
    elsewhere = TaxBreakdown(
        other, Decimal(0), HUNDRED, Decimal(0), "Because" if other == "E" else ""
    )
    yield Breach(f"{rules}-01", taxed(category, parts=(elsewhere,)))
    named = {"seller": SELLER, "buyer": GERMAN}
    unnamed = {"seller": replace(SELLER, tax_number="", tax_registration="")}
    for number in ("02", "03", "04"):
        yield Breach(
            f"{rules}-{number}", taxed(category, **(named if category == "O" else unnamed))
        )
        if category in ("AE", "K"):
            stranger = replace(GERMAN, tax_number="")
            yield Breach(f"{rules}-{number}", taxed(category, buyer=stranger))
    for number, path in (
        ("05", "//ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax"),
        ("06", "(//ram:CategoryTradeTax)[1]"),
        ("07", "(//ram:CategoryTradeTax)[2]"),
    ):
        wrong = taxed(category, rate=Decimal(0) if rate else Decimal(5), tax=Decimal(0))
        yield Breach(f"{rules}-{number}", wrong, rated(path) if category == "O" else None)
    beside = a_line(2, net=HUNDRED, tax_rate=Decimal(20))
    shifted = (
        replace(part, taxable=part.taxable + HUNDRED, tax=2 * part.tax),
        TaxBreakdown("S", Decimal(20), Decimal(0), Decimal(0)),
    )
    first = sound.lines[0]
    yield Breach(f"{rules}-08", a_document([first, beside], tax_breakdown=shifted, buyer=GERMAN))
    yield Breach(f"{rules}-09", taxed(category, parts=(replace(part, tax=part.tax + 5),)))
    turned = replace(part, exemption_text="" if part.exemption_text else "Because")
    yield Breach(f"{rules}-10", taxed(category, parts=(turned,)))


def _of_intra_community() -> Iterator[Breach]:
    yield Breach("BR-IC-11", taxed("K", period=None, delivery_date=None))
    yield Breach("BR-IC-12", taxed("K", deliver_to=None))


def _outside_the_scope() -> Iterator[Breach]:
    sound = taxed("O")
    [part] = sound.tax_breakdown
    beside = a_line(2, net=HUNDRED)
    both = (part, TaxBreakdown("S", RATES["S"], HUNDRED, HUNDRED * RATES["S"] / 100))
    first = sound.lines[0]
    for rule in ("BR-O-11", "BR-O-12"):
        yield Breach(rule, a_document([first, beside], tax_breakdown=both))
    adjusted = [
        _adjustment("S", RATES["S"], is_charge, amount=HUNDRED) for is_charge in (False, True)
    ]
    yield Breach("BR-O-13", _beside(adjusted[0]))
    yield Breach("BR-O-14", _beside(adjusted[1]))


def _beside(adjustment: Adjustment) -> InvoiceDocument:
    [part] = taxed("O").tax_breakdown
    sign = 1 if adjustment.is_charge else -1
    taxable = sign * adjustment.amount
    both = (part, TaxBreakdown("S", RATES["S"], taxable, taxable * RATES["S"] / 100))
    return a_document([taxed("O").lines[0]], adjustments=(adjustment,), tax_breakdown=both)
