"""Documents of different kinds, each looked over as printed; and one that says everything at once.

Product row *Invoices*, "Content".
"""

from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from pytest_django import Settings

from invoices.rendering.document import AccountingTax, Adjustment, InvoiceDocument
from invoices.rendering.pdf import render_pdf
from tests.invoices.companies import KONTOR_ELBE, LIFFEY_PRINT, NORDLICHT, TO_NORDLICHT
from tests.invoices.documents import a_document, a_line
from tests.invoices.pdfs import boxes_of, pages_of, text_of
from tests.invoices.sample_documents import LOGO, NOVEMBER, sample_documents

SAMPLES = sample_documents()
# In points.
MILLIMETRE = 72 / 25.4


@pytest.fixture(autouse=True)
def logo(settings: Settings, tmp_path: Path) -> None:
    settings.LOGOS_DIR = tmp_path
    Image.new("RGB", (76, 16), "#0b5d57").save(tmp_path / LOGO)


@pytest.mark.parametrize("kind", SAMPLES)
def test_sample_stays_within_its_page_and_has_every_glyph(kind: str) -> None:
    pdf = render_pdf(SAMPLES[kind])

    assert boxes_of(pdf) == set()
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        assert len(document) == (4 if kind == "long" else 1)
        for number in range(len(document)):
            page = document[number]
            width, height = page.get_size()
            for left, bottom, right, top in (one.get_bounds() for one in page.get_objects()):
                assert 0 <= left <= right <= width
                assert 0 <= bottom <= top <= height


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("invoice", ("Amount due £320.82 Due by 14 December 2026",)),
        ("rechnung", ("Zu zahlen 318,15 € Fällig am 14. Dezember 2026", "RF73 RE20 2600 0123")),
        ("facture-several-rates", ("TVA 20 % sur 93,70 €", "TVA 5,5 % sur 64,00 €")),
        ("reverse-charge", ("Reverse charge: the customer accounts for VAT", "€139.85")),
        ("export", ("Delivered to", "Delivery date 20 November 2026", "VAT 0%, export")),
        ("rechnungskorrektur", ("Rechnungskorrektur", "RE-2026-000123 vom 30. November 2026")),
        ("direct-debit", ("We will collect €318.15 from your account ending 2051",)),
        ("allowances-and-prepaid", ("Loyalty (5%): −£2.49", "Already paid −£50.00", "−1 year")),
        ("foreign-currency", ("VAT in GBP: £42.44 (1 USD = 0.7938 GBP on 27 Nov 2026).",)),
        ("draft", ("Rechnungsentwurf", "Entwurf")),
        ("long", ("Übertrag 603,50 €", "Seite 1 von 4", "Gesamtbetrag inkl. USt. 3.817,76 €")),
    ],
)
def test_sample_says_what_makes_its_kind(kind: str, said: tuple[str, ...]) -> None:
    text = " ".join(text_of(render_pdf(SAMPLES[kind])).split())

    for words in said:
        assert words in text, words


@pytest.mark.parametrize(
    ("quantity", "price"), [("1000", "543210.12"), ("1234567", "765432.12345678")]
)
def test_great_amounts_and_long_numbers_keep_to_their_places(quantity: str, price: str) -> None:
    usual = SAMPLES["rechnung"]
    line = a_line(1, quantity=Decimal(quantity), unit_price=Decimal(price), item_id="I" * 40)
    document = a_document(
        [line],
        seller=usual.seller,
        buyer=replace(usual.buyer, tax_number="9" * 40),
        locale="de",
        currency="EUR",
        number="R" * 40,
        order_number="P" * 40,
        payment_means=usual.payment_means,
    )
    [text] = pages_of(pdf := render_pdf(document))
    flat = " ".join(text.split())
    due = f"{document.totals.due:,.2f}".translate(str.maketrans(",.", ".,"))

    # Beside the amount due and at the end of the totals, each on a line of its own.
    assert flat.count(f"{due} €") == 2
    assert "R" * 40 in text.replace("\n", "")
    with closing(pypdfium2.PdfDocument(pdf)) as opened:
        page = opened[0]
        rights = [one.get_bounds()[2] for one in page.get_objects(filter=[1])]
    assert max(rights) <= page_width_inside()


def page_width_inside() -> float:
    """Up to the right margin, and a hair: figures are drawn to their advance."""
    return (210 - 20) * MILLIMETRE + 0.5


def test_window_of_an_envelope_shows_the_address_and_nothing_else() -> None:
    """DIN 5008 form A: 20 to 110 mm from the left, 27 to 72 mm from the top."""
    with closing(pypdfium2.PdfDocument(render_pdf(SAMPLES["rechnung"]))) as document:
        page = document[0]
        height = page.get_height()
        shown = page.get_textpage().get_text_bounded(
            left=20 * MILLIMETRE,
            right=110 * MILLIMETRE,
            top=height - 27 * MILLIMETRE,
            bottom=height - 72 * MILLIMETRE,
        )

    assert shown.replace("\r\n", "\n").strip().split("\n") == [
        "Nordlicht Hosting GmbH · Mühlenweg 4 · 20095 Hamburg",
        "Kontor für Wohnkultur Elbe GmbH & Co. KG",
        "z. Hd. Jörg Weißmüller",
        "Große Elbstraße 128",
        "3. Obergeschoss",
        "22767 Hamburg",
        "Deutschland",
    ]


