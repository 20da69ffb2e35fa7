"""Bringing documents before all judges: outside tools, our own checks, and each other."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import facturx

from common.exceptions import DomainError
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.checking import check_cii, check_ubl
from invoices.rendering.scan_to_pay import scan_to_pay_code
from tests.conformance import judges
from tests.conformance.facts import Facts, differences, facts_in, facts_of
from tests.conformance.judges import MUSTANG, PDF_A, PDF_UA, JavaJudges, Verdict
from tests.conformance.pages import missing_from
from tests.conformance.record import Record
from tests.invoices.pdfs import boxes_of, text_of

_NAMES = {
    PDF_A: "veraPDF, PDF/A-3a",
    PDF_UA: "veraPDF, PDF/UA-1",
    MUSTANG: "Mustang, Factur-X and UBL",
}
_PROGRAMS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Paper:
    """A document with all that was made of it."""

    name: str
    document: InvoiceDocument
    pdf: bytes
    ubl: bytes | None
    # What else the XML must hold, such as what the database's rows say.
    facts: Facts | None = None


def judge(papers: Iterable[Paper], folder: Path, *, look_for_codes: bool = True) -> Record:
    """Every paper before every judge. Raises judges.JudgesBroken."""
    record = Record()
    asked: dict[str, str] = {}
    with judges.java_judges() as java, ThreadPoolExecutor(_PROGRAMS_AT_ONCE) as pool:
        pending: list[tuple[Paper, Future[list[tuple[str, list[str]]]]]] = []
        for paper in papers:
            pdf = _written(paper, folder, java, asked)
            pending.append((paper, pool.submit(_by_programs, paper, pdf, look_for_codes)))
            _by_own_checks(paper, record)
            _by_comparison(paper, judges.text_by_poppler(pdf), record)
        for paper, verdicts in pending:
            for name, wrong in verdicts.result():
                record.note(name, paper.name, wrong)
        for file, by_judge in java.answers().items():
            for name, verdict in by_judge.items():
                record.note(_NAMES[name], asked[file], _refusals(verdict))
    return record


def _written(paper: Paper, folder: Path, java: JavaJudges, asked: dict[str, str]) -> Path:
    """The paper's files, which Java is asked about while others are still made."""
    pdf = folder / f"{paper.name}.pdf"
    pdf.write_bytes(paper.pdf)
    java.ask(pdf, (PDF_A, PDF_UA) if paper.ubl is None else (PDF_A, PDF_UA, MUSTANG))
    asked[str(pdf)] = pdf.name
    if paper.ubl is not None:
        ubl = pdf.with_suffix(".ubl.xml")
        ubl.write_bytes(paper.ubl)
        java.ask(ubl, (MUSTANG,))
        asked[str(ubl)] = ubl.name
    return pdf


def _refusals(verdict: Verdict) -> list[str]:
    return [] if verdict.passed else list(verdict.said or ("refused without a word",))


# --- Programs -------------------------------------------------------------------------------------


def _by_programs(paper: Paper, pdf: Path, look_for_codes: bool) -> list[tuple[str, list[str]]]:
    verdicts = [
        ("qpdf --check", _refusals(judges.by_qpdf(pdf))),
        (
            "Poppler, tags and title",
            _refusals(judges.by_poppler(pdf, title=paper.document.number)),
        ),
    ]
    # Without means of payment there is nothing that a code could say.
    if look_for_codes and paper.document.payment_means:
        verdicts.append(("ZBar, scan to pay", list(_wrong_codes(paper, judges.codes_in(pdf)))))
    return verdicts


def _wrong_codes(paper: Paper, found: list[str]) -> Iterator[str]:
    """One code where a transfer in euros can be made, and it says what the document says."""
    document = paper.document
    texts = [scan_to_pay_code(document, means) for means in document.payment_means]
    expected = [text for text in texts if text]
    if found != expected:
        yield f"scanned {found!r}, not {expected!r}"
    for code in found:
        yield from _wrong_in_code(code, document)


def _wrong_in_code(code: str, document: InvoiceDocument) -> Iterator[str]:
    """EPC069-12, read again line by line."""
    means = document.payment_means[0]
    lines = [*code.split("\n"), "", "", ""]
    head, bic, name, account, amount = lines[:4], lines[4], lines[5], lines[6], lines[7]
    references = [reference for reference in lines[9:11] if reference]
    if head != ["BCD", "002", "1", "SCT"] or bic != means.bic:
        yield f"starts {head} {bic}"
    if (name, account) != (means.account_name[:70], means.account_id.replace(" ", "")):
        yield f"pays {name}, {account}"
    if not amount.startswith("EUR") or Decimal(amount[3:]) != document.totals.due:
        yield f"pays {amount}, due is {document.totals.due}"
    if [one.replace(" ", "") for one in references] != [means.reference.replace(" ", "")]:
        yield f"quotes {references}"


# --- Our own checks -------------------------------------------------------------------------------


def _by_own_checks(paper: Paper, record: Record) -> None:
    record.note("fonts, no glyph missing", paper.name, map(str, boxes_of(paper.pdf)))
    if paper.ubl is not None:
        record.note("Schematron and XSD, CII", paper.name, _raised(check_cii, _embedded(paper)))
        record.note("Schematron and XSD, UBL", paper.name, _raised(check_ubl, paper.ubl))


def _raised(check: Callable[[bytes], None], xml: bytes) -> list[str]:
    try:
        check(xml)
    except DomainError as refusal:
        return [str(refusal)]
    return []


def _embedded(paper: Paper) -> bytes:
    _, xml = facturx.get_xml_from_pdf(paper.pdf, check_xsd=False, check_schematron=False)
    return bytes(xml) if xml else b"<nothing/>"


# --- One with the other ---------------------------------------------------------------------------


def _by_comparison(paper: Paper, read_by_poppler: str, record: Record) -> None:
    document = paper.document
    if paper.ubl is not None:
        expected = facts_of(document)
        for syntax, xml in (("CII", _embedded(paper)), ("UBL", paper.ubl)):
            found = facts_in(xml)
            wrong = list(differences(expected, found, where=syntax))
            record.note(f"{syntax} read back, equals document", paper.name, wrong)
            if paper.facts is not None:
                read = {term: value for term, value in found.items() if term in paper.facts}
                wrong = list(differences(paper.facts, read, where=syntax))
                record.note(f"{syntax} read back, equals rows", paper.name, wrong)
    readings = (text_of(paper.pdf), read_by_poppler)
    record.note("pages' text, holds the document", paper.name, missing_from(readings, document))
