"""Issued documents of every kind before tools that others made (U3).

A sample of sixty by default; all that can exist with ``ALL=1``, which `make conformance` passes on.
Where the judges are not there the tests are skipped, unless `make conformance` asked for them.
"""

import io
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pikepdf
import pytest

from invoices.rendering.einvoice.writing import has_einvoice, to_cii, to_ubl
from invoices.rendering.pdf import render_pdf
from tests.conformance.cases import SAMPLE_SIZE, WITHOUT_XML, Case, all_cases, sample
from tests.conformance.documents import document_for
from tests.conformance.judging import Paper, judge
from tests.conformance.record import Record

ALL = bool(os.environ.get("ALL"))


def test_the_sample_has_each_value_of_each_axis_and_is_the_same_each_time() -> None:
    cases = all_cases()
    chosen = sample(cases)
    assert len(chosen) == SAMPLE_SIZE
    assert chosen == sample(all_cases())
    in_all = {value for case in cases for value, other in case.pairs() if not other}
    assert in_all == {value for case in chosen for value, other in case.pairs() if not other}


@pytest.mark.slow
def test_documents_of_every_kind_pass_every_judge(
    present_judges: None, tmp_path: Path, show: Callable[[Record], None]
) -> None:
    cases = all_cases()
    papers = map(paper_of, cases if ALL else sample(cases))
    record = judge(papers, tmp_path)
    show(record)
    assert record.refusals == [], record.worst()
    assert set(record.files) >= {
        "veraPDF, PDF/A-3a",
        "veraPDF, PDF/UA-1",
        "Mustang, Factur-X and UBL",
    }


@pytest.mark.slow
def test_every_judge_refuses_a_document_in_which_all_is_wrong(
    present_judges: None, tmp_path: Path
) -> None:
    """Whoever never refuses has not looked."""
    (case,) = (
        case for case in all_cases() if case.name == "000-invoice-S-EUR-en-GB-sepa-transfer-plain"
    )
    paper = paper_of(case)
    document = replace(paper.document, number="RE-2026-OTHER", due_date=date(2027, 1, 1))
    record = judge(
        [replace(paper, document=document, pdf=spoiled(paper.pdf), ubl=spoiled_xml(paper.ubl))],
        tmp_path,
    )
    assert set(record.files) == set(record.refused)


def spoiled(pdf: bytes) -> bytes:
    """Without tags, title and description, with a box, another e-invoice and an end that lies."""
    with pikepdf.open(io.BytesIO(pdf)) as file:
        del file.Root.StructTreeRoot, file.Root.MarkInfo, file.Root.Metadata, file.docinfo
        first = file.pages[0]
        font = next(iter(first.Resources.Font.keys()))
        first.contents_add(f"BT {font} 9 Tf <0000> Tj ET".encode())
        (attached,) = file.attachments.values()
        stream = attached.obj.EF.F
        stream.write(spoiled_xml(stream.read_bytes()))
        to = io.BytesIO()
        file.save(to)
    return re.sub(rb"startxref\s+\d+", b"startxref\n7", to.getvalue())


def spoiled_xml(xml: bytes | None) -> bytes:
    """With another amount due."""
    assert xml is not None
    amount = rb"(DuePayableAmount|PayableAmount currencyID=\"EUR\")>[\d.]+<"
    return re.sub(amount, rb"\1>1.11<", xml)


def paper_of(case: Case) -> Paper:
    document = document_for(case)
    if not has_einvoice(document):
        assert case.currency == WITHOUT_XML
        return Paper(case.name, document, render_pdf(document), None)
    pdf = render_pdf(document, einvoice=to_cii(document))
    return Paper(case.name, document, pdf, to_ubl(document))
