"""One file for people, archives and machines: PDF/A-3a, PDF/UA-1 and Factur-X in the same PDF.

WeasyPrint makes the pages, the tags and the embedded file. What it says about them falls short of
the standards: its metadata name PDF/A alone, and it lists an embedded file twice. :func:`finisher`
puts that right before the file is written.

Sources: ISO 19005-3 (PDF/A-3), ISO 14289-1 (PDF/UA-1), Factur-X 1.0 (the extension schema).
"""

import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from io import BytesIO
from pathlib import Path

import pydyf
from lxml import etree
from weasyprint import VERSION, Attachment, Document
from weasyprint import pdf as pdf_writing
from weasyprint.urls import URLFetcher

# The variant of WeasyPrint that brings tags and a file identifier.
VARIANT = "pdf/a-3a"
# The variant's own, sRGB, is not asked for: see _explain_colours.
NO_OUTPUT_INTENT = ""
# By this name readers find it (Factur-X 1.0, 6.2.2).
EINVOICE_NAME = "factur-x.xml"

_PRODUCER = f"WeasyPrint {VERSION}"
_PROFILE = Path(pdf_writing.__file__).with_name("sRGB2014.icc")
_MIME_TYPE = "text/xml"
# The same page in another form: the relationship that Factur-X asks of its profile EN 16931.
_RELATIONSHIP = "Alternative"

# In a table of texts by glyph: nothing, and a character that is neither seen nor searched for (word
# joiner).
_NO_TEXT, _INVISIBLE_TEXT = b"> <>", b"> <2060>"

_XMP_META = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_PDF = "http://ns.adobe.com/pdf/1.3/"
_PDFA_ID = "http://www.aiim.org/pdfa/ns/id/"
_PDFUA_ID = "http://www.aiim.org/pdfua/ns/id/"
_EXTENSION = "http://www.aiim.org/pdfa/ns/extension/"
_SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
_PROPERTY = "http://www.aiim.org/pdfa/ns/property#"
_FACTUR_X = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PREFIXES = {
    "rdf": _RDF,
    "dc": _DC,
    "xmp": _XMP,
    "pdf": _PDF,
    "pdfaid": _PDFA_ID,
    "pdfuaid": _PDFUA_ID,
    "pdfaExtension": _EXTENSION,
    "pdfaSchema": _SCHEMA,
    "pdfaProperty": _PROPERTY,
    "fx": _FACTUR_X,
}
# What marks an XMP packet (ISO 16684-1, 7.3): a byte order mark and a number that is always this.
_PACKET_BEGIN = 'begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"'
_PACKET_END = 'end="r"'


@dataclass(frozen=True, slots=True)
class _Property:
    """One property of a schema that PDF/A does not know and wants described."""

    name: str
    value_type: str
    category: str
    description: str


@dataclass(frozen=True, slots=True)
class _Schema:
    title: str
    namespace: str
    prefix: str
    properties: tuple[_Property, ...]


_ACCESSIBILITY = _Schema(
    "PDF/UA identification schema",
    _PDFUA_ID,
    "pdfuaid",
    (_Property("part", "Integer", "internal", "Part of ISO 14289 that the file conforms to"),),
)
_EINVOICE = _Schema(
    "Factur-X PDFA Extension Schema",
    _FACTUR_X,
    "fx",
    (
        _Property("DocumentFileName", "Text", "external", "Name of the embedded XML document"),
        _Property("DocumentType", "Text", "external", "Type of the hybrid document"),
        _Property("Version", "Text", "external", "Version of the standard of the XML document"),
        _Property("ConformanceLevel", "Text", "external", "Profile of the XML document"),
    ),
)
# Of a credit note too: the type of the message, not that of the document (Factur-X 1.0, 6.2.1).
_EINVOICE_VALUES = {
    "DocumentType": "INVOICE",
    "DocumentFileName": EINVOICE_NAME,
    "Version": "1.0",
    "ConformanceLevel": "EN 16931",
}


