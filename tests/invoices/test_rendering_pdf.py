"""The printed document: complete, the same each time, accessible, on as few pages as it needs."""

import gc
import hashlib
import io
import os
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from django.conf import settings as program_settings
from PIL import Image
from pytest_django import Settings

from invoices.rendering import pdf as printing
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.pdf import LogoMissing, render_pdf
from tests.invoices.documents import (
    BUYER,
    SELLER,
    a_credit_note,
    a_document,
    a_draft,
    a_line,
)
from tests.invoices.pdfs import pages_of, text_of

_RENDER_ELSEWHERE = """
import django, hashlib
django.setup()
from invoices.rendering.pdf import render_pdf
from tests.invoices.documents import a_document
for lines in (2, 30, 2):
    print(hashlib.sha256(render_pdf(a_document(lines))).hexdigest())
"""


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def test_everything_that_a_payer_needs_is_on_one_page() -> None:
    [page] = pages_of(render_pdf(a_document(3)))

    for text in (
        "Invoice", "INV-000123", "31 December 2010", "1–31 Dec 2010", "100042", "PO-7781",
        "Northwind Hosting Ltd", "Ferris & Ruiz Trading Ltd", "Attn. Ana Ruiz",
        "12 Harbour Street", "BS1 5TY", "Your phone +44 117 496 0123",
        "Your VAT number GB987654321",
        "Amount due", "£84.46", "Due by 14 January 2011", "GB33 BUKB 2020 1555 5555 55",
        "Backup storage", "0.0325", "17.5%", "Total before VAT", "£71.88", "VAT 17.5% on £71.88",
        "£12.58", "Payment within 14 days", "VAT no. GB123456789", "Page 1 of 1",
    ):  # fmt: skip
        assert text in page, text


def test_long_document_repeats_heads_and_says_which_page_this_is() -> None:
    pages = pages_of(render_pdf(a_document(60, locale="de", currency="EUR")))

    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert f"Seite {number} von {len(pages)}" in page
        assert "Beschreibung Menge Einzelpreis" in page
        assert "Nordlicht" not in page
    assert "Zu zahlen" in pages[0]
    assert all("Rechnung INV-000123" in page for page in pages[1:])
    assert "Gesamtbetrag inkl. USt." in pages[-1]
    wares = "Monitoring|Domain|Backup|Support|Virtual"
    positions = re.findall(rf"^(\d+) (?:{wares})", "\n".join(pages), flags=re.MULTILINE)
    assert positions == [str(position) for position in range(1, 61)]


def test_no_line_is_torn_apart_between_pages() -> None:
    lines = [a_line(n, description=f"Ware {n}\nsecond line\nthird line") for n in range(1, 40)]
    pages = pages_of(render_pdf(a_document(lines)))

    assert sum(page.count("Ware ") for page in pages) == 39
    for page in pages:
        assert page.count("Ware ") == page.count("second line") == page.count("third line")


def test_credit_note_is_a_document_of_its_own() -> None:
    text = text_of(render_pdf(a_credit_note(2)))

    assert "Credit note number CN-000007" in text
    assert "Corrects invoice" in text
    assert "INV-000123 of 31 December 2010" in text
    assert "Due by" not in text
    assert "IBAN" not in text


def test_draft_says_so_on_every_page_and_has_no_number() -> None:
    pages = pages_of(render_pdf(a_draft(40)))

    assert "Draft invoice" in pages[0]
    assert all("Draft" in page.replace("Draft invoice", "") for page in pages)
    assert not any("Invoice number" in page for page in pages)


@pytest.mark.parametrize(
    "document",
    [a_document(1), a_document(60, locale="fr"), a_credit_note(2), a_draft(2)],
    ids=["invoice", "long", "credit note", "draft"],
)
def test_same_document_gives_the_same_bytes(document: InvoiceDocument) -> None:
    first = render_pdf(document)
    render_pdf(a_document(7, buyer=replace(BUYER, name="北京 Somebody else")))

    assert render_pdf(document) == first


def test_another_process_gives_the_same_bytes() -> None:
    """With another hash seed, time zone and locale, and other documents rendered before."""
    environment = os.environ | {
        "PYTHONHASHSEED": "4711",
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C.UTF-8",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    answer = subprocess.run(
        [sys.executable, "-c", _RENDER_ELSEWHERE],
        env=environment,
        cwd=program_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )

    two, thirty = (hashlib.sha256(render_pdf(a_document(n))).hexdigest() for n in (2, 30))
    assert answer.stdout.split() == [two, thirty, two]


