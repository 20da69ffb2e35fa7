"""The QR code that a banking app reads: its text by EPC069-12, and the code as it is printed."""

import io
import shutil
import subprocess
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest

from invoices.parties import PaymentMeans
from invoices.rendering import pdf as printing
from invoices.rendering.composing import lay_out
from invoices.rendering.document import InvoiceDocument
from invoices.rendering.pdf import render_pdf
from invoices.rendering.scan_to_pay import drawn, scan_to_pay_code
from tests.invoices.documents import SELLER, a_credit_note, a_document, a_draft, a_line
from tests.invoices.pdfs import text_of

EURO_TRANSFER = PaymentMeans(
    code="58",
    account_name="Nordlicht Hosting GmbH",
    account_id="DE89370400440532013000",
    bic="COBADEFFXXX",
    reference="RF98INV2026000123",
)
# Screens and cheap printers: dots per inch of the page.
COARSE, USUAL = 150, 300


def a_euro_invoice(lines: int = 1, **overrides: object) -> InvoiceDocument:
    return a_document(
        lines,
        **{
            "currency": "EUR",
            "number": "INV-2026-000123",
            "payment_means": (EURO_TRANSFER,),
            **overrides,
        },
    )


def code_of(document: InvoiceDocument, **means: Any) -> str | None:
    return scan_to_pay_code(document, replace(EURO_TRANSFER, **means))


# --- The text -----------------------------------------------------------------------------------


def test_code_fills_in_the_whole_transfer() -> None:
    text = code_of(a_euro_invoice())

    assert text is not None
    assert text.split("\n") == [
        "BCD", "002", "1", "SCT", "COBADEFFXXX", "Nordlicht Hosting GmbH",
        "DE89370400440532013000", "EUR44.65", "", "RF98INV2026000123",
    ]  # fmt: skip


def test_reference_that_is_no_creditor_reference_is_passed_on_as_text() -> None:
    text = code_of(a_euro_invoice(), reference="INV-2026-000123")

    assert text is not None
    assert text.split("\n")[8:] == ["", "", "INV-2026-000123"]


def test_name_is_cut_to_what_a_transfer_holds() -> None:
    text = code_of(a_euro_invoice(), account_name="Nordlicht " * 20)

    assert text is not None
    assert text.split("\n")[5] == ("Nordlicht " * 20)[:70]


def test_bank_identifier_is_needed_outside_the_economic_area_only() -> None:
    swiss = {"account_id": "CH9300762011623852957"}

    assert code_of(a_euro_invoice(), bic="") is not None
    assert code_of(a_euro_invoice(), **swiss, bic="POFICHBEXXX") is not None
    assert code_of(a_euro_invoice(), **swiss, bic="") is None


@pytest.mark.parametrize(
    "means",
    [
        {"code": "59"},
        {"code": "48"},
        {"account_id": "12345678"},
        {"account_id": "DE00370400440532013000"},
        {"account_id": "TR330006100519786457841326"},
        {"bic": "NOBANK"},
    ],
    ids=["debit", "card", "no IBAN", "mistyped IBAN", "outside SEPA", "mistyped BIC"],
)
def test_what_no_sepa_transfer_reaches_has_no_code(means: dict[str, str]) -> None:
    assert code_of(a_euro_invoice(), **means) is None


@pytest.mark.parametrize(
    "document",
    [
        a_euro_invoice(currency="USD"),
        a_euro_invoice(prepaid=a_euro_invoice().totals.gross),
        a_euro_invoice(prepaid=Decimal(100)),
        a_credit_note(1, currency="EUR", payment_means=(EURO_TRANSFER,)),
        a_draft(1, currency="EUR", payment_means=(EURO_TRANSFER,)),
        a_document([a_line(1, quantity=Decimal(10**9), unit_price=Decimal(1))], currency="EUR"),
    ],
    ids=["dollars", "paid", "overpaid", "credit note", "draft", "a billion"],
)
def test_what_cannot_be_paid_by_it_has_no_code(document: InvoiceDocument) -> None:
    assert code_of(document) is None
    assert lay_out(document).scan_to_pay is None


def test_a_name_in_another_script_that_makes_it_too_long_leaves_no_code() -> None:
    """331 bytes are what version 13 holds; banks refuse larger ones."""
    assert code_of(a_euro_invoice(), account_name="北" * 70, reference="x" * 140) is None


def test_the_longest_text_fits_version_13() -> None:
    assert drawn("x" * 331).size == 69 + 8


# --- The picture --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "caption"),
    [
        ("en-GB", "Scan with your banking app"),
        ("de", "Mit der Banking-App scannen"),
        ("fr", "À scanner avec votre appli bancaire"),
    ],
)
def test_code_is_captioned_and_told_to_those_who_cannot_see_it(locale: str, caption: str) -> None:
    document = a_euro_invoice(locale=locale)
    printed = render_pdf(document)
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        alternatives = [
            str(one.Alt)
            for one in pdf.objects
            if isinstance(one, pikepdf.Dictionary) and one.get("/S") == "/Figure"
        ]
        assert not pdf.pages[0].get_images()
    [told] = alternatives

    for part in ("Nordlicht Hosting GmbH", "DE89 3704 0044 0532 0130 00", "RF98 INV2 0260 0012 3"):
        assert part in told
    assert caption in " ".join(text_of(printed).split())


def test_code_covers_exactly_its_dark_modules() -> None:
    drawing = drawn("BCD\n002")

    assert drawing.size == 21 + 8
    # The three finder patterns, each a ring of 7 by 7: top left, top right, bottom left.
    for corner in ("M4 4h7v1h-7", "M18 4h7v1h-7", "M4 24h7v1h-7"):
        assert corner in drawing.path


def test_pictures_of_codes_are_not_kept() -> None:
    render_pdf(a_euro_invoice())
    before = len(printing._press().pictures)
    for number in range(3):
        render_pdf(a_euro_invoice(number=f"INV-2026-{number}"))

    assert len(printing._press().pictures) == before


@pytest.mark.skipif(
    shutil.which("zbarimg") is None,
    reason="NOT CHECKED that the printed code can be read: apt-get install zbar-tools",
)
@pytest.mark.parametrize("resolution", [COARSE, USUAL])
@pytest.mark.parametrize(
    "document",
    [
        a_euro_invoice(),
        a_euro_invoice(40, locale="de", number="INV-2026-000999"),
        a_euro_invoice(
            seller=replace(SELLER, colour="#000000"),
            payment_means=(
                replace(
                    EURO_TRANSFER,
                    account_name="Größte Nordlicht-Beherbergungs- und Betreuungsgesellschaft mbH",
                    reference="INV-OF-A-RATHER-LONG-SERIES-2026-0000123",
                ),
            ),
        ),
    ],
    ids=["short", "long document", "long text"],
)
def test_the_printed_code_reads_back(
    document: InvoiceDocument, resolution: int, tmp_path: Path
) -> None:
    picture = tmp_path / "page.png"
    with closing(pypdfium2.PdfDocument(render_pdf(document))) as pdf:
        pdf[0].render(scale=resolution / 72, grayscale=True).to_pil().save(picture)
    read = subprocess.run(
        # As bytes: else it guesses an encoding, where the text itself says that it is UTF-8.
        ["zbarimg", "--quiet", "--raw", "-Sbinary", "-Sdisable", "-Sqrcode.enable", str(picture)],
        capture_output=True,
        check=True,
    )

    assert read.stdout.decode() == scan_to_pay_code(document, document.payment_means[0])
