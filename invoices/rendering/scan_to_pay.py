"""The QR code that a banking app reads: a SEPA transfer, filled in (EPC069-12).

Only for what such a transfer can carry: euros, to an account in the SEPA area, something to pay.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from stdnum import bic, iban, iso11649

from invoices.parties import PaymentMeans
from invoices.rendering.document import InvoiceDocument

# Where a SEPA transfer can go by the country of the IBAN. Those in the European Economic Area need
# no BIC. The islands around Britain have British IBANs, French territories French ones.
# fmt: off
_EEA = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
})
_SEPA_WITH_BIC = frozenset({
    "AD", "AL", "CH", "GB", "GI", "MC", "MD", "ME", "MK", "RS", "SM", "VA",
})
# fmt: on

_LEAST, _MOST = Decimal("0.01"), Decimal("999999999.99")
_LONGEST_NAME = 70
_LONGEST_TEXT = 140
# What version 13, the largest allowed, holds at level M.
_MOST_BYTES = 331
# Light modules around the code, so that readers find its edge.
_QUIET_ZONE = 4
# Trying all eight masks costs seven milliseconds; this one is read as surely (docs/decisions/0101).
_MASK = 3


@dataclass(frozen=True, slots=True)
class Drawing:
    """A QR code as one SVG path of rectangles, in a square of ``size`` units with its margin."""

    size: int
    path: str


def scan_to_pay_code(document: InvoiceDocument, means: PaymentMeans) -> str | None:
    """The text of the QR code with which ``means`` pays ``document``; None where there is none."""
    if not _is_payable(document, means) or not _is_reachable(means):
        return None
    reference = iso11649.compact(means.reference)
    is_structured = iso11649.is_valid(reference)
    text = _text(
        name=(means.account_name or document.seller.name)[:_LONGEST_NAME],
        means=means,
        amount=document.totals.due,
        structured=reference if is_structured else "",
        unstructured="" if is_structured else (means.reference or document.number)[:_LONGEST_TEXT],
    )
    return text if len(text.encode()) <= _MOST_BYTES else None


def drawn(text: str) -> Drawing:
    """The QR code for ``text``, at error correction level M as the guideline demands."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0, mask_pattern=_MASK)
    code.add_data(text.encode(), optimize=0)
    code.make(fit=True)
    return Drawing(
        size=code.modules_count + 2 * _QUIET_ZONE,
        path="".join(
            # Filling closes what is left open; each command costs the renderer time.
            f"M{left} {top}h{width}v{height}h-{width}"
            for left, top, width, height in _rectangles(code.modules)
        ),
    )


def _rectangles(rows: Sequence[Sequence[bool | None]]) -> Iterator[tuple[int, int, int, int]]:
    """The dark modules as left, top, width and height; runs alike in rows one below the other."""
    begun: dict[tuple[int, int], int] = {}
    for top, row in enumerate((*rows, ()), start=_QUIET_ZONE):
        runs = dict.fromkeys(_runs(row))
        for left, width in [run for run in begun if run not in runs]:
            since = begun.pop((left, width))
            yield left, since, width, top - since
        for run in runs:
            begun.setdefault(run, top)


def _runs(row: Sequence[bool | None]) -> Iterator[tuple[int, int]]:
    """Where dark modules begin in ``row``, and how many follow."""
    left = _QUIET_ZONE
    for is_dark, run in groupby(row):
        width = len(list(run))
        if is_dark:
            yield left, width
        left += width


def _is_payable(document: InvoiceDocument, means: PaymentMeans) -> bool:
    return (
        means.is_credit_transfer
        and document.currency == "EUR"
        and not document.is_draft
        and not document.is_credit_note
        and _LEAST <= document.totals.due <= _MOST
    )


def _is_reachable(means: PaymentMeans) -> bool:
    if not iban.is_valid(means.account_id) or (means.bic and not bic.is_valid(means.bic)):
        return False
    country = iban.compact(means.account_id)[:2]
    return country in _EEA or (country in _SEPA_WITH_BIC and bool(means.bic))


def _text(
    *, name: str, means: PaymentMeans, amount: Decimal, structured: str, unstructured: str
) -> str:
    return "\n".join(
        (
            "BCD",
            "002",
            "1",  # UTF-8
            "SCT",
            means.bic,
            name,
            iban.compact(means.account_id),
            f"EUR{amount:.2f}",
            "",  # purpose
            structured,
            unstructured,
        )
    ).rstrip("\n")
