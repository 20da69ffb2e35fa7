"""U1, U3: one file for people, archives and machines – what it says of itself, and what it carries.

Whether a file conforms is decided by veraPDF (tests/conformance); here is what must be in it.
"""

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from django.conf import settings as program_settings
from lxml import etree
from PIL import Image
from pytest_django import Settings

from invoices.rendering.pdf import RenderingRefused, render_pdf
from tests.invoices.documents import BUYER, SELLER, a_credit_note, a_document, a_draft
from tests.invoices.pdfs import text_of

EINVOICE = "<?xml version='1.0' encoding='UTF-8'?><invoice>Müller &amp; Søn</invoice>".encode()
NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "pdfuaid": "http://www.aiim.org/pdfua/ns/id/",
    "pdfaExtension": "http://www.aiim.org/pdfa/ns/extension/",
    "pdfaSchema": "http://www.aiim.org/pdfa/ns/schema#",
    "pdfaProperty": "http://www.aiim.org/pdfa/ns/property#",
    "fx": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
}
_RENDER_ELSEWHERE = """
import django, hashlib
django.setup()
from invoices.rendering.pdf import render_pdf
from tests.invoices.documents import a_document
from tests.invoices.test_archival import EINVOICE
print(hashlib.sha256(render_pdf(a_document(12), einvoice=EINVOICE)).hexdigest())
"""


@contextmanager
def opened(pdf: bytes) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        yield document


def xmp_of(pdf: bytes) -> etree._Element:
    with opened(pdf) as document:
        return etree.fromstring(document.Root.Metadata.read_bytes())


def texts(xmp: etree._Element, path: str) -> list[str]:
    return [element.text for element in xmp.findall(f".//{path}", NAMESPACES)]


def test_metadata_is_one_packet_that_names_all_three_standards() -> None:
    xmp = xmp_of(render_pdf(a_document(2), einvoice=EINVOICE))

    assert len(list(xmp.iter(f"{{{NAMESPACES['rdf']}}}RDF"))) == 1
    assert (texts(xmp, "pdfaid:part"), texts(xmp, "pdfaid:conformance")) == (["3"], ["A"])
    assert texts(xmp, "pdfuaid:part") == ["1"]
    assert texts(xmp, "fx:DocumentType") == ["INVOICE"]
    assert texts(xmp, "fx:DocumentFileName") == ["factur-x.xml"]
    assert texts(xmp, "fx:Version") == ["1.0"]
    assert texts(xmp, "fx:ConformanceLevel") == ["EN 16931"]


def test_metadata_lies_in_the_file_as_it_is() -> None:
    """Programs that know no PDF look for it in the bytes (ISO 16684-1, 7.3)."""
    pdf = render_pdf(a_document(2), einvoice=EINVOICE)

    assert pdf.count(b"<?xpacket begin") == pdf.count(b"<?xpacket end") == 1
    assert pdf.count(b"<rdf:RDF") == 1


def test_properties_that_pdf_a_does_not_know_are_described() -> None:
    xmp = xmp_of(render_pdf(a_document(2), einvoice=EINVOICE))

    described = {
        schema.findtext("pdfaSchema:namespaceURI", namespaces=NAMESPACES): texts(
            schema, "pdfaProperty:name"
        )
        for schema in xmp.findall(".//pdfaExtension:schemas/rdf:Bag/rdf:li", NAMESPACES)
    }
    assert described == {
        NAMESPACES["pdfuaid"]: ["part"],
        NAMESPACES["fx"]: ["DocumentFileName", "DocumentType", "Version", "ConformanceLevel"],
    }


def test_metadata_agrees_with_what_a_viewer_shows() -> None:
    seller = replace(SELLER, trading_name="Nord & Süd <Hosting>")
    pdf = render_pdf(a_document(1, locale="de", seller=seller), einvoice=EINVOICE)

    xmp = xmp_of(pdf)
    [title, in_german] = xmp.findall(".//dc:title/rdf:Alt/rdf:li", NAMESPACES)
    assert title.text == in_german.text == "Rechnung INV-000123"
    assert in_german.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"
    assert texts(xmp, "dc:creator/rdf:Seq/rdf:li") == ["Nord & Süd <Hosting>"]
    assert texts(xmp, "dc:language/rdf:Bag/rdf:li") == ["de"]
    assert texts(xmp, "xmp:CreateDate") == ["2010-12-31"]
    with opened(pdf) as document:
        assert str(document.docinfo["/Title"]) == title.text
        assert str(document.docinfo["/Author"]) == "Nord & Süd <Hosting>"
        assert str(document.Root.Lang) == "de"
        assert bool(document.Root.ViewerPreferences.DisplayDocTitle)
        assert bool(document.Root.MarkInfo.Marked)


