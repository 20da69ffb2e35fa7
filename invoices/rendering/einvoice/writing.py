"""The e-invoice in both syntaxes of EN 16931: UN/CEFACT CII (Factur-X) and UBL 2.1.

Both are written by factur-x from the same terms; what it leaves behind is put right in the tree.
The same document gives the same bytes, in any process, at any time.
"""

from collections.abc import Callable
from typing import Final

from facturx import generate_cii_xml, generate_ubl_xml
from facturx.generate_xml import VERSION
from lxml import etree

from common.exceptions import DomainError
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.einvoice.terms import Terms, has_einvoice, terms_of

__all__ = ["WRITER", "EInvoiceUnwritable", "has_einvoice", "to_cii", "to_ubl"]

# Which program made the bytes, for the column that says so.
WRITER: Final = f"factur-x {VERSION}"[:20]

_LEVEL: Final = "en16931"
_CBC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_RAM: Final = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
# The one element that CII requires even where there is nothing to say.
_MAY_BE_EMPTY: Final = f"{_RAM}ApplicableHeaderTradeDelivery"


class EInvoiceUnwritable(DomainError):
    """The document lacks something without which there is no e-invoice at all."""


def to_cii(document: InvoiceDocument) -> bytes:
    """``factur-x.xml``: CII D22B, profile EN 16931. Raises EInvoiceUnwritable."""
    terms = terms_of(document)
    if "BG-13" in terms:
        # factur-x wants a name of the place; the element it makes of this goes as empty.
        terms["BG-13"]["name"] = ""
    return _bytes(_tree(generate_cii_xml, terms, document))


def to_ubl(document: InvoiceDocument) -> bytes:
    """UBL 2.1, ``Invoice`` or ``CreditNote``. Raises EInvoiceUnwritable."""
    terms = terms_of(document)
    root = _tree(generate_ubl_xml, terms, document)
    for rounding in root.iter(f"{_CBC}PayableRoundingAmount"):
        # factur-x 7.8 writes EUR whatever the currency.
        rounding.set("currencyID", document.currency)
    if "BT-89" in terms and "BT-91" not in terms:
        _add_mandate(root, terms["BT-89"])
    _put_tax_point_in_order(root)
    return _bytes(root)


def _tree(
    generate: Callable[..., bytes], terms: Terms, document: InvoiceDocument
) -> "etree._Element":
    try:
        written = generate(terms, level=_LEVEL, check_xsd=False, check_schematron=False)
    except (KeyError, ValueError) as error:
        raise EInvoiceUnwritable(
            f"No e-invoice can be made of {document.number}: {error}"
        ) from error
    # A document of thousands of lines is longer than the parser takes by itself.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    root = etree.fromstring(written, parser=parser)
    _drop_empty(root)
    return root


def _drop_empty(root: "etree._Element") -> None:
    """Elements without text and children, from the inside out: the schemas refuse them."""
    # Such as xsi:nil, which neither syntax knows.
    etree.strip_attributes(root, f"{_XSI}*")
    # From the end to the beginning, and so an element's children before itself.
    for element in reversed(list(root.iterdescendants())):
        if _is_empty(element):
            element.getparent().remove(element)


def _is_empty(element: "etree._Element") -> bool:
    has_content = len(element) or (element.text or "").strip()
    return not has_content and element.tag != _MAY_BE_EMPTY


def _add_mandate(root: "etree._Element", mandate: str) -> None:
    """BT-89, which factur-x 7.8 writes into UBL only together with the debited account."""
    means = root.find(f"{_CAC}PaymentMeans")
    if means is not None:
        etree.SubElement(
            etree.SubElement(means, f"{_CAC}PaymentMandate"), f"{_CBC}ID"
        ).text = mandate


def _put_tax_point_in_order(root: "etree._Element") -> None:
    """BT-7, which stands before the type in a credit note and behind it in an invoice.

    factur-x 7.8 writes it as in an invoice.
    """
    tax_point, kind = root.find(f"{_CBC}TaxPointDate"), root.find(f"{_CBC}CreditNoteTypeCode")
    if tax_point is not None and kind is not None:
        kind.addprevious(tax_point)


def _bytes(root: "etree._Element") -> bytes:
    etree.indent(root)
    etree.cleanup_namespaces(root)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return text + b"\n"
