"""The checks before anything is stored: the sound pass, the broken do not, silence is no pass."""

import logging
from pathlib import Path

import pytest

from invoices.rendering.einvoice import checking
from invoices.rendering.einvoice.asking import VALIDATOR, ValidatorFailed
from invoices.rendering.einvoice.checking import EInvoiceInvalid, NoVerdict, check_cii, check_ubl
from invoices.rendering.einvoice.writing import to_cii, to_ubl
from tests.invoices.documents import a_credit_note, a_document
from tests.invoices.einvoices import everything, of_all_kinds

KINDS = of_all_kinds()


@pytest.mark.parametrize("kind", KINDS)
def test_documents_of_every_kind_keep_the_rules_in_both_syntaxes(kind: str) -> None:
    check_cii(to_cii(KINDS[kind]))
    check_ubl(to_ubl(KINDS[kind]))


CII, UBL = to_cii(a_document(2)), to_ubl(a_document(2))


def test_a_total_that_does_not_add_up_is_named_by_its_rule() -> None:
    with pytest.raises(EInvoiceInvalid) as of_cii:
        check_cii(CII.replace(b"<ram:GrandTotalAmount>84.31", b"<ram:GrandTotalAmount>84.32"))
    assert "BR-CO-15" in str(of_cii.value.rules)
    with pytest.raises(EInvoiceInvalid) as of_ubl:
        check_ubl(UBL.replace(b">84.31</cbc:TaxInclusive", b">84.32</cbc:TaxInclusive"))
    assert of_ubl.value.rules[0].startswith("BR-CO-1")
    assert of_ubl.value.rules[0] in str(of_ubl.value)


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        (b'schemeID="0060"', b'schemeID="9999"'),
        (b">GB<", b">XX<"),
        (b'unitCode="MON"', b'unitCode="???"'),
    ],
    ids=["scheme", "country", "unit"],
)
def test_codes_are_looked_up_in_their_lists(sound: bytes, broken: bytes) -> None:
    for check, xml in ((check_cii, CII), (check_ubl, UBL)):
        assert sound in xml
        with pytest.raises(EInvoiceInvalid):
            check(xml.replace(sound, broken))


def test_what_the_schema_does_not_know_is_refused_before_any_rule_is_asked() -> None:
    for check, xml in ((check_cii, CII), (check_ubl, UBL)):
        end = xml.rstrip().rpartition(b"</")[0]
        closing = xml.rstrip().rpartition(b"</")[2]
        with pytest.raises(EInvoiceInvalid) as refused:
            check(end + b"<Surprise/></" + closing)
        assert refused.value.rules == ("XSD",)


def test_a_file_of_another_kind_is_no_ubl() -> None:
    with pytest.raises(EInvoiceInvalid):
        check_ubl(CII)


def test_a_credit_note_is_checked_by_its_own_schema() -> None:
    check_ubl(to_ubl(a_credit_note()))
    with pytest.raises(EInvoiceInvalid):
        check_ubl(to_ubl(a_credit_note()).replace(b"CreditNoteTypeCode", b"InvoiceTypeCode"))


def test_warnings_refuse_nothing_and_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    checking._tell_once.cache_clear()
    caplog.set_level(logging.INFO, logger=checking.__name__)
    for _ in range(2):
        check_cii(CII)
    assert len(caplog.records) == 1
    assert "PEPPOL-EN16931-R008" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b'<svrl:schematron-output xmlns:svrl="http://purl.oclc.org/dsdl/svrl"/>',
    ],
)
def test_a_validator_that_says_nothing_has_passed_nothing(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VALIDATOR, "report_on", lambda *_, **__: answer)
    with pytest.raises(NoVerdict):
        check_cii(CII)


def test_a_validator_that_fails_has_passed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise ValidatorFailed("out of order")

    monkeypatch.setattr(VALIDATOR, "report_on", fail)
    with pytest.raises(NoVerdict, match="out of order"):
        check_ubl(UBL)


def test_rules_that_cannot_be_read_have_passed_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (broken := tmp_path / "rules.xslt").write_text("<no-stylesheet/>")
    monkeypatch.setattr(checking, "_UBL_RULES", broken)
    with pytest.raises(NoVerdict, match=r"rules\.xslt"):
        check_ubl(UBL)
    monkeypatch.undo()
    check_ubl(UBL)


def test_a_document_with_all_parts_gives_no_other_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    checking._tell_once.cache_clear()
    caplog.set_level(logging.INFO, logger=checking.__name__)
    check_cii(to_cii(everything()))
    check_ubl(to_ubl(everything()))
    assert not caplog.records