def test_einvoice_is_embedded_once_and_byte_for_byte() -> None:
    with opened(render_pdf(a_document(2), einvoice=EINVOICE)) as document:
        assert list(document.attachments) == ["factur-x.xml"]
        assert document.attachments["factur-x.xml"].get_file().read_bytes() == EINVOICE
        [associated] = document.Root.AF
        names = document.Root.Names.EmbeddedFiles.Names
        assert [str(names[0]), names[1].objgen] == ["factur-x.xml", associated.objgen]
        assert len(names) == 2
        assert str(associated.AFRelationship) == "/Alternative"
        assert str(associated.UF) == str(associated.F) == "factur-x.xml"
        assert "INV-000123" in str(associated.Desc)
        stream = associated.EF.F
        assert str(stream.Subtype) == "/text/xml"
        assert int(stream.Params.Size) == len(EINVOICE)
        assert str(stream.Params.ModDate) == "D:20101231000000Z"
        assert str(stream.Params.CreationDate) == "D:20101231000000Z"


def test_without_an_einvoice_nothing_is_embedded_and_none_is_announced() -> None:
    pdf = render_pdf(a_document(2))

    xmp = xmp_of(pdf)
    assert texts(xmp, "pdfaid:part") == ["3"]
    assert texts(xmp, "fx:DocumentType") == []
    assert NAMESPACES["fx"] not in texts(xmp, "pdfaSchema:namespaceURI")
    with opened(pdf) as document:
        assert not document.attachments
        assert "/AF" not in document.Root


def test_draft_carries_no_einvoice() -> None:
    with pytest.raises(RenderingRefused, match="draft"):
        render_pdf(a_draft(1), einvoice=EINVOICE)


def test_credit_note_is_announced_as_an_invoice_too() -> None:
    """The property names the type of the message (Factur-X 1.0, 6.2.1)."""
    xmp = xmp_of(render_pdf(a_credit_note(1), einvoice=EINVOICE))

    assert texts(xmp, "fx:DocumentType") == ["INVOICE"]


def test_colours_are_those_of_a_profile_in_the_file() -> None:
    with opened(render_pdf(a_document(1))) as document:
        [intent] = document.Root.OutputIntents
        assert str(intent.S) == "/GTS_PDFA1"
        assert int(intent.DestOutputProfile.N) == 3
        assert b"sRGB" in intent.DestOutputProfile.read_bytes()


def test_every_font_is_embedded_and_every_glyph_has_a_text() -> None:
    name = "ไทย จำกัด होस्टिंग 北京"
    with opened(render_pdf(a_document(1, buyer=replace(BUYER, name=name)))) as document:
        fonts = [
            one
            for one in document.objects
            if isinstance(one, pikepdf.Dictionary) and str(one.get("/Subtype")) == "/Type0"
        ]
        assert fonts
        for font in fonts:
            assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor
            assert b"> <>" not in font.ToUnicode.read_bytes()


def test_logo_with_transparent_parts_is_shown_as_it_is(settings: Settings, tmp_path: Path) -> None:
    settings.LOGOS_DIR = tmp_path
    Image.new("RGBA", (60, 20), (11, 93, 87, 128)).save(tmp_path / "clear.png")

    with opened(render_pdf(a_document(1, seller=replace(SELLER, logo="clear.png")))) as document:
        [image] = document.pages[0].get_images().values()
        assert not bool(image.Interpolate)
        assert not bool(image.SMask.Interpolate)


def test_same_document_and_einvoice_give_the_same_bytes_and_identifier() -> None:
    first = render_pdf(a_document(3), einvoice=EINVOICE)
    render_pdf(a_document(7))
    other = render_pdf(a_document(3), einvoice=EINVOICE + b"<!-- -->")

    assert render_pdf(a_document(3), einvoice=EINVOICE) == first
    with opened(first) as one, opened(other) as another:
        assert [bytes(part) for part in one.trailer.ID] != [
            bytes(part) for part in another.trailer.ID
        ]


def test_another_process_gives_the_same_bytes() -> None:
    environment = os.environ | {
        "PYTHONHASHSEED": "4711",
        "TZ": "Pacific/Kiritimati",
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

    here = hashlib.sha256(render_pdf(a_document(12), einvoice=EINVOICE)).hexdigest()
    assert answer.stdout.split() == [here]


def test_long_document_is_archived_as_a_short_one() -> None:
    pdf = render_pdf(a_document(80), einvoice=EINVOICE)

    assert texts(xmp_of(pdf), "fx:DocumentType") == ["INVOICE"]
    with opened(pdf) as document:
        assert len(document.pages) > 2
        assert list(document.attachments) == ["factur-x.xml"]
    assert "INV-000123" in text_of(pdf)


def test_foot_of_the_page_is_read_aloud_once() -> None:
    """The seller's registrations stand nowhere else."""
    with opened(render_pdf(a_document(80))) as document:
        [tree] = document.Root.StructTreeRoot.K
        read = [element.objgen for element in tree.K]
        first, second = (page.obj.objgen for page in document.pages[:2])
        blocks = [
            one
            for one in document.objects
            if isinstance(one, pikepdf.Dictionary)
            and one.get("/S") == "/Div"
            and one.P.objgen == tree.objgen
        ]
        on_first = [one.objgen for one in blocks if one.Pg.objgen == first]
        on_second = [one.objgen for one in blocks if one.Pg.objgen == second]
    assert set(on_first) <= set(read)
    assert len(read) == len(set(read))
    assert not set(on_second) <= set(read)