def attachment(
    einvoice: bytes, *, issue_date: date, description: str, url_fetcher: URLFetcher
) -> Attachment:
    """The embedded file. It is dated like the document, so that the same document stays the same
    bytes."""
    moment = datetime.combine(issue_date, time(), tzinfo=UTC)
    return Attachment(
        file_obj=BytesIO(einvoice),
        name=EINVOICE_NAME,
        description=description,
        created=moment,
        modified=moment,
        relationship=_RELATIONSHIP,
        url_fetcher=url_fetcher,
    )


def finisher(*, has_einvoice: bool) -> Callable[[Document, pydyf.PDF], None]:
    """What ``write_pdf(finisher=)`` calls when all but the end of the file is made."""

    def finish(document: Document, pdf: pydyf.PDF) -> None:
        metadata = _object(pdf, pdf.catalog["Metadata"])
        metadata.stream = [_metadata(document, has_einvoice=has_einvoice)]
        # As it is, so that programs which look for it in the bytes find it.
        metadata.compress = False
        _explain_colours(pdf)
        if has_einvoice:
            _associate_einvoice(pdf)
        _forbid_interpolation(pdf)
        _give_text_to_every_glyph(pdf)
        _read_the_foot_once(pdf)

    return finish


def _object(pdf: pydyf.PDF, reference: bytes) -> pydyf.Object:
    return pdf.objects[int(reference.split()[0])]


def _explain_colours(pdf: pydyf.PDF) -> None:
    """Say which red, green and blue are meant (ISO 19005-3, 6.2.3).

    WeasyPrint could, but would open and parse the profile for each document.
    """
    profile = pydyf.Stream([_srgb()], {"N": 3, "Filter": "/FlateDecode"})
    pdf.add_object(profile)
    intent = {"Type": "/OutputIntent", "S": "/GTS_PDFA1", "DestOutputProfile": profile.reference}
    intent["OutputConditionIdentifier"] = intent["Info"] = pydyf.String(_PROFILE.stem)
    pdf.catalog["OutputIntents"] = pydyf.Array([pydyf.Dictionary(intent)])


@cache
def _srgb() -> bytes:
    return zlib.compress(_PROFILE.read_bytes())


def _associate_einvoice(pdf: pydyf.PDF) -> None:
    [specification] = dict.fromkeys(pdf.catalog["AF"])
    pdf.catalog["AF"] = pydyf.Array([specification])
    embedded = _object(pdf, _object(pdf, specification)["EF"]["F"])
    # Otherwise it would be what the machine's table of types says.
    embedded.extra["Subtype"] = pydyf.name(_MIME_TYPE)


def _forbid_interpolation(pdf: pydyf.PDF) -> None:
    """Pictures are shown as they are (ISO 19005-3, 6.2.8)."""
    for part in pdf.objects:
        if isinstance(part, pydyf.Stream) and "Interpolate" in part.extra:
            part.extra["Interpolate"] = "false"


def _give_text_to_every_glyph(pdf: pydyf.PDF) -> None:
    """Where several glyphs draw one group of characters, WeasyPrint gives the text to the last and
    none to the others; readers then copy whatever the glyph's number makes."""
    for part in pdf.objects:
        if isinstance(part, pydyf.Dictionary) and "ToUnicode" in part:
            table = _object(pdf, part["ToUnicode"])
            table.stream = [
                line.removesuffix(_NO_TEXT) + _INVISIBLE_TEXT if line.endswith(_NO_TEXT) else line
                for line in table.stream
            ]


def _read_the_foot_once(pdf: pydyf.PDF) -> None:
    """Read the foot of the first page after all else: the seller's registrations stand only there.

    WeasyPrint tags what stands in margins and leaves it out of the tree, so that what is repeated
    on each page is not read on each.
    """
    [reference] = _object(pdf, pdf.catalog["StructTreeRoot"])["K"]
    tree = _object(pdf, reference)
    place = {"S": "/Div", "P": reference, "Pg": pdf.page_references[0]}
    tree["K"].extend(
        part.reference
        for part in pdf.objects
        if isinstance(part, pydyf.Dictionary)
        and place.items() <= part.items()
        and part.reference not in tree["K"]
    )