@pytest.mark.parametrize("locale", ["en-GB", "de", "fr"])
def test_all_that_an_invoice_must_say_is_on_one_page(locale: str) -> None:
    [page] = pages_of(render_pdf(everything(locale)))
    text = " ".join(page.split())

    for words in (
        # What it is and when
        "RE-2026-000123", "2026", "PO-7781", "REF-88", "C-24", "P-3", "100042",
        # Who sells
        "Nordlicht", "Mühlenweg 4", "20095 Hamburg", "+49 40 5555 0100", "DE136695976",
        "22/815/08154", "HRB 123456", "Amtsgericht Hamburg", "rechnung@nordlicht.example",
        # Who buys
        "Kontor für Wohnkultur", "Jörg Weißmüller", "Große Elbstraße 128", "22767 Hamburg",
        "+49 40 5555 0199", "DE811569869",
        # Where goods went
        "Unit 9, Dock Road", "D02 X285",
        # Each line
        "Datensicherung", "BACK-1", "0,0325" if locale != "en-GB" else "0.0325", "SUP-OOH", "4711",
        # Notes, terms, what is paid
        "A note.", "Net cash.", "RF73 RE20 2600 0123", "DE89 3704 0044 0532 0130 00", "COBADEFFXXX",
    ):  # fmt: skip
        assert words in text, words
    for words in ESSENTIALS[locale]:
        assert words in text, words


ESSENTIALS = {
    "en-GB": (
        "Invoice number", "Date 30 November 2026", "Tax point 29 November 2026",
        "Service period 1–30 Nov 2026", "Delivery date 28 November 2026", "Order number",
        "Due by 14 December 2026", "Loyalty (5%): −€1.00", "Volume −€10.00", "Courier €5.00",
        "Already paid −€20.00", "Amount due €290.01", "VAT 19% on €261.35",
        "VAT in GBP: £43.80", "Scan with your banking app", "Page 1 of 1",
    ),
    "de": (
        "Rechnungsnummer", "Datum 30. November 2026", "Leistungsdatum 29. November 2026",
        "Leistungszeitraum 1.–30. Nov. 2026", "Lieferdatum 28. November 2026", "Bestellnummer",
        "Fällig am 14. Dezember 2026", "Loyalty (5 %): −1,00 €", "Volume −10,00 €",
        "Courier 5,00 €", "Bereits gezahlt −20,00 €", "Zu zahlen 290,01 €",
        "USt. 19 % auf 261,35 €", "USt. in GBP: 43,80 £", "Mit der Banking-App scannen",
        "Seite 1 von 1",
    ),
    "fr": (
        "Numéro de facture", "Date 30 novembre 2026", "Exigibilité de la TVA 29 novembre 2026",
        "Période 1–30 nov. 2026", "Date de livraison 28 novembre 2026", "Bon de commande",
        "Au plus tard le 14 décembre 2026", "Loyalty (5 %): −1,00 €", "Volume −10,00 €",
        "Courier 5,00 €", "Déjà payé −20,00 €", "À payer 290,01 €", "TVA 19 % sur 261,35 €",
        "TVA en GBP : 43,80 £", "À scanner avec votre appli bancaire", "Page 1 sur 1",
    ),
}  # fmt: skip


def everything(locale: str) -> InvoiceDocument:
    return replace(
        with_allowances_and_charges(SAMPLES["rechnung"]),
        locale=locale,
        seller=NORDLICHT,
        buyer=KONTOR_ELBE,
        tax_point_date=date(2026, 11, 29),
        delivery_date=date(2026, 11, 28),
        deliver_to=LIFFEY_PRINT.address,
        buyer_reference="REF-88",
        contract_number="C-24",
        project_number="P-3",
        payment_terms="Net cash.",
        notes=("A note.",),
        payment_means=(replace(TO_NORDLICHT, reference="RF73RE2026000123"),),
        accounting_tax=AccountingTax("GBP", Decimal("43.80"), Decimal("0.882"), date(2026, 11, 27)),
    )


def with_allowances_and_charges(usual: InvoiceDocument) -> InvoiceDocument:
    """On its first line and below its lines, with what they make of its sums."""
    first, *others = usual.lines
    discounted = replace(
        first,
        adjustments=(Adjustment(False, Decimal("1.00"), "Loyalty", Decimal(5)),),
        net=first.net - 1,
        buyer_item_id="4711",
        period=NOVEMBER,
    )
    net, tax = Decimal("261.35"), Decimal("49.66")
    [breakdown] = usual.tax_breakdown
    rate = breakdown.rate
    return replace(
        usual,
        lines=(discounted, *others),
        adjustments=(
            Adjustment(False, Decimal("10.00"), "Volume", None, None, "S", rate),
            Adjustment(True, Decimal("5.00"), "Courier", None, None, "S", rate),
        ),
        tax_breakdown=(replace(breakdown, taxable=net, tax=tax),),
        totals=replace(
            usual.totals,
            lines=usual.totals.lines - 1,
            allowances=Decimal("10.00"),
            charges=Decimal("5.00"),
            net=net,
            tax=tax,
            gross=net + tax,
            prepaid=Decimal("20.00"),
            rounding=Decimal("-1.00"),
            due=net + tax - 21,
        ),
    )