def test_pdf_carries_title_language_author_and_the_documents_date_alone() -> None:
    with opened(render_pdf(a_document(1, locale="de"))) as pdf:
        assert str(pdf.docinfo["/Title"]) == "Rechnung INV-000123"
        assert str(pdf.docinfo["/Author"]) == "Northwind Hosting Ltd"
        assert str(pdf.docinfo["/CreationDate"]) == "D:20101231"
        assert "/ModDate" not in pdf.docinfo
        assert str(pdf.Root.Lang) == "de"
        assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)


def test_pdf_is_tagged_so_that_it_can_be_read_aloud() -> None:
    with opened(render_pdf(a_document(2))) as pdf:
        tags = [str(o.S) for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and "/S" in o]
        assert bool(pdf.Root.MarkInfo.Marked)

    assert tags.count("/H1") == 1
    # Six heads of columns and a head for each fact and total: which cell means what.
    assert tags.count("/TH") >= 6 + 5 + 5 + 3
    assert tags.count("/Table") == 4


def test_pdf_has_no_script_link_form_or_attachment() -> None:
    """No link that acts: links belong in the email."""
    with opened(render_pdf(a_document(3))) as pdf:
        assert not pdf.attachments
        assert "/AcroForm" not in pdf.Root
        assert "/OpenAction" not in pdf.Root
        assert all("/Annots" not in page for page in pdf.pages)


def test_fonts_are_embedded_and_subset() -> None:
    pdf = render_pdf(a_document(3))

    with opened(pdf) as opened_pdf:
        fonts = [font for page in opened_pdf.pages for font in page.Resources.Font.values()]
        names = {str(font.BaseFont) for font in fonts}
        assert all("/FontFile2" in font.DescendantFonts[0].FontDescriptor for font in fonts)
    assert all("Inter" in name for name in names)
    assert len(pdf) < 40_000


def test_long_names_and_numbers_stay_within_the_page() -> None:
    document = a_document(
        3,
        buyer=replace(BUYER, name="Gesellschaft" * 18, contact_name="Dr. " + "x" * 120),
        order_number="PO-" + "1234567890" * 6,
        seller=replace(SELLER, name="Northwind " * 12, legal_information="Board: A. Ruiz " * 30),
    )
    pdf = render_pdf(document)
    joined = text_of(pdf).replace("\n", "")

    assert "Gesellschaft" * 18 in joined
    assert "PO-" + "1234567890" * 6 in joined
    assert "£84.46" in joined
    with closing(pypdfium2.PdfDocument(pdf)) as document_read:
        width, height = document_read[0].get_size()
        boxes = [one.get_bounds() for one in document_read[0].get_objects()]
    assert boxes
    assert all(0 <= left <= right <= width for left, _, right, _ in boxes)
    assert all(0 <= bottom <= top <= height for _, bottom, _, top in boxes)


@pytest.mark.slow
def test_thousand_lines_are_no_trouble() -> None:
    pages = pages_of(render_pdf(a_document(1000)))

    assert "\n1000 " in pages[-1] + pages[-2]
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]


def test_sellers_logo_and_colour_are_printed(settings: Settings, tmp_path: Path) -> None:
    settings.LOGOS_DIR = tmp_path
    Image.new("RGB", (120, 40), "#0b5d57").save(tmp_path / "northwind.png")
    seller = replace(SELLER, logo="northwind.png", colour="#cc0000")

    with opened(render_pdf(a_document(1, seller=seller))) as pdf:
        [image] = pdf.pages[0].get_images().values()
        assert (int(image.Width), int(image.Height)) == (120, 40)
        assert b"0.8 0 0 rg" in pdf.pages[0].Contents.read_bytes()
        figures = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and "/Alt" in o]
        assert [str(figure.Alt) for figure in figures] == ["Northwind Hosting Ltd"]


def test_missing_logo_is_told_and_nothing_is_printed(settings: Settings, tmp_path: Path) -> None:
    settings.LOGOS_DIR = tmp_path

    with pytest.raises(LogoMissing, match=r"absent\.png"):
        render_pdf(a_document(1, seller=replace(SELLER, logo="absent.png")))


def test_collector_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    render_pdf(a_document(1))
    assert gc.isenabled()

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no paper")

    monkeypatch.setattr(printing, "HTML", fails)
    with pytest.raises(RuntimeError, match="no paper"):
        render_pdf(a_document(1))
    assert gc.isenabled()