# The metadata


def _metadata(document: Document, *, has_einvoice: bool) -> bytes:
    """The XMP packet: what PDF/A, PDF/UA and Factur-X want said, in one ``rdf:RDF``."""
    root = deepcopy(_standards(has_einvoice=has_einvoice))
    [rdf] = root
    metadata = document.metadata
    about = _about(rdf)
    if metadata.title:
        _add_title(about, metadata.title, language=metadata.lang)
    if metadata.authors:
        _add_list(about, f"{{{_DC}}}creator", "Seq", metadata.authors)
    if metadata.lang:
        _add_list(about, f"{{{_DC}}}language", "Bag", [metadata.lang])
    if metadata.created:
        _add(about, f"{{{_XMP}}}CreateDate", metadata.created)
    _add(about, f"{{{_PDF}}}Producer", _PRODUCER)
    root.addprevious(etree.ProcessingInstruction("xpacket", _PACKET_BEGIN))
    root.addnext(etree.ProcessingInstruction("xpacket", _PACKET_END))
    packet: bytes = etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=False)
    return packet


@cache
def _standards(*, has_einvoice: bool) -> etree._Element:
    """What is the same in every document."""
    root = etree.Element(f"{{{_XMP_META}}}xmpmeta", nsmap={"x": _XMP_META})
    rdf = etree.SubElement(root, f"{{{_RDF}}}RDF", nsmap=_PREFIXES)
    about = _about(rdf)
    _add(about, f"{{{_PDFA_ID}}}part", "3")
    _add(about, f"{{{_PDFA_ID}}}conformance", "A")
    _add(about, f"{{{_PDFUA_ID}}}part", "1")
    if has_einvoice:
        about = _about(rdf)
        for name, value in _EINVOICE_VALUES.items():
            _add(about, f"{{{_FACTUR_X}}}{name}", value)
    schemas = _add(_about(rdf), f"{{{_EXTENSION}}}schemas")
    bag = _add(schemas, f"{{{_RDF}}}Bag")
    for schema in _schemas(has_einvoice=has_einvoice):
        _describe(bag, schema)
    return root


def _schemas(*, has_einvoice: bool) -> Iterator[_Schema]:
    yield _ACCESSIBILITY
    if has_einvoice:
        yield _EINVOICE


def _describe(bag: etree._Element, schema: _Schema) -> None:
    item = _resource(bag)
    _add(item, f"{{{_SCHEMA}}}schema", schema.title)
    _add(item, f"{{{_SCHEMA}}}namespaceURI", schema.namespace)
    _add(item, f"{{{_SCHEMA}}}prefix", schema.prefix)
    properties = _add(_add(item, f"{{{_SCHEMA}}}property"), f"{{{_RDF}}}Seq")
    for one in schema.properties:
        entry = _resource(properties)
        _add(entry, f"{{{_PROPERTY}}}name", one.name)
        _add(entry, f"{{{_PROPERTY}}}valueType", one.value_type)
        _add(entry, f"{{{_PROPERTY}}}category", one.category)
        _add(entry, f"{{{_PROPERTY}}}description", one.description)


def _about(rdf: etree._Element) -> etree._Element:
    return etree.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})


def _resource(parent: etree._Element) -> etree._Element:
    return etree.SubElement(parent, f"{{{_RDF}}}li", {f"{{{_RDF}}}parseType": "Resource"})


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, name)
    child.text = text
    return child


def _add_title(about: etree._Element, title: str, *, language: str | None) -> None:
    alternatives = _add(_add(about, f"{{{_DC}}}title"), f"{{{_RDF}}}Alt")
    for tag in filter(None, ("x-default", language)):
        item = _add(alternatives, f"{{{_RDF}}}li", title)
        item.set("{http://www.w3.org/XML/1998/namespace}lang", tag)


def _add_list(about: etree._Element, name: str, kind: str, texts: list[str]) -> None:
    container = _add(_add(about, name), f"{{{_RDF}}}{kind}")
    for text in texts:
        _add(container, f"{{{_RDF}}}li", text)
